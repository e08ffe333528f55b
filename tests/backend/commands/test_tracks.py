"""`ipoke tracks`: where places of a thing go, out of the files of a variant that was sampled with its mesh."""

from __future__ import annotations

import json
from array import array

import numpy as np
import pytest

from backend.cli import main
from backend.client.mesh import RestMesh, point_cache

SIZE_PX = (200, 100)
REST = [[0.25, 0.2], [0.75, 0.2], [0.75, 0.8], [0.25, 0.8]]
MOVED = [[0.35, 0.2], [0.85, 0.2], [0.75, 0.8], [0.25, 0.8]]


@pytest.fixture
def job(tmp_path):
    """A job of one variant: a square whose upper side moves by a tenth to the right, in one frame."""
    (tmp_path / "mesh").mkdir()
    (tmp_path / "variant_00").mkdir()
    mesh = RestMesh.of(array("i", [0, 1, 2, 0, 2, 3]).tobytes(), np.float32(REST).tobytes())
    (tmp_path / "mesh/thing.obj").write_bytes(mesh.obj(SIZE_PX))
    poses = np.float32([REST, MOVED]).tobytes()
    (tmp_path / "variant_00/mesh.pc2").write_bytes(point_cache(poses, mesh.vertices, SIZE_PX))
    (tmp_path / "job.json").write_text(json.dumps({"size_px": SIZE_PX}))
    return tmp_path


def test_a_place_goes_where_its_triangle_takes_it(job):
    assert main(["tracks", str(job), "--at", "0.5,0.2", "--at", "0.5,0.8", "-o", str(job / "a.json")]) == 0
    tracks = json.loads((job / "a.json").read_text())
    assert tracks == [
        [{"x": 100.0, "y": 20.0}, {"x": 120.0, "y": 20.0}],
        [{"x": 100.0, "y": 80.0}, {"x": 100.0, "y": 80.0}],
    ]


def test_columns_count_from_the_bottom_as_compositors_do(job):
    assert main(["tracks", str(job), "--at", "0.5,0.2", "-o", str(job / "a.txt")]) == 0
    assert (job / "a.txt").read_text() == "0 100.000 80.000\n1 120.000 80.000\n"


def test_places_that_are_not_named_are_spread_over_the_thing(job):
    assert main(["tracks", str(job), "--points", "9", "-o", str(job / "a.json")]) == 0
    starts = {(track[0]["x"], track[0]["y"]) for track in json.loads((job / "a.json").read_text())}
    assert starts == {(x * SIZE_PX[0], y * SIZE_PX[1]) for x, y in REST}, "no more than there are"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--at", "0.1,0.1"], "--at 0.1,0.1 is beside the thing; choose a place on it (mesh/thing.png shows it)."),
        (["--points", "0"], "--points is between 1 and 1000."),
        (["--variant", "3"], "variant_03/mesh.pc2 is not there; sample a thing with --mesh"),
    ],
)
def test_what_can_not_be_followed_is_one_sentence(job, capsys, options, sentence):
    assert main(["tracks", str(job), *options, "-o", str(job / "a.json")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (job / "a.json").exists()


@pytest.mark.parametrize("name", ["mesh/thing.obj", "variant_00/mesh.pc2"])
def test_a_damaged_file_is_one_sentence(job, capsys, name):
    whole = (job / name).read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\xff" * len(whole)):
        (job / name).write_bytes(damaged)
        assert main(["tracks", str(job), "-o", str(job / "a.json")]) == 1
        assert "damaged" in (told := capsys.readouterr().err) or "cut" in told


def test_a_file_that_is_there_stays(job, capsys):
    (job / "a.json").write_text("mine")
    assert main(["tracks", str(job), "-o", str(job / "a.json")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (job / "a.json").read_text() == "mine"
    assert main(["tracks", str(job), "-o", str(job / "a.csv")]) == 2
    assert "must end in .json or .txt" in capsys.readouterr().err
