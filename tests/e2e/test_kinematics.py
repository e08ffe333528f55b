"""`ipoke invert` and `ipoke transfer` with the real worker and a real model: from a clip to a file to another still."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from backend.cli import main
from backend.kinematics_file import read_kinematics
from backend.plate.image import decode_plate

from .conftest import MODEL, picture

FRAMES = 11
POKE = "0.5,0.4:0.6,0.3"


def moving(index: int, width: int = 160, height: int = 120) -> np.ndarray:
    """A bright disc before a picture, further to the right in every frame."""
    pixels = picture(width, height)
    cv2.circle(pixels, (50 + 4 * index, 60), 18, (40, 220, 250), -1, cv2.LINE_AA)
    return pixels


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "clip"
    folder.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(folder / f"{index}.png"), moving(index))
    return folder


@pytest.fixture
def invert(ipoke, connection_file, tmp_path):
    def run(
        clip: Path, *more: str | Path, output: str = "a.kin.safetensors", model: tuple[str, ...] = ("--model", MODEL)
    ) -> Path:
        words = (*model, "--connection-file", connection_file, "--json", "-o", tmp_path / output)
        assert ipoke("invert", clip, *words, *more)["kinematics"] == str(tmp_path / output)
        return tmp_path / output

    return run


@pytest.fixture
def transfer(ipoke, connection_file, tmp_path):
    def run(kinematics: Path, image: Path, *more: str | Path, output: str = "out") -> Path:
        words = ("--connection-file", connection_file, "--json", "-o", tmp_path / output)
        assert ipoke("transfer", kinematics, image, *words, *more)["folder"] == str(tmp_path / output)
        return tmp_path / output

    return run


def test_a_clip_becomes_a_safetensors_file_with_its_provenance(invert, folder):
    file = invert(folder, "--poke", POKE)
    assert set(load_file(file)) == {"residual", "still_features"}
    assert load_file(file)["residual"].shape[1:] == (8, 8)
    with safe_open(file, "numpy") as opened:
        info = json.loads(opened.metadata()["ipoke_kinematics"])
    assert info["model"]["name"] == MODEL
    assert info["source"] == "clip"
    assert info["frames"] == FRAMES - 1
    assert info["frame_sha256s"][3] == hashlib.sha256((folder / "3.png").read_bytes()).hexdigest()
    assert [round(info["pokes"][0][name], 6) for name in ("x", "y", "dx", "dy")] == [0.5, 0.4, 0.1, -0.1]


def test_the_same_clip_gives_the_same_bytes(invert, folder):
    assert invert(folder, output="a.kin.safetensors").read_bytes() == invert(folder, output="b.kin.safetensors").read_bytes()


def test_without_a_poke_the_place_that_moves_most_is_taken(invert, folder):
    (poke,) = read_kinematics(invert(folder).read_bytes()).info.pokes
    assert 0.15 < poke.x < 0.75
    assert 0.3 < poke.y < 0.7
    assert 0.12 < poke.dx < 0.32
    assert abs(poke.dy) < 0.06


def test_a_video_is_taken_evenly_from_its_first_frame_to_its_last(invert, tmp_path):
    video = cv2.VideoWriter(str(tmp_path / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (160, 120))
    for index in range(2 * FRAMES - 1):
        video.write(moving(index // 2))
    video.release()
    info = read_kinematics(invert(tmp_path / "clip.mp4").read_bytes()).info
    assert info.source == "clip.mp4"
    assert info.clip_size_px == (160, 120)
    assert len(set(info.frame_sha256s)) == FRAMES
    assert info.pokes[0].dx > 0.12


def test_kinematics_move_another_still(invert, transfer, folder, still):
    image = still("other.png", 320, 200)
    out = transfer(invert(folder), image, "--thing", "none")
    assert sorted(path.name for path in out.iterdir()) == ["contact_sheet.png", "job.json", "preview_00.mp4", "variant_00"]
    job = json.loads((out / "job.json").read_text())
    assert len(job["kinematics"]["sha256"]) == 64
    frames = [decode_plate(file.read_bytes()) for file in sorted((out / "variant_00").iterdir())]
    assert len(frames) == FRAMES - 1
    plate = decode_plate(image.read_bytes())
    assert frames[-1].size_px == plate.size_px
    assert (frames[-1].bgr != plate.bgr).any()
    again = transfer(invert(folder, "--replace"), image, "--thing", "none", output="again")
    assert json.loads((again / "job.json").read_text())["variants"] == job["variants"]


def test_a_replay_takes_the_options_of_a_poke(invert, transfer, folder, still):
    image = still("other.png", 320, 200)
    lock = np.zeros((200, 320, 3), np.uint8)
    lock[:, 170:] = 255
    cv2.imwrite(str(image.with_name("lock.png")), lock)
    words = ("--region", "60,0,200,200", "--lock", image.with_name("lock.png"), "--frames", "12", "--hold", "2", "--passes")
    out = transfer(invert(folder), image, *words, "--loop", "closed", "--thing", "none")
    job = json.loads((out / "job.json").read_text())
    assert (job["region_px"], job["frames"]) == ([60, 0, 200, 200], 12)
    assert job["variants"][0]["seam"]["median_step_px"] > 0
    assert len(list((out / "passes_00").iterdir())) == 12
    frames = [decode_plate(file.read_bytes()) for file in sorted((out / "variant_00").iterdir())]
    plate = decode_plate(image.read_bytes())
    kept = np.ones((200, 320), bool)
    kept[:, 60:170] = False
    assert all((frame.bgr[kept] == plate.bgr[kept]).all() for frame in frames)
    assert any((frame.bgr[~kept] != plate.bgr[~kept]).any() for frame in frames)
    assert (frames[0].bgr == frames[1].bgr).all()


def test_a_variant_is_inverted_with_the_still_before_it(invert, transfer, ipoke, connection_file, still, tmp_path):
    image = still("photo.png", 160, 120)
    words = ("--poke", POKE, "--model", MODEL, "--samples", "1", "--seed", "3", "--size", "model")
    ipoke("poke", image, *words, "--connection-file", connection_file, "--json", "-o", tmp_path / "poked")
    cropped = tmp_path / "cropped.png"
    x, y, w, h = json.loads((tmp_path / "poked" / "job.json").read_text())["region_px"]
    cv2.imwrite(str(cropped), cv2.resize(cv2.imread(str(image))[y : y + h, x : x + w], (64, 64), interpolation=cv2.INTER_AREA))
    file = invert(tmp_path / "poked" / "variant_00", "--still", cropped, "--poke", POKE)
    assert read_kinematics(file.read_bytes()).info.clip_size_px == (64, 64)
    replayed = transfer(file, cropped, "--poke", POKE, "--size", "model")
    assert cv2.imread(str(replayed / "variant_00" / "frame_0010.png")).shape == (64, 64, 3)


@pytest.fixture
def poked(ipoke, connection_file, still, tmp_path):
    """A poked photograph and the folder of two variants near variant 1 of seed 3, at the plate's size."""
    image = still("photo.png", 160, 120)
    words = ("--poke", POKE, "--model", MODEL, "--samples", "2", "--seed", "5", "--like", "3/1:0.5")
    ipoke("poke", image, *words, "--connection-file", connection_file, "--json", "-o", tmp_path / "poked")
    return image, tmp_path / "poked"


