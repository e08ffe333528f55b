"""`ipoke poke` from a photograph to folders of frames, with the real worker and a real model."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli import main
from backend.client.owned import manifest_of
from backend.plate.image import PlateImage, decode_plate
from tests.backend.plate.files import turned_jpeg
from tests.machine import allowed
from tests.processes import eventually

from .conftest import MODEL, PROJECT

POKE = "0.5,0.4:0.6,0.3"


@pytest.fixture
def poke(ipoke, connection_file, tmp_path):
    """Poke a still with the backend that runs; returns the folder."""

    def run(image: Path, *more: str | Path, output: str = "out") -> Path:
        target = tmp_path / output
        words = ("--model", MODEL, "--connection-file", connection_file, "--json", "-o", target)
        told = ipoke("poke", image, "--poke", POKE, *words, *more)
        assert told["folder"] == str(target)
        return target

    return run


def job_of(folder: Path) -> dict:
    return json.loads((folder / "job.json").read_text())


def frames_of(folder: Path, variant: int = 0) -> list[PlateImage]:
    return [decode_plate(file.read_bytes()) for file in sorted((folder / f"variant_{variant:02d}").iterdir())]


def hashes_of(folder: Path) -> dict[int, list[str]]:
    return {variant["index"]: variant["sha256"] for variant in job_of(folder)["variants"]}


def test_a_poked_still_becomes_folders_of_frames_and_previews(poke, still):
    folder = poke(still("photo.jpg"), "--samples", "2", "--seed", "7")
    assert sorted(path.name for path in folder.iterdir()) == [
        "contact_sheet.png", "job.json", "preview_00.mp4", "preview_01.mp4", "variant_00", "variant_01",
    ]  # fmt: skip
    for index, hashes in hashes_of(folder).items():
        files = sorted((folder / f"variant_{index:02d}").iterdir())
        assert [file.name for file in files] == [f"frame_{t:04d}.png" for t in range(1, 11)]
        assert [hashlib.sha256(file.read_bytes()).hexdigest() for file in files] == hashes
    job = job_of(folder)
    assert (job["seed"], job["frames"], job["model"]["name"]) == (7, 10, MODEL)
    assert job["plate"]["size_px"] == [320, 240]
    assert job["region_px"][2:] == [240, 240]
    assert {"ipoke", "torch", "opencv"} <= set(job["versions"])


def test_previews_can_be_played(poke, still):
    folder = poke(still("photo.jpg"), "--samples", "1")
    video = cv2.VideoCapture(str(folder / "preview_00.mp4"))
    good, frame = video.read()
    assert good
    assert frame.shape == (240, 320, 3)
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 30
    video.release()
    assert cv2.imread(str(folder / "contact_sheet.png")).shape[1] > 600


def test_the_region_moves_and_the_rest_of_the_plate_does_not(poke, still):
    image = still("photo.png", 400, 240)
    folder = poke(image, "--samples", "2", "--seed", "1")
    plate = decode_plate(image.read_bytes())
    x, y, w, h = job_of(folder)["region_px"]
    outside = np.ones(plate.bgr.shape[:2], bool)
    outside[y : y + h, x : x + w] = False
    assert outside.any()
    for variant in (0, 1):
        for frame in frames_of(folder, variant):
            assert frame.size_px == plate.size_px
            assert (frame.bgr[outside] == plate.bgr[outside]).all()
    first, second = frames_of(folder, 0)[-1], frames_of(folder, 1)[-1]
    assert (first.bgr != plate.bgr).any()
    assert (first.bgr != second.bgr).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_and_depth_stay(poke, still, dtype):
    image = still("cut-out.png", 300, 260, dtype, alpha=True)
    frame = frames_of(poke(image, "--samples", "1"))[-1]
    plate = decode_plate(image.read_bytes())
    assert frame.bgr.dtype == dtype
    assert frame.alpha is not None
    assert (frame.alpha[:, :5] == plate.alpha[:, :5]).all()


def test_an_upright_and_a_large_photograph_are_taken(poke, still):
    assert frames_of(poke(still("upright.jpg", 240, 320), "--samples", "1"))[0].size_px == (240, 320)
    large = poke(still("large.jpg", 4000, 3000), "--samples", "1", "--size", "model", output="large")
    assert job_of(large)["plate"]["size_px"] == [4000, 3000]
    assert cv2.imread(str(large / "variant_00" / "frame_0001.png")).shape == (64, 64, 3)


def test_a_turned_photograph_comes_out_upright(poke, tmp_path):
    image = tmp_path / "turned.jpg"
    image.write_bytes(turned_jpeg(6))
    assert frames_of(poke(image, "--samples", "1"))[0].size_px == (24, 32)


def test_a_variant_is_the_same_however_many_are_asked_for(poke, still):
    image = still("photo.jpg", 160, 120)
    many = hashes_of(poke(image, "--samples", "10", "--seed", "3", output="many"))
    few = hashes_of(poke(image, "--samples", "3", "--seed", "3", output="few"))
    assert [many[index] for index in range(3)] == [few[index] for index in range(3)]
    assert len({tuple(hashes) for hashes in many.values()}) == 10
    other = hashes_of(poke(image, "--samples", "3", "--seed", "4", output="other"))
    assert other[0] != few[0]


def test_an_earlier_result_gives_way_when_the_command_says_so_and_what_lies_beside_it_stays(poke, still, tmp_path, capsys):
    folder = poke(still("photo.jpg", 160, 120), "--samples", "2")
    (folder / "notes.txt").write_text("variant 0 for shot 12")
    plate = shutil.copy(tmp_path / "photo.jpg", folder / "photo_v002.jpg")
    assert main(["poke", str(plate), "--poke", POKE, "-o", str(folder)]) == 2
    assert "--replace" in capsys.readouterr().err
    assert len(hashes_of(folder)) == 2
    poke(plate, "--samples", "1", "--replace")
    assert sorted(path.name for path in folder.iterdir()) == [
        "contact_sheet.png", "job.json", "notes.txt", "photo_v002.jpg", "preview_00.mp4", "variant_00",
    ]  # fmt: skip
    assert set(manifest_of(folder)) == {
        "contact_sheet.png",
        "preview_00.mp4",
        *(f"variant_00/frame_{t:04d}.png" for t in range(1, 11)),
    }


def test_it_starts_its_own_backend_with_the_same_bytes(poke, still, tmp_path):
    image = still("photo.jpg", 160, 120)
    running = hashes_of(poke(image, "--samples", "1", "--seed", "3"))
    words = ["poke", str(image), "--poke", POKE, "--samples", "1", "--seed", "3", "--model", MODEL, "-o", "own", "--json"]
    words += ["--thing", "none"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "backend", *words],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=allowed(90), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert hashes_of(tmp_path / "own") == running
    assert json.loads(done.stdout)["folder"] == str(tmp_path / "own")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_what_is_finished(connection_file, still, tmp_path, number):
    image = still("photo.png", 480, 360)
    words = ["poke", image, "--poke", POKE, "--samples", "64", "--model", MODEL, "-o", "out"]
    words += ["--connection-file", connection_file]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "backend", *map(str, words)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(PROJECT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    eventually(lambda: any(tmp_path.glob(".ipoke-*/preview_07.mp4")), "no variant came", 60)
    process.send_signal(number)
    _, errors = process.communicate(timeout=allowed(30))
    assert process.returncode == 1
    assert "finished variants are in out" in errors
    kept = hashes_of(tmp_path / "out")
    assert 8 <= len(kept) < 64
    for index in kept:
        assert len(frames_of(tmp_path / "out", index)) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "photo.png"]
