"""A bake that was broken off goes on where it was, and comes out as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

from tests.machine import allowed

from .conftest import MODULE
from .shots import folder

FRAMES = 40
ENOUGH = 8
KILLED = """
import importlib, os, signal, sys
import bpy
module, blend, enough = sys.argv[1], sys.argv[2], int(sys.argv[3])
bpy.ops.preferences.addon_enable(module=module)
bpy.ops.wm.open_mainfile(filepath=blend)
timer, running = (importlib.import_module(f"{module}.session.{name}") for name in ("timer", "running"))
drive = timer.drive
def until_enough(done):
    drive(lambda: done() or any(clip.frames >= enough for job in running.state().jobs for clip in job.clips))
    os.kill(os.getpid(), signal.SIGKILL)
timer.drive = until_enough
bpy.ops.ipoke.bake()
"""


@pytest.fixture
def wanted(sampled) -> bpy.types.Object:
    """A plate whose bake has many frames, beside the file."""
    bake = sampled.ipoke.bake
    bake.folder, bake.fit, bake.length = "//renders", True, FRAMES
    bpy.ops.wm.save_mainfile()
    return sampled


@pytest.fixture
def written(part, monkeypatch) -> list[int]:
    """The numbers of the frames that arrive for bakes."""
    bakes, numbers = part("core.jobs.unfinished").UnfinishedBake, []
    frame = bakes.frame

    def noted(self: object, event: object) -> Path:
        numbers.append(event.t)
        return frame(self, event)

    monkeypatch.setattr(bakes, "frame", noted)
    return numbers


def break_off(part: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next bake be cancelled when some frames are there."""
    timer, running, cancel = part("session.timer"), part("session.running"), part("core.jobs.app").CancelAsked
    drive = timer.drive

    def broken(done: Callable[[], bool]) -> None:
        drive(lambda: done() or any(clip.frames >= ENOUGH for job in running.state().jobs for clip in job.clips))
        for job in running.state().jobs:
            timer.dispatch(cancel(job.job_id))
        drive(done)

    with monkeypatch.context() as once:
        once.setattr(timer, "drive", broken)
        with pytest.raises(RuntimeError, match="Cancelled"):
            bpy.ops.ipoke.bake()


def waiting(obj: bpy.types.Object) -> list[Path]:
    """The folders of bakes that are not whole."""
    return [path for job in obj.ipoke.jobs for path in (folder(obj, job.name) / "bake").glob(".*")]


def renders(tmp_path: Path, name: str = "renders") -> list[bytes]:
    return [path.read_bytes() for path in sorted((tmp_path / name).glob("*.png"))]


def uninterrupted(obj: bpy.types.Object, tmp_path: Path) -> list[bytes]:
    """The same bake made at once, elsewhere."""
    obj.ipoke.bake.folder = "//whole"
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    return renders(tmp_path, "whole")


def test_a_cancelled_bake_goes_on_with_the_frames_that_are_missing(wanted, written, part, monkeypatch, tmp_path):
    break_off(part, monkeypatch)
    there = max(written)
    assert ENOUGH <= there < FRAMES
    assert not (tmp_path / "renders").exists()
    assert len(waiting(wanted)) == 1
    written.clear()
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert written == list(range(there, FRAMES + 1)), "the last one that was there comes again"
    assert waiting(wanted) == []
    assert renders(tmp_path) == uninterrupted(wanted, tmp_path)
    assert len(renders(tmp_path)) == FRAMES


def test_a_bake_goes_on_after_blender_was_killed(wanted, written, tmp_path):
    command = [sys.executable, "-c", KILLED, MODULE, str(tmp_path / "shot.blend"), str(ENOUGH)]
    died = subprocess.run(command, capture_output=True, text=True, timeout=allowed(120), check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    obj = bpy.context.active_object
    assert len(waiting(obj)) == 1
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert ENOUGH <= written[0] < FRAMES
    assert written == list(range(written[0], FRAMES + 1))
    assert waiting(obj) == []
    assert renders(tmp_path) == uninterrupted(obj, tmp_path)


def test_of_a_plate_one_unfinished_bake_is_kept_at_most(wanted, written, part, monkeypatch, tmp_path):
    for length in (FRAMES, FRAMES + 1):
        wanted.ipoke.bake.length = length
        break_off(part, monkeypatch)
    (left,) = waiting(wanted)
    bpy.ops.ipoke.choose_variant(index=1)
    wanted.ipoke.bake.length = 2
    written.clear()
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert written == [1, 2]
    assert not left.exists()
    assert waiting(wanted) == []


def test_a_file_that_is_saved_first_while_it_bakes_loses_no_frame(plane, part, monkeypatch, tmp_path):
    plane.ipoke.samples = 1
    bpy.ops.ipoke.sample()
    plane.ipoke.bake.fit, plane.ipoke.bake.length = True, FRAMES
    timer, running = part("session.timer"), part("session.running")
    drive = timer.drive

    def saved(done: Callable[[], bool]) -> None:
        drive(lambda: done() or any(clip.frames >= ENOUGH for job in running.state().jobs for clip in job.clips))
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
        drive(done)

    with monkeypatch.context() as once:
        once.setattr(timer, "drive", saved)
        assert bpy.ops.ipoke.bake() == {"FINISHED"}
    bpy.ops.wm.save_mainfile()
    home = folder(plane, plane.ipoke.jobs[0].name)
    assert home.is_relative_to(tmp_path), "the next save brings it along"
    assert len(list((home / "bake/variant_00").glob("*.png"))) == FRAMES
    assert Path(bpy.path.abspath(plane.ipoke.clip.filepath)).is_file()
