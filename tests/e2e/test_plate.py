"""`ipoke poke` with what an artist gives beside the still: region, masks, float plates, timing, loops, passes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest

from backend.cli import main
from backend.commands.inputs import read_plate
from backend.plate.image import PlateImage, decode_plate
from ipoke_media.exr_writing import write_exr

from .conftest import MODEL, picture

POKE = "0.5,0.4:0.6,0.3"


@pytest.fixture
def poke(ipoke, connection_file, tmp_path):
    """Poke a still with the backend that runs; returns the folder and job.json."""

    def run(image: Path, *more: str | Path) -> tuple[Path, dict]:
        words = ("--model", MODEL, "--connection-file", connection_file, "--json", "-o", tmp_path / "out", "--samples", "1")
        ipoke("poke", image, "--poke", POKE, *words, "--seed", "1", *more)
        return tmp_path / "out", json.loads((tmp_path / "out" / "job.json").read_text())

    return run


@pytest.fixture
def refused(capsys, connection_file, tmp_path):
    """Run a poke that must be refused; returns its sentence."""

    def run(image: Path, *more: str | Path) -> str:
        words = ("--model", MODEL, "--connection-file", connection_file, "-o", tmp_path / "out")
        assert main([str(word) for word in ("poke", image, "--poke", POKE, *words, *more)]) in (1, 2)
        (line,) = capsys.readouterr().err.splitlines()
        assert not (tmp_path / "out").exists()
        return line

    return run


def frames_of(folder: Path) -> list[PlateImage]:
    return [decode_plate(file.read_bytes()) for file in sorted((folder / "variant_00").iterdir())]


@pytest.fixture
def float_still(tmp_path) -> Path:
    light = (picture(200, 160).astype(np.float32) / 90).astype(np.float16)
    light[3, 4], light[100, 110] = np.nan, np.inf
    path = tmp_path / "plate.exr"
    path.write_bytes(write_exr({name: light[..., index] for index, name in enumerate("BGR")}))
    return path


def test_a_layer_of_an_exr_is_named_chosen_and_written_down(poke, refused, tmp_path, capsys):
    light = (picture(200, 160).astype(np.float32) / 90).astype(np.float16)
    layered = tmp_path / "layers.exr"
    planes = {
        f"{layer}.{name}": light[..., index] * dim
        for layer, dim in (("AO", 0.1), ("Combined", 1))
        for index, name in enumerate("BGR")
    }
    layered.write_bytes(write_exr({name: np.asarray(plane, np.float16) for name, plane in planes.items()}))
    folder, job = poke(layered, "--layer", "Combined")
    assert (job["plate"]["layer"], job["plate_options"]["layer"]) == ("Combined", "Combined")
    assert (frames_of(folder)[0].bgr[0, 0] == light[0, 0]).all()
    read_plate(layered, layer="Combined")
    assert "2 layers, of which Combined is used" in capsys.readouterr().err
    shutil.rmtree(folder)
    assert "it has AO, Combined" in refused(layered, "--layer", "Beauty")


def test_an_exr_plate_comes_back_as_half_float_exr(poke, float_still):
    folder, job = poke(float_still)
    plate = decode_plate(float_still.read_bytes())
    assert (folder / "variant_00" / "frame_0001.exr").is_file()
    assert (job["depth_bits"], job["colour"]) == (32, "linear light, premultiplied alpha")
    x, y, w, h = job["region_px"]
    outside = np.ones(plate.bgr.shape[:2], bool)
    outside[y : y + h, x : x + w] = False
    moved = False
    for frame in frames_of(folder):
        assert frame.bgr.dtype == np.float16
        assert frame.bgr[outside].tobytes() == plate.bgr[outside].tobytes()
        moved |= frame.bgr.tobytes() != plate.bgr.tobytes()
    assert moved


def test_a_lock_and_a_region_hold_to_the_byte(poke, still, tmp_path):
    image = still("plate.png", 320, 240)
    mask = np.zeros((240, 320, 3), np.uint8)
    cv2.circle(mask, (170, 90), 30, (255, 255, 255), -1)
    cv2.imwrite(str(tmp_path / "lock.png"), mask)
    folder, job = poke(image, "--region", "60,20,200,180", "--lock", tmp_path / "lock.png")
    assert job["region_px"] == [60, 20, 200, 180]
    assert job["plate_options"]["lock_sha256"]
    plate = decode_plate(image.read_bytes())
    kept = mask[..., 0] == 255
    kept[:20], kept[200:], kept[:, :60], kept[:, 260:] = True, True, True, True
    frames = frames_of(folder)
    assert all((frame.bgr[kept] == plate.bgr[kept]).all() for frame in frames)
    assert any((frame.bgr[~kept] != plate.bgr[~kept]).any() for frame in frames)


def test_several_regions_move_by_their_own_pokes_and_nothing_else_does(poke, still):
    image = still("plate.png", 320, 240)
    regions = ("--region", "90,20,140,140", "--region", "0,120,80,100")
    folder, job = poke(image, *regions, "--poke", "0.1,0.7:0.15,0.6", "--loop", "ping-pong", "--passes")
    assert job["regions_px"] == [[90, 20, 140, 140], [0, 120, 80, 100]]
    assert job["region_px"] == [0, 20, 230, 200]
    plate, frames = decode_plate(image.read_bytes()), frames_of(folder)
    inside = [(slice(20, 160), slice(90, 230)), (slice(120, 220), slice(0, 80))]
    kept = np.ones((240, 320), bool)
    for place in inside:
        kept[place] = False
        assert any((frame.bgr[place] != plate.bgr[place]).any() for frame in frames)
    assert all((frame.bgr[kept] == plate.bgr[kept]).all() for frame in frames)


def test_a_clean_plate_is_taken(poke, still, tmp_path):
    image = still("plate.png", 320, 240)
    clean = cv2.imread(str(image))
    cv2.circle(clean, (160, 96), 40, (10, 20, 200), -1)
    cv2.imwrite(str(tmp_path / "clean.png"), clean)
    folder, job = poke(image, "--clean-plate", tmp_path / "clean.png")
    assert job["plate_options"]["clean_sha256"]
    assert len(frames_of(folder)) == 10


def test_timing_makes_as_many_frames_as_asked_for_and_holds_drawings(poke, still):
    folder, job = poke(still("plate.png", 160, 120), "--frames", "24", "--hold", "2", "--easing", "in-out")
    frames = frames_of(folder)
    assert job["frames"] == len(frames) == 24
    for index in range(0, 24, 2):
        assert (frames[index].bgr == frames[index + 1].bgr).all()
    assert len(job["variants"][0]["sha256"]) == 24


@pytest.mark.parametrize("kind", ["closed", "ping-pong"])
def test_a_loop_says_how_it_closes(poke, still, kind):
    folder, job = poke(still("plate.png", 160, 120), "--loop", kind, "--frames", "16")
    seam = job["variants"][0]["seam"]
    assert seam["loop"] in (kind, "ping-pong")
    assert max(seam["position_px"], seam["velocity_px"]) <= seam["median_step_px"]
    assert len(frames_of(folder)) == 16


def test_chained_clips_become_one(poke, still):
    folder, job = poke(still("plate.png", 160, 120), "--chain", "3")
    assert job["frames"] == len(frames_of(folder)) == 30


def test_passes_come_with_every_frame_and_make_it(poke, still):
    image = still("plate.png", 200, 160)
    folder, _ = poke(image, "--passes")
    files = sorted((folder / "passes_00").iterdir())
    assert [file.name for file in files] == [f"passes_{t:04d}.exr" for t in range(1, 11)]
    channels = OpenEXR.File(str(files[-1]), True).channels()
    x = channels["STMap.R"].pixels * 200 - 0.5
    y = (1 - channels["STMap.G"].pixels) * 160 - 0.5
    plate, last = decode_plate(image.read_bytes()), frames_of(folder)[-1]
    again = cv2.remap(plate.bgr, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    known = channels["occlusion.V"].pixels == 0
    assert np.percentile(np.abs(again.astype(int) - last.bgr)[known], 99) <= 2


def test_the_smallest_plate_is_moved(poke, still):
    folder, _ = poke(still("tiny.png", 16, 16))
    assert frames_of(folder)[0].size_px == (16, 16)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--region", "0,0,4000,100"), "reaches outside the plate"),
        (("--region", "1,2,3"), "is not X,Y,W,H"),
        (("--region=-5,0,100,100",), "is no region"),
        (("--region", "0,0,20,20"), "reaches outside the region"),
        (("--frames", "601"), "between 2 and 600"),
        (("--hold", "0"), "between 1 and 8"),
        (("--chain", "9"), "between 1 and 8"),
        (("--loop", "closed", "--loop-draws", "0"), "between 1 and 16"),
        (("--region", "0,0,160,120", "--region", "0,0,20,20"), "Region 2 holds no poke of its own"),
        (("--region", "0,0,20,20", "--region", "20,0,20,20"), "starts in none of the regions"),
        (("--region", "0,0,160,120", "--region", "0,0,20,20", "--size", "model"), "need --size plate"),
        (("--loop", "closed", "--easing", "in"), "can't be eased"),
        (("--size", "model", "--loop", "closed"), "need --size plate"),
    ],
)
def test_options_that_make_no_sense_are_refused(refused, still, words, sentence):
    assert sentence in refused(still("plate.png", 160, 120), *words)


def test_masks_and_clean_plates_that_do_not_fit_are_refused(refused, still, tmp_path):
    image, small = still("plate.png", 160, 120), still("small.png", 80, 60)
    assert "lock mask has another size" in refused(image, "--lock", small)
    assert "clean plate has another size" in refused(image, "--clean-plate", small)
    assert "can't be read" in refused(image, "--lock", tmp_path / "nothing.png")


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (np.zeros((1, 1, 3), np.uint8), "1 x 1 px"),
        (np.zeros((40, 40, 4), np.uint8), "transparent everywhere"),
        (np.zeros((16, 60_000, 3), np.uint8), "60000 x 16 px"),
    ],
)
def test_plates_that_can_not_be_used_are_refused_in_a_sentence(refused, tmp_path, pixels, sentence):
    path = tmp_path / "plate.png"
    cv2.imwrite(str(path), pixels)
    assert sentence in refused(path)


def test_a_thing_follows_its_arrow_as_one_body_and_its_pins_hold(poke, refused, still, tmp_path):
    image, mask = still("plate.png", 320, 240), np.zeros((240, 320, 3), np.uint8)
    cv2.circle(mask, (160, 96), 40, (255, 255, 255), -1)
    cv2.line(mask, (160, 96), (165, 239), (255, 255, 255), 14)
    cv2.imwrite(str(tmp_path / "thing.png"), mask)
    assert "needs a plate with alpha" in refused(image, "--thing", "alpha")
    folder, job = poke(image, "--thing", tmp_path / "thing.png", "--pin", "0.51,0.9", "--passes", "--model", "garden-64")
    assert job["plate_options"]["thing_sha256"]
    plate, frames = decode_plate(image.read_bytes()), frames_of(folder)
    passes = [passes_of(folder, number) for number in range(1, len(frames) + 1)]
    for place, source in (((192, 72), (160, 96)), ((163, 216), (163, 216))):
        shown = (passes[-1]["STMap.R"][place[::-1]] * 320 - 0.5, (1 - passes[-1]["STMap.G"][place[::-1]]) * 240 - 0.5)
        assert shown == pytest.approx(source, abs=1)
    for frame, told in zip(frames, passes, strict=True):
        moved = (mask[..., 0] > 0) | (np.abs(told["Vector.X"]) + np.abs(told["Vector.Y"]) > 0) | (told["occlusion.V"] > 0)
        far = cv2.dilate(moved.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
        assert frame.bgr[far].tobytes() == plate.bgr[far].tobytes()


def passes_of(folder: Path, number: int) -> dict[str, np.ndarray]:
    file = OpenEXR.File(str(folder / "passes_00" / f"passes_{number:04d}.exr"), True)
    return {name: np.asarray(channel.pixels) for name, channel in file.channels().items()}
