from __future__ import annotations

import ast
import re

import build_addon
from blender_addon.core import german

SOURCES = [path for path in build_addon.SOURCE.rglob("*.py") if "_vendor" not in path.parts and path.name != "german.py"]
LITERALS = {
    node.value
    for path in SOURCES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
}


def test_every_translated_text_is_one_that_the_addon_has():
    assert {text for _, text in german.TEXTS} - LITERALS == set()


def test_a_translation_fills_in_what_its_text_fills_in():
    for (_, text), translated in german.TEXTS.items():
        assert sorted(re.findall(r"{.*?}", text)) == sorted(re.findall(r"{.*?}", translated)), text
