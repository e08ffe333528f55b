"""The same request gives the same bytes: in one process, after a restart, and after the worker was killed."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path

import pytest

from backend.client import (
    Finished,
    FrameArrived,
    OutputSize,
    Poke,
    Prepared,
    Restarted,
    SampleRequest,
    drive,
    new_job_id,
)
from ipoke_models.checkpoint import read_manifest
from ipoke_models.installed import find_model
from ipoke_values import Sampling
from tests.processes import processes_with

from .conftest import MODEL, START_S, new_backend

POKES = (Poke(0.5, 0.5, 0.1, -0.1), Poke(0.3, 0.6, 0.0, 0.1))


def request(plate: Path, samples: int = 2, first: int = 0, size: OutputSize = OutputSize.PREVIEW) -> SampleRequest:
    return SampleRequest(new_job_id(), plate.read_bytes(), plate.name, POKES, None, samples, Sampling(5), first, MODEL, size)


def frames(backend, asked: SampleRequest, on_event=lambda event: None) -> dict[tuple[int, int], bytes]:
    taken: dict[tuple[int, int], bytes] = {}

    def take(event):
        on_event(event)
        if isinstance(event, FrameArrived):
            assert taken.setdefault((event.variant, event.t), event.image) == event.image

    backend.session.submit(asked)
    ending = drive(backend, lambda event: getattr(event, "job_id", None) == asked.job_id and not is_running(event), START_S, take)
    assert isinstance(ending, Finished), ending
    return taken


def is_running(event) -> bool:
    return type(event).__name__ not in ("Finished", "Failed", "Cancelled")


@pytest.fixture
def plate(still) -> Path:
    return still("photo.jpg", 320, 240)


@pytest.fixture
def own_backend(tmp_path):
    backend = new_backend(tmp_path / "own")
    yield backend
    backend.close()


def test_the_same_request_twice_gives_the_same_bytes(backend, plate):
    assert frames(backend, request(plate)) == frames(backend, request(plate))


def test_a_later_variant_alone_is_the_one_of_the_whole(backend, plate):
    whole = frames(backend, request(plate, samples=9))
    assert frames(backend, request(plate, samples=1, first=8)) == {key: whole[key] for key in whole if key[0] == 8}
    assert frames(backend, request(plate, samples=2, first=3)) == {key: whole[key] for key in whole if key[0] in (3, 4)}


def test_variants_like_another_are_recalled_from_the_line_they_come_from(backend, plate):
    parent = request(plate, samples=1, first=2)
    child = dataclasses.replace(request(plate), sampling=Sampling(6, parent.sampling.like_variant(2, 0.5)))
    grandchild = dataclasses.replace(request(plate, samples=1), sampling=Sampling(8, child.sampling.like_variant(1, 0.25)))
    assert [(one.seed, one.index, one.amount) for one in grandchild.sampling.like] == [(5, 2, 0.5), (6, 1, 0.25)]
    again = dataclasses.replace(grandchild, job_id=new_job_id())
    made = frames(backend, grandchild)
    assert made == frames(backend, again)
    assert made != frames(
        backend, dataclasses.replace(again, job_id=new_job_id(), sampling=Sampling(8, grandchild.sampling.like[1:]))
    )
    assert made != frames(backend, dataclasses.replace(again, job_id=new_job_id(), sampling=Sampling(8)))


def test_a_variation_makes_other_variants_and_the_same_again_also_as_a_larger_clip(backend, plate):
    def made(variation: float | None, **change) -> dict[tuple[int, int], bytes]:
        asked = dataclasses.replace(request(plate), model="garden-64", sampling=Sampling(5, variation=variation), **change)
        return frames(backend, asked)

    assert made(None) == made(read_manifest(find_model("garden-64")).networks.variation) != made(0.9)
    assert made(0.9)[1, 10] == made(0.9, samples=1, first=1)[1, 10]


def test_region_and_size_are_known_before_the_first_frame(backend, plate):
    events = []
    frames(backend, request(plate), events.append)
    kinds = [type(event) for event in events]
    assert kinds.index(Prepared) < kinds.index(FrameArrived)
    summary = events[kinds.index(Prepared)].summary
    assert summary.region_px[2:] == (240, 240)
    assert summary.output_size_px == (320, 240)


def worker_of(folder: Path) -> int:
    """The worker is the process with the backend's folder in its parent's arguments and its own module in its own."""
    fronts = processes_with(str(folder))
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parent = next(line for line in status.read_text().splitlines() if line.startswith("PPid"))
        except OSError:
            continue
        if int(parent.split()[1]) in fronts and "backend.worker.main" in (status.parent / "cmdline").read_text():
            return int(status.parent.name)
    raise AssertionError("there is no worker")


def test_a_killed_worker_and_a_restarted_backend_give_the_same_bytes(backend, own_backend, plate, tmp_path):
    undisturbed = frames(backend, request(plate, samples=9))
    killed, events = [], []

    def kill_once(event):
        events.append(event)
        if isinstance(event, FrameArrived) and not killed:
            killed.append(worker_of(tmp_path / "own"))
            os.kill(killed[0], signal.SIGKILL)

    assert frames(own_backend, request(plate, samples=9), kill_once) == undisturbed
    assert [event.attempt for event in events if isinstance(event, Restarted)] == [1]
