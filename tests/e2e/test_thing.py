"""`ipoke thing` and the thing of `ipoke poke`: found, mended, kept, and used again with the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli import main
from backend.commands.mask_file import check_signed
from backend.commands.things import MASK_FILE
from tests.segmenters import save_small_segmenter

from .conftest import MODEL


@pytest.fixture
def thing(ipoke, connection_file, tmp_path):
    """Ask for a thing; returns what is told, and its mask."""

    def run(image: Path, *words: str | Path) -> tuple[dict, np.ndarray]:
        told = ipoke("thing", image, *words, "-o", tmp_path / "mask.png", "--json", "--connection-file", connection_file)
        assert hashlib.sha256(Path(told["mask"]).read_bytes()).hexdigest() == told["sha256"]
        return told, cv2.imread(told["mask"], cv2.IMREAD_UNCHANGED)

    return run


@pytest.fixture
def refused(capsys, connection_file, tmp_path):
    """Ask for what must be refused; returns the sentence."""

    def run(*words: str | Path) -> str:
        files = set(tmp_path.iterdir())
        assert main([str(word) for word in ("thing", *words, "--connection-file", connection_file)]) in (1, 2)
        (line,) = capsys.readouterr().err.splitlines()
        assert set(tmp_path.iterdir()) == files
        return line

    return run


@pytest.fixture
def poke(ipoke, connection_file, tmp_path):
    def run(name: str, image: Path, *words: str | Path) -> tuple[Path, dict]:
        fixed = ("--model", MODEL, "--connection-file", connection_file, "--json", "--samples", "1", "--seed", "1")
        ipoke("poke", image, "--poke", "0.5,0.5:0.6,0.4", *fixed, "-o", tmp_path / name, *words)
        return tmp_path / name, json.loads((tmp_path / name / "job.json").read_text())

    return run


def frames_of(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted((folder / "variant_00").glob("*.png"))]


def test_the_thing_of_a_cut_out_is_its_alpha_and_marks_change_it(thing, still):
    image = still("cut-out.png", 320, 240, alpha=True)
    told, mask = thing(image, "--at", "0.5,0.5", "--mark", "-0.5,0.5,0.05", "--mark", "+0.05,0.9,0.02")
    assert (told["origin"], told["score"]) == ("alpha", 1.0)
    assert mask.shape == (240, 320)
    assert (mask[120, 160], mask[120, 190], mask[216, 16], mask[5, 5]) == (0, 255, 255, 0)


def test_a_mask_is_replaced_only_where_it_is_as_ipoke_wrote_it(thing, refused, still, tmp_path):
    image = still("cut-out.png", 160, 120, alpha=True)
    told, _ = thing(image, "--at", "0.5,0.5")
    check_signed(Path(told["mask"]).read_bytes())
    words = (image, "--at", "0.5,0.5", "--mark", "+0.1,0.1,0.05", "-o", tmp_path / "mask.png")
    assert "is there already" in refused(*words)
    assert thing(image, "--at", "0.5,0.5", "--mark", "+0.1,0.1,0.05", "--replace")[1][12, 16] == 255
    painted = cv2.imread(told["mask"], cv2.IMREAD_UNCHANGED)
    cv2.imwrite(told["mask"], painted // 2)
    theirs = Path(told["mask"]).read_bytes()
    assert "is not as ipoke wrote it, and stays" in refused(*words, "--replace")
    assert Path(told["mask"]).read_bytes() == theirs


def test_an_own_mask_is_mended_with_marks_and_without_a_click(thing, still, tmp_path):
    image = still("photo.jpg", 320, 240)
    own = cv2.circle(np.zeros((240, 320), np.uint8), (160, 120), 50, 255, -1)
    cv2.imwrite(str(tmp_path / "own.png"), own)
    told, mask = thing(image, "--from", tmp_path / "own.png")
    assert told["origin"] == "mask"
    assert np.array_equal(mask, own)


def test_what_cannot_be_a_thing_is_refused_in_a_sentence(refused, still, tmp_path):
    photo, cut_out = still("photo.jpg", 160, 120), still("cut-out.png", 160, 120, alpha=True)
    for name, pixels in (("small", np.full((60, 80), 255)), ("black", np.zeros((120, 160))), ("white", np.full((120, 160), 255))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels.astype(np.uint8))
    out = ("-o", tmp_path / "mask.png")
    for words, sentence in (
        ((photo, *out), "Say where the thing is"),
        ((photo, "--mark", "-0.5,0.5,0.1", *out), "Say where the thing is"),
        ((photo, "--at", "1.5,0.5", *out), "--at 1.5,0.5 leaves the image"),
        ((photo, "--at", "nan,0.5", *out), "leaves the image"),
        ((photo, "--at", "0.5,0.5", *out), "Nothing is found under the click"),
        ((photo, "--at", "0.5,0.5", "--from", "alpha", *out), "no alpha that says where the thing is"),
        ((cut_out, "--at", "0.02,0.02", *out), "transparent; click on the thing"),
        ((photo, "--from", tmp_path / "small.png", *out), "another size than the plate"),
        ((photo, "--from", tmp_path / "black.png", *out), "black everywhere"),
        ((photo, "--from", tmp_path / "white.png", *out), "white everywhere"),
        ((photo, "--from", photo.parent / "none.png", *out), "can't be read"),
        ((cut_out, "--at", "0.5,0.5", "-o", tmp_path / "mask.jpg"), "must end in .png"),
        ((cut_out, *["--at=0.5,0.5"] * 65, *out), "64 arrows, clicks and marks together, not 65"),
    ):
        assert sentence in refused(*words), words


def test_a_poke_keeps_the_thing_that_it_moved_and_gives_the_same_bytes_with_it(poke, still, tmp_path):
    image = still("cut-out.png", 200, 160, alpha=True)
    folder, job = poke("first", image, "--mark", "-0.4,0.5,0.02")
    mask = (folder / MASK_FILE).read_bytes()
    assert job["thing"] == {"file": MASK_FILE, "sha256": hashlib.sha256(mask).hexdigest(), "origin": "alpha", "score": 1.0}
    assert job["files"][MASK_FILE] == job["thing"]["sha256"] == job["plate_options"]["thing_sha256"]
    again, told = poke("again", image, "--thing", folder / MASK_FILE)
    assert told["thing"]["origin"] == "mask"
    assert (again / MASK_FILE).read_bytes() == mask
    assert frames_of(again) == frames_of(folder)
    whole, told = poke("whole", image, "--thing", "none")
    assert "thing" not in told
    assert not (whole / MASK_FILE).exists()
    assert frames_of(whole) != frames_of(folder)


def test_a_poke_of_a_clean_plates_difference_moves_that(poke, still, tmp_path):
    clean = still("clean.png", 200, 160)
    plate = cv2.imread(str(clean))
    cv2.circle(plate, (100, 80), 30, (20, 20, 220), -1)
    cv2.imwrite(str(tmp_path / "plate.png"), plate)
    folder, job = poke("out", tmp_path / "plate.png", "--clean-plate", clean)
    assert job["thing"]["origin"] == "clean-plate"
    mask = cv2.imread(str(folder / MASK_FILE), cv2.IMREAD_UNCHANGED)
    wanted = cv2.circle(np.zeros((160, 200), np.uint8), (100, 80), 30, 255, -1)
    assert ((mask > 127) == (wanted > 127)).mean() > 0.99


def test_where_nothing_is_found_the_region_moves_and_a_sentence_says_so(poke, still, capsys, connection_file, tmp_path):
    image = still("photo.png", 160, 120)
    words = ("--model", MODEL, "--connection-file", str(connection_file), "--samples", "1", "--seed", "1")
    assert main(["poke", str(image), "--poke", "0.5,0.5:0.6,0.4", *words, "-o", str(tmp_path / "auto")]) == 0
    assert "The region moved as a whole. Nothing is found" in capsys.readouterr().err
    whole, _ = poke("none", image, "--thing", "none")
    assert frames_of(tmp_path / "auto") == frames_of(whole)


def test_an_installed_segmenter_is_asked_and_gives_the_same_mask_again(ipoke, still, tmp_path, models_folder, monkeypatch):
    save_small_segmenter(tmp_path / "finders" / "thing", "thing")
    monkeypatch.setenv("IPOKE_MODELS", os.pathsep.join([str(tmp_path / "finders"), str(models_folder)]))
    image, masks = still("photo.jpg", 200, 160), []
    for name in ("a.png", "b.png"):
        told = ipoke("thing", image, "--at", "0.5,0.5", "--mark", "+0.5,0.5,0.1", "-o", tmp_path / name, "--json")
        assert told["origin"] == "segmenter"
        masks.append((tmp_path / name).read_bytes())
    assert masks[0] == masks[1]
    assert cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)[80, 100] == 255
