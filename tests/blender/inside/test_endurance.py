"""Random actions while variants stream in: nothing may raise, nothing that is whole may be lost, nothing may stay behind."""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

from tests.machine import allowed

from .conftest import MODULE

ACTIONS = int(os.environ.get("IPOKE_ACTIONS", "120"))
SEED = 20
PATIENCE_S = allowed(120.0)


def part(name: str):
    return importlib.import_module(f"{MODULE}.{name}")


class Artist:
    """Somebody who does one thing after the other without waiting for anything."""

    def __init__(self, home: Path, plate: Path) -> None:
        self.home, self.plate = home, plate
        self.dice = random.Random(SEED)
        self.saves = 0
        self.previews: set[Path] = set()

    def plane(self) -> bpy.types.Object | None:
        planes = [obj for obj in bpy.data.objects if obj.ipoke.still is not None]
        obj = self.dice.choice(planes) if planes else None
        if obj is not None and obj.name in bpy.context.view_layer.objects:
            bpy.context.view_layer.objects.active = obj
        return obj

    def add_plane(self) -> None:
        bpy.ops.ipoke.add_plate("EXEC_DEFAULT", True, filepath=str(self.plate))
        self.poke()

    def poke(self) -> None:
        if self.plane():
            tail = self.dice.uniform(0.1, 0.9), self.dice.uniform(0.1, 0.9)
            bpy.ops.ipoke.add_poke("EXEC_DEFAULT", True, tail=tail, tip=(tail[0] + 0.05, tail[1] - 0.05))

    def sample(self) -> None:
        """What the operator does when there is a window: ask, and not wait."""
        obj = self.plane()
        if obj and bpy.ops.ipoke.sample.poll():
            while len(obj.ipoke.pokes) > 3:
                bpy.ops.ipoke.remove_poke("EXEC_DEFAULT", True)
            obj.ipoke.samples = 2
            part("session.timer").dispatch(part("core.jobs.app").JobAsked(part("operators.sampling").new_job(obj)))

    def live(self) -> None:
        """What letting an arrow go does in live mode."""
        obj = self.plane()
        if obj and bpy.ops.ipoke.sample.poll():
            while len(obj.ipoke.pokes) > 3:
                bpy.ops.ipoke.remove_poke("EXEC_DEFAULT", True)
            kind = part("core.jobs.job").JobKind.LIVE
            job = part("operators.sampling").new_job(obj, kind)
            self.previews.add(job.folder / "job.json")
            part("session.timer").dispatch(part("core.jobs.app").JobAsked(job))

    def change(self) -> None:
        """Copy, mirror, star, delete: whatever can be done now."""
        obj = self.plane()
        if obj is None:
            return
        if obj.ipoke.variants:
            self.dice.choice(obj.ipoke.variants).starred = True
        name = self.dice.choice(["duplicate_poke", "mirror_pokes", "recall_settings"])
        if getattr(bpy.ops.ipoke, name).poll():
            getattr(bpy.ops.ipoke, name)("EXEC_DEFAULT", True)

    def delete_variant(self) -> None:
        if self.plane() and bpy.ops.ipoke.delete_variant.poll():
            bpy.ops.ipoke.delete_variant("EXEC_DEFAULT", True)

    def cancel(self) -> None:
        if self.plane() and bpy.ops.ipoke.cancel.poll():
            bpy.ops.ipoke.cancel()

    def choose(self) -> None:
        obj = self.plane()
        if obj and obj.ipoke.variants:
            bpy.ops.ipoke.choose_variant("EXEC_DEFAULT", True, index=self.dice.randrange(len(obj.ipoke.variants)))

    def still(self) -> None:
        if self.plane():
            bpy.ops.ipoke.show_still("EXEC_DEFAULT", True)

    def undo(self) -> None:
        if bpy.ops.ed.undo.poll():
            bpy.ops.ed.undo()

    def redo(self) -> None:
        if bpy.ops.ed.redo.poll():
            bpy.ops.ed.redo()

    def save(self) -> None:
        self.saves += 1
        bpy.ops.wm.save_as_mainfile(filepath=str(self.home / f"shot{self.saves % 3}.blend"))

    def load(self) -> None:
        files = sorted(self.home.glob("*.blend"))
        if files:
            bpy.ops.wm.open_mainfile(filepath=str(self.dice.choice(files)))

    def delete_object(self) -> None:
        obj = self.plane()
        if obj and len(bpy.data.objects) > 2:
            bpy.data.objects.remove(obj)
            bpy.ops.ed.undo_push(message="Delete")

    def delete_clip(self) -> None:
        obj = self.plane()
        if obj and obj.ipoke.clip:
            bpy.data.images.remove(obj.ipoke.clip)
            bpy.ops.ed.undo_push(message="Delete")

    def delete_still(self) -> None:
        obj = self.plane()
        if obj and obj.ipoke.still and len(bpy.data.objects) > 2:
            bpy.data.images.remove(obj.ipoke.still)
            bpy.ops.ed.undo_push(message="Delete")

    def duplicate(self) -> None:
        obj = self.plane()
        if obj and len(bpy.data.objects) < 5:
            bpy.context.collection.objects.link(obj.copy())
            bpy.ops.ed.undo_push(message="Duplicate")

    def toggle_addon(self) -> None:
        bpy.ops.preferences.addon_disable(module=MODULE)
        bpy.ops.preferences.addon_enable(module=MODULE)

    def kill_backend(self) -> None:
        backend = part("session.running").runtime()._backend
        if backend is not None and backend.launcher.pid is not None and self.dice.random() < 0.3:
            os.kill(backend.launcher.pid, signal.SIGKILL)

    def wait(self) -> None:
        for _ in range(10):
            part("session.timer").advance(0.004)
            time.sleep(0.02)

    def finish(self) -> None:
        """Let what is under way come to its end."""
        deadline = time.monotonic() + PATIENCE_S
        while part("session.running").state().jobs:
            assert time.monotonic() < deadline, part("session.running").state()
            self.wait()

    def next_action(self) -> Callable[[], None]:
        often = [self.poke, self.sample, self.wait, self.wait, self.choose, self.undo]
        seldom = [self.add_plane, self.still, self.redo, self.save, self.load, self.cancel, self.finish, self.live, self.change]
        rare = [self.delete_variant, self.delete_object, self.delete_clip, self.delete_still, self.duplicate]
        rare += [self.toggle_addon, self.kill_backend]
        return self.dice.choice(often * 4 + seldom * 2 + rare)