def pictures(variant: Path) -> np.ndarray:
    return np.stack([cv2.imread(str(file)).astype(int) for file in sorted(variant.iterdir())])


def test_a_variants_own_kinematics_replay_it_on_its_plate(poked, invert, transfer):
    image, folder = poked
    file = invert(folder, "--variant", "1", "--still", image, model=())
    info = read_kinematics(file.read_bytes()).info
    assert (info.variant.sampling.seed, info.variant.index, info.variant.sampling.like[0].amount) == (5, 1, 0.5)
    out = transfer(file, image)
    shown, replayed = pictures(folder / "variant_01"), pictures(out / "variant_00")
    assert np.abs(shown - cv2.imread(str(image))).max() > 20
    difference = np.abs(replayed - shown)
    assert difference.max() <= 2
    assert (difference > 0).mean() < 0.001, "but for the rounding of the flow there and back"
    assert json.loads((out / "job.json").read_text())["kinematics"]["pose_difference"] < 1e-6


def test_the_kinematics_of_a_variant_are_those_of_its_variation(ipoke, connection_file, still, tmp_path, invert):
    image, words = still("photo.png", 160, 120), ("--poke", POKE, "--samples", "1", "--seed", "5", "--variation", "0.9")
    ipoke("poke", image, *words, "--connection-file", connection_file, "--json", "-o", tmp_path / "wild", "--model", "garden-64")
    assert json.loads((tmp_path / "wild" / "job.json").read_text())["variation"] == 0.9
    file = invert(tmp_path / "wild", "--variant", "0", "--still", image, model=())
    assert read_kinematics(file.read_bytes()).info.variant.sampling.variation == 0.9


