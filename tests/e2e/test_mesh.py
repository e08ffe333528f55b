"""`ipoke poke --mesh` from a cut-out to files that other programs open, with the real worker and a real model."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli import main
from backend.client.owned import manifest_of

from .conftest import MODEL


@pytest.fixture
def words(connection_file, tmp_path) -> list[str | Path]:
    where = ["--connection-file", connection_file, "-o", tmp_path / "out"]
    return ["--poke", "0.5,0.4:0.6,0.3", "--samples", "2", "--seed", "7", "--model", MODEL, "--frames", "6", *where]


def cache(file: Path) -> np.ndarray:
    data = file.read_bytes()
    vertices, samples = int.from_bytes(data[16:20], "little"), int.from_bytes(data[28:32], "little")
    return np.frombuffer(data, "<f4", offset=32).reshape(samples, vertices, 3)


def test_the_mesh_lies_beside_the_frames_and_the_job_names_its_files(ipoke, still, words, tmp_path):
    image = still("leaf.png", alpha=True)
    for more in ([], ["--replace"]):
        ipoke("poke", image, "--mesh", "--json", *words, *more)
    folder = tmp_path / "out"
    meshes = ["mesh/background.png", "mesh/thing.mtl", "mesh/thing.obj", "mesh/thing.png"]
    poses = ["variant_00/mesh.pc2", "variant_01/mesh.pc2"]
    assert {*meshes, *poses} <= manifest_of(folder).keys()
    told = json.loads((folder / "job.json").read_text())["mesh"]
    assert told == {"rest": meshes[2], "thing": meshes[3], "background": meshes[0], "poses": poses}
    lines = [line.split() for line in (folder / meshes[2]).read_text().splitlines()]
    rest = np.array([line[1:] for line in lines if line[0] == "v"], np.float32)
    one, other = (cache(folder / name) for name in poses)
    assert one.shape == other.shape == (7, len(rest), 3)
    np.testing.assert_allclose(one[0], rest, atol=1e-6)
    assert (one[6] != other[6]).any()
    thing, background = (cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED) for name in (meshes[3], meshes[0]))
    assert thing.shape == background.shape == (240, 320, 4)
    assert thing[120, 160, 3] == 255
    assert background[120, 160, 3] == 0


def test_the_last_pose_is_where_the_poke_goes(ipoke, still, words, tmp_path):
    ipoke("poke", still("leaf.png", alpha=True), "--mesh", "--json", *words)
    rest, *_, last = cache(tmp_path / "out/variant_00/mesh.pc2")
    tail, tip = np.array([0.5 * 4 / 3, 0.6]), np.array([0.6 * 4 / 3, 0.7])
    near = np.hypot(*(rest[:, :2] - tail).T).argmin()
    np.testing.assert_allclose(last[near, :2] - rest[near, :2], tip - tail, atol=0.02)
    assert last[near, 2] == pytest.approx(0.01 * np.hypot(*(last - rest)[near, :2]), rel=1e-3)


@pytest.mark.parametrize(
    ("options", "sentence", "code"),
    [
        (["--thing", "none"], "--mesh is of one thing that moves as a body", 2),
        (["--size", "model"], "need --size plate", 2),
    ],
)
def test_a_mesh_that_can_not_be_is_a_sentence(still, words, capsys, tmp_path, options, sentence, code):
    frames = [] if "--size" in options else ["--frames", "6"]
    image = still("leaf.png", alpha=True)
    kept = [word for word in words if word not in ("--frames", "6")]
    assert main([str(word) for word in ("poke", image, "--mesh", *kept, *frames, *options)]) == code
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
