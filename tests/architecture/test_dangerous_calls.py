"""Shipped code neither unpickles nor runs text as code or as a shell command."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .test_imports import PARTS, PROJECT, imports, is_inside, sources

PICKLE_MODULES = ("pickle", "_pickle", "cPickle", "dill", "joblib", "marshal", "shelve")
FOREIGN_CHECKPOINTS = PROJECT / "ipoke_models" / "convert"
SHIPPED = [path for part in PARTS for path in sources(part)]


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func)


def is_converter(path: Path) -> bool:
    return FOREIGN_CHECKPOINTS in path.parents


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_shipped_file_does_nothing_dangerous(path):
    if not is_converter(path):
        assert not [module for module in imports(path) if is_inside(module, *PICKLE_MODULES)]
    for call in calls(path):
        name = name_of(call)
        assert name not in ("eval", "exec", "compile", "__import__", "os.system", "os.popen"), f"line {call.lineno}: {name}"
        if name in ("torch.load", "torch.save") and not is_converter(path):
            pytest.fail(f"line {call.lineno}: {name} pickles")
        for keyword in call.keywords:
            if keyword.arg == "shell":
                assert isinstance(keyword.value, ast.Constant), f"line {call.lineno}: shell"
                assert keyword.value.value is False, f"line {call.lineno}: shell"
            if keyword.arg == "allow_pickle":
                assert getattr(keyword.value, "value", True) is False, f"line {call.lineno}: allow_pickle"
