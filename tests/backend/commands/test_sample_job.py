"""However a job ends, variants that are finished are kept where the command says, and nothing else is left."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.client import FrameArrived, Prepared, VariantDone
from backend.client import events as happened
from backend.client.owned import is_sealed, manifest_of
from backend.commands import output_folder, sample_job
from backend.commands.errors import CommandError
from backend.commands.sample_job import run_job
from backend.plate.image import PlateImage, encode_png

from ..protocol.examples import SUMMARY
from .made import content, names, request

PLATE = PlateImage(np.full((64, 64, 3), 90, np.uint8), None)
IMAGE = encode_png(PLATE, 8)
SHA = hashlib.sha256(IMAGE).hexdigest()


class ScriptedBackend:
    """A backend that makes so many variants, and then does what the test says."""

    def __init__(self, variants: int, then: Callable[[], None] = lambda: None, half: bool = True) -> None:
        self._variants = variants
        self._then = then
        self._half = half

    def run(self, _request: object, take: Callable[[happened.Event], None]) -> None:
        take(Prepared("job", SUMMARY))
        for variant in range(self._variants):
            for t in (1, 2):
                take(FrameArrived("job", variant, t, IMAGE))
            take(VariantDone("job", variant, (SHA, SHA)))
            take(VariantDone("job", variant, (SHA, SHA)))  # as after a pause, when the backend tells it again
        if self._half:
            take(FrameArrived("job", self._variants, 1, IMAGE))
        self._then()


def fail(error: BaseException) -> Callable[[], None]:
    def run() -> None:
        raise error

    return run


@pytest.fixture
def job(monkeypatch, tmp_path):
    """Run a job of four variants in an empty folder, with a scripted backend."""
    monkeypatch.chdir(tmp_path)

    def run(backend: ScriptedBackend, output: Path | None = Path("out"), *, replace: bool = False) -> int:
        @contextlib.contextmanager
        def opened(*_: object) -> Iterator[ScriptedBackend]:
            yield backend

        monkeypatch.setattr(sample_job, "open_backend", opened)
        words = argparse.Namespace(
            image=Path("leaf.png"), output=output, replace=replace, ending="-poked", connection_file=None, json=True
        )
        return run_job(request(4), PLATE, words)

    return run


def test_everything_that_was_written_stands_in_the_manifest(job, tmp_path):
    assert job(ScriptedBackend(4, half=False)) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == names(4)
    assert {*manifest_of(tmp_path / "out"), "job.json"} == content(tmp_path / "out").keys()
    assert is_sealed(tmp_path / "out")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CommandError("The backend ran out of memory."), "The backend ran out of memory; 2 finished variants are in out."),
        (KeyboardInterrupt(), "Interrupted; 2 finished variants are in out."),
        (OSError(28, "No space left on device"), "out can't be written (No space left on device)"),
    ],
)
def test_variants_that_are_finished_are_kept(job, tmp_path, error, words):
    with pytest.raises(CommandError) as ending:
        job(ScriptedBackend(2, fail(error)))
    assert ending.value.sentence.startswith(words)
    assert "2 finished variants are in out" in ending.value.sentence
    assert {path.name for path in (tmp_path / "out").iterdir()} == names(2)
    assert [variant["index"] for variant in json.loads((tmp_path / "out" / "job.json").read_text())["variants"]] == [0, 1]
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


@pytest.mark.parametrize("error", [CommandError("It failed."), KeyboardInterrupt(), OSError(28, "No space"), ZeroDivisionError()])
@pytest.mark.parametrize("exists", [False, True])
def test_nothing_is_left_where_nothing_was_finished(job, tmp_path, error, exists):
    if exists:
        (tmp_path / "out").mkdir()
    with pytest.raises((CommandError, ZeroDivisionError)):
        job(ScriptedBackend(0, fail(error)))
    assert list(tmp_path.rglob("*")) == ([tmp_path / "out"] if exists else [])


def test_even_a_fault_of_ours_leaves_finished_variants_in_sight(job, tmp_path):
    with pytest.raises(ZeroDivisionError):
        job(ScriptedBackend(2, fail(ZeroDivisionError())))
    (aside,) = tmp_path.iterdir()
    assert not aside.name.startswith(".")
    assert {"variant_00", "variant_01"} <= {path.name for path in aside.iterdir()}


def test_work_that_can_not_come_to_its_place_stays_in_sight_and_the_sentence_says_where(job, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(output_folder, "move_new", lambda source, destination: fail(OSError(5, "Input/output error"))())
    with pytest.raises(CommandError, match="4 finished variants are in") as ending:
        job(ScriptedBackend(4, half=False))
    (aside,) = (tmp_path / "out").iterdir()
    assert str(aside) in ending.value.sentence
    assert {path.name for path in aside.iterdir()} == names(4)


def test_without_a_name_the_next_free_one_is_taken(job, tmp_path):
    (tmp_path / "leaf-poked-2").write_text("mine")
    for _ in range(3):
        job(ScriptedBackend(4, half=False), None)
    assert {path.name for path in tmp_path.iterdir()} == {f"leaf-poked{end}" for end in ("", "-2", "-3", "-4")}
    assert (tmp_path / "leaf-poked-2").read_text() == "mine"


def test_without_a_name_replace_means_the_images_own(job, tmp_path):
    for _ in range(2):
        job(ScriptedBackend(4, half=False), None, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["leaf-poked"]
