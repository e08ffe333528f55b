"""Files of any name go through the command line, and so do the names of results."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import cv2
import pytest

from backend.cli import main
from backend.kinematics_file import read_kinematics

from .conftest import MODEL, picture

POKE = "0.5,0.4:0.6,0.3"
NAMES = [
    b"-o.png",
    b"take:2.png",
    "Büsche 植物.png".encode(),
    b"f\xff\xfe.png",
    b"new\nline.png",
    b"n" * 250 + b".png",
    b"CON.v1.png",
]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")


@pytest.fixture
def still(tmp_path) -> bytes:
    return cv2.imencode(".png", picture(96, 64))[1].tobytes()


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_still_of_any_name_is_poked(ipoke, connection_file, tmp_path, monkeypatch, still, name):
    monkeypatch.chdir(tmp_path)
    image = Path(os.fsdecode(name))
    image.write_bytes(still)
    words = (
        "--poke",
        POKE,
        "--samples",
        "1",
        "--size",
        "model",
        "--model",
        MODEL,
        "--connection-file",
        connection_file,
        "--json",
    )
    folder = Path(ipoke("poke", *words, "--", image)["folder"])
    assert folder.parent == tmp_path
    assert folder.name.endswith("-poked")
    assert {path.name for path in folder.iterdir()} == {"contact_sheet.png", "job.json", "preview_00.mp4", "variant_00"}
    assert json.loads((folder / "job.json").read_text())["plate"]["name"].encode()
    words = ("--variant", "0", "--still", f"./{image}", "-o", "a.kin.safetensors", "--connection-file", connection_file)
    assert main([str(word) for word in ("invert", folder, *words)]) == 0
    assert read_kinematics(Path("a.kin.safetensors").read_bytes()).info.source.encode()


def test_a_folder_of_frames_of_any_name_is_inverted(connection_file, tmp_path, monkeypatch, still):
    monkeypatch.chdir(tmp_path)
    folder = Path(os.fsdecode(b"a\\b:\xff\n"))
    folder.mkdir()
    for index in range(11):
        (folder / f"{index}.png").write_bytes(still)
    words = ("-o", "a.kin.safetensors", "--poke", POKE, "--model", MODEL, "--connection-file", connection_file)
    assert main([str(word) for word in ("invert", folder, *words)]) == 0
    assert read_kinematics(Path("a.kin.safetensors").read_bytes()).info.source == "a_b:__"
