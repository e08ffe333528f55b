"""What the tests of sampling and baking read of a plate and its results."""

from __future__ import annotations

import json
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
