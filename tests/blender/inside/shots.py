"""What the tests of sampling and baking read of a plate and its results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import bpy

SEED = 7


def folder(obj: bpy.types.Object, job_id: str) -> Path:
    return Path(bpy.path.abspath(obj.ipoke.jobs[job_id].folder))


def job_of(obj: bpy.types.Object) -> tuple[Path, dict]:
    path = folder(obj, obj.ipoke.variants[-1].job_id)
    return path, json.loads((path / "job.json").read_text())


def user(obj: bpy.types.Object) -> bpy.types.ImageUser:
    return next(n for n in obj.active_material.node_tree.nodes if n.type == "TEX_IMAGE").image_user


def shown(obj: bpy.types.Object) -> bpy.types.Image:
    return next(n for n in obj.active_material.node_tree.nodes if n.type == "TEX_IMAGE").image


def sample(obj: bpy.types.Object, samples: int = 2, seed: int = SEED) -> None:
    obj.ipoke.samples, obj.ipoke.seed, obj.ipoke.lock_seed = samples, seed, True
    assert bpy.ops.ipoke.sample() == {"FINISHED"}


def at_own_pace(obj: bpy.types.Object) -> bpy.types.Object:
    """A plate whose clips are as short as the model makes them, for tests that are about something else."""
    obj.ipoke.timing.fit, obj.ipoke.timing.loop = False, "none"
    return obj


def saved_plate(home: Path, picture: Path, tail: tuple[float, float], tip: tuple[float, float]) -> bpy.types.Object:
    """A plane with one poke in a file of its own below `home`."""
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    bpy.ops.ipoke.add_plate(filepath=str(picture))
    bpy.ops.ipoke.add_poke(tail=tail, tip=tip)
    return at_own_pace(bpy.context.active_object)


def opened_copy(home: Path, place: Path) -> bpy.types.Object:
    """The active object of a copy of the file below `home`, with all that lies beside it, opened."""
    shutil.copytree(home, place, dirs_exist_ok=True)
    bpy.ops.wm.open_mainfile(filepath=str(place / "shot.blend"))
    return bpy.context.active_object