def children() -> list[str]:
    """What this process has started and not ended."""
    stats = [path.read_text().rpartition(")") for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    return [name for name, _, rest in stats if int(rest.split()[1]) == os.getpid()]


def listed(name: str) -> list[Callable]:
    """The functions in one of Blender's lists of handlers."""
    handlers = getattr(bpy.app.handlers, name)
    return handlers if isinstance(handlers, list) else []


def whole_jobs(root: Path) -> list[Path]:
    return [path for path in root.rglob("job.json") if json.loads(path.read_text())["variants"]]


@pytest.mark.timeout(max(280, 5 * ACTIONS))
def test_random_actions_raise_nothing_and_lose_nothing(plate, tmp_path, caplog):
    artist = Artist(tmp_path, plate)
    artist.add_plane()
    artist.save()
    seen: set[Path] = set()
    for number in range(ACTIONS):
        action = artist.next_action()
        try:
            action()
            part("session.timer").advance(0.004)
        except Exception as error:
            pytest.fail(f"action {number}, {action.__name__}: {error!r}")
        jobs = set(whole_jobs(tmp_path)) - artist.previews  # a preview is replaced by the next one
        assert seen <= jobs, f"action {number}, {action.__name__}, lost {seen - jobs}"
        seen |= jobs
    artist.finish()
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    bpy.ops.ipoke.add_poke(tail=(0.3, 0.3), tip=(0.4, 0.3))
    assert bpy.ops.ipoke.sample() == {"FINISHED"}
    told = [job.sentence for job in part("session.running").runtime().history.values()]
    assert whole_jobs(tmp_path), f"not one job came to its end: {told}"
    for job in whole_jobs(tmp_path):
        for variant in json.loads(job.read_text())["variants"]:
            assert len(list((job.parent / variant["folder"]).glob("frame_*.png"))) == len(variant["sha256"])
    assert not [record for record in caplog.records if record.levelname == "ERROR"], caplog.text
    bpy.ops.ipoke.stop_backend()
    assert not list(tmp_path.rglob("*.part"))
    assert not children()
    bpy.ops.preferences.addon_disable(module=MODULE)
    held = [function for name in dir(bpy.app.handlers) for function in listed(name) if MODULE in function.__module__]
    bpy.ops.preferences.addon_enable(module=MODULE)
    assert not held
