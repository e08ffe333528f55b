"""Bad usage ends in one sentence on standard error, exit code 2 or 1, and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.cli import main

from .conftest import MODEL

GOOD = "0.5,0.4:0.6,0.3"


@pytest.fixture
def refuse(capsys, tmp_path, connection_file, monkeypatch):
    """Run a command that must be refused; returns its sentence."""

    def run(*words: str | Path, code: int | tuple[int, ...] = (1, 2)) -> str:
        monkeypatch.chdir(tmp_path)
        before = sorted(tmp_path.rglob("*"))
        got = main([str(word) for word in words])
        assert got in (code if isinstance(code, tuple) else (code,))
        told = capsys.readouterr()
        assert told.out == ""
        (line,) = told.err.splitlines()
        assert line.startswith("ipoke: ")
        assert line.endswith(".")
        assert "Traceback" not in line
        assert sorted(tmp_path.rglob("*")) == before
        return line

    return run


@pytest.fixture
def poke(refuse, connection_file, still):
    image = still("photo.jpg", 160, 120)

    def run(*words: str | Path, image: Path = image, code: int | tuple[int, ...] = (1, 2)) -> str:
        return refuse("poke", image, "-o", "out", "--connection-file", connection_file, *words, code=code)

    return run


def test_a_missing_file(poke, tmp_path):
    assert "can't be read" in poke("--poke", GOOD, image=tmp_path / "nothing.jpg")


def test_a_folder_for_an_image(poke, tmp_path):
    assert "can't be read" in poke("--poke", GOOD, image=tmp_path)


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"this is a text\n", "is no image of a kind that is taken")])
def test_a_file_that_is_no_image(poke, tmp_path, content, words):
    image = tmp_path / "text.jpg"
    image.write_bytes(content)
    assert words in poke("--poke", GOOD, image=image)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.5,0.4:1.2,0.3", "between 0 and 1"),
        ("-0.1,0.4:0.2,0.3", "between 0 and 1"),
        ("0.5,0.4:0.5,0.4", "no length"),
        ("0.5,0.4", "not X0,Y0:X1,Y1"),
        ("a,b:c,d", "not X0,Y0:X1,Y1"),
        ("nan,0:1,1", "between 0 and 1"),
        ("", "not X0,Y0:X1,Y1"),
    ],
)
def test_a_poke_that_is_none(poke, text, words):
    assert words in poke(f"--poke={text}", code=2)


@pytest.mark.parametrize(
    "words",
    [
        ("--poke", GOOD, "--samples", "0"),
        ("--poke", GOOD, "--samples", "65"),
        ("--poke", GOOD, "--samples", "many"),
        ("--poke", GOOD, "--seed", "-1"),
        ("--poke", GOOD, "--variation", "0"),
        ("--poke", GOOD, "--variation", "1.6"),
        ("--poke", GOOD, "--variation", "nan"),
        ("--poke", GOOD, "--size", "huge"),
        ("--unknown",),
        (),
    ],
)
def test_numbers_and_words_that_make_no_sense(poke, words):
    poke(*words, code=2)


def test_too_many_pokes_for_the_model(poke):
    pokes = [word for number in range(9) for word in ("--poke", f"0.{number},0.4:0.5,0.5")]
    assert f"{MODEL} takes at most" in poke(*pokes, "--model", MODEL)


def test_a_model_that_is_not_installed(poke):
    assert "not installed" in poke("--poke", GOOD, "--model", "nobody")


def test_somebodys_file_under_a_name_of_ours_is_not_overwritten(poke, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "contact_sheet.png").touch()
    assert "stays" in poke("--poke", GOOD)


def test_a_file_in_the_place_of_the_folder(poke, tmp_path):
    (tmp_path / "out").touch()
    assert "is a file" in poke("--poke", GOOD)


def test_a_folder_that_can_not_be_made(refuse, still):
    assert "can't be written" in refuse("poke", still("a.jpg"), "--poke", GOOD, "-o", "/proc/out")


def test_a_pipe_and_a_device_for_a_file(poke, refuse, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", "/dev/zero"):
        assert "not a file" in poke("--poke", GOOD, image=name)
        assert "not a file" in poke("--poke", GOOD, "--lock", name)
        assert "not a file" in refuse("transfer", name, tmp_path / "photo.jpg")
        assert "can't be read" in refuse("status", "--connection-file", name)


def test_a_model_whose_name_is_no_text(poke):
    assert "model must be a text" in poke("--poke", GOOD, "--model", "\udcff")


def test_a_connection_file_of_nobody(refuse, still, tmp_path):
    assert "ipoke serve" in refuse("poke", still("a.jpg"), "--poke", GOOD, "--connection-file", tmp_path / "no.json")


def test_no_command(refuse):
    refuse(code=2)
    refuse("dance", code=2)