def test_a_variant_that_is_not_there_or_of_another_plate_is_refused(poked, capsys, still, tmp_path, connection_file):
    image, folder = poked
    words = ("--connection-file", connection_file, "-o", tmp_path / "a.kin.safetensors")
    assert "has no variant 7; it has 0, 1" in refused(capsys, "invert", folder, "--variant", "7", "--still", image, *words)
    assert "--still" in refused(capsys, "invert", folder, "--variant", "1", *words)
    other = still("other.png", 80, 60)
    assert "is not the plate" in refused(capsys, "invert", folder, "--variant", "1", "--still", other, *words)
    (folder / "job.json").write_text('{"pokes": 3}')
    assert "is not what `ipoke poke` wrote" in refused(capsys, "invert", folder, "--variant", "1", "--still", image, *words)


def test_a_still_of_another_pose_is_told(poked, invert, ipoke, connection_file, tmp_path, capsys):
    image, folder = poked
    file = invert(folder, "--variant", "0", "--still", image, model=())
    other = tmp_path / "negative.png"
    cv2.imwrite(str(other), 255 - cv2.imread(str(image)))
    words = ("--connection-file", connection_file, "-o", tmp_path / "out", "--size", "model")
    assert main([str(word) for word in ("transfer", file, other, *words)]) == 0
    difference = json.loads((tmp_path / "out" / "job.json").read_text())["kinematics"]["pose_difference"]
    assert (difference > 0.3) == ("differ much" in capsys.readouterr().err)
    assert difference > 0.3


REFUSED = {
    "cut": lambda data, path: path.write_bytes(data[:-8]),
    "flipped": lambda data, path: path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]),
    "empty": lambda data, path: path.write_bytes(b""),
    "text": lambda data, path: path.write_bytes(b"these are no kinematics at all"),
    "other": lambda data, path: save_file({"residual": np.zeros((4, 8, 8), np.float32)}, path),
    "nan": lambda data, path: save_file({"residual": np.full((4, 8, 8), np.nan, np.float32)}, path),
}


@pytest.mark.parametrize("damage", list(REFUSED))
def test_a_file_that_is_no_whole_kinematics_is_refused(damage, invert, folder, still, tmp_path, capsys, connection_file):
    file = invert(folder)
    REFUSED[damage](file.read_bytes(), file)
    words = ["transfer", str(file), str(still("a.png")), "-o", str(tmp_path / "out"), "--connection-file", str(connection_file)]
    assert main(words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "ipoke invert" in line
    assert not (tmp_path / "out").exists()


def refused(capsys, *words: str | Path) -> str:
    assert main([str(word) for word in words]) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(".")
    return line


def test_a_clip_that_is_too_short_or_no_clip_is_refused(capsys, folder, tmp_path, connection_file):
    rest = ("--model", MODEL, "--connection-file", connection_file, "-o", tmp_path / "a.kin.safetensors")
    (folder / "3.png").unlink()
    assert "needs 11" in refused(capsys, "invert", folder, *rest)
    (tmp_path / "clip.mp4").write_bytes(b"no video")
    assert "can't be read as a video" in refused(capsys, "invert", tmp_path / "clip.mp4", *rest)
    assert "can't be read" in refused(capsys, "invert", tmp_path / "nothing", *rest)
    assert not (tmp_path / "a.kin.safetensors").exists()


def test_a_clip_in_which_nothing_moves_is_refused(capsys, folder, tmp_path, connection_file):
    for file in folder.iterdir():
        cv2.imwrite(str(file), moving(0))
    words = ("--model", MODEL, "--connection-file", connection_file, "-o", tmp_path / "a.kin.safetensors")
    assert "Nothing moves in this clip by 0.5% of its side (at most 0.00%)" in refused(capsys, "invert", folder, *words)


def test_kinematics_of_another_model_are_refused_by_its_name(invert, folder, still, tmp_path, capsys, connection_file):
    words = ("--connection-file", connection_file, "--model", "garden-64", "-o", tmp_path / "out")
    line = refused(capsys, "transfer", invert(folder), still("a.png"), *words)
    assert f"were made by the model {MODEL}" in line
