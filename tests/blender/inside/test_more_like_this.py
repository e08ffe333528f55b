from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

import bpy
import pytest

from .conftest import MODULE


def frames(plate: bpy.types.PropertyGroup, index: int) -> str:
    """A digest of the frames of a variant in the list."""
    variant = plate.variants[index]
    folder = Path(importlib.import_module(f"{MODULE}.scene.paths").folder(plate, variant.job_id)) / f"variant_{variant.index:02d}"
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(folder.iterdir()))).hexdigest()


@pytest.fixture
def chosen(plane: bpy.types.Object) -> bpy.types.PropertyGroup:
    """A plate with two variants, the second of which is chosen."""
    plate = plane.ipoke
    plate.samples, plate.seed, plate.lock_seed = 2, 7, True
    assert bpy.ops.ipoke.sample() == {"FINISHED"}
    assert bpy.ops.ipoke.choose_variant(index=1) == {"FINISHED"}
    return plate


def test_more_like_this_brings_variants_of_another_seed_and_says_what_they_are_like(chosen):
    assert bpy.ops.ipoke.more_like_this(amount=0.25) == {"FINISHED"}
    job = chosen.jobs[-1]
    (like,) = job.like
    assert (like.seed, like.index, round(like.amount, 3)) == (7, 1, 0.25)
    assert job.seed != 7
    assert job.group != chosen.jobs[0].group
    assert [variant.job_id for variant in chosen.variants].count(job.name) == 2
    assert len({frames(chosen, index) for index in range(4)}) == 4
    assert not chosen.like, "the next sample is free again"
    assert chosen.lock_seed


def test_what_is_like_one_that_is_like_another_can_be_asked_for_again_to_the_byte(chosen):
    chosen.difference = 0.4
    for _ in range(2):
        assert bpy.ops.ipoke.more_like_this() == {"FINISHED"}
        assert bpy.ops.ipoke.choose_variant(index=len(chosen.variants) - 1) == {"FINISHED"}
    assert [round(like.amount, 3) for like in chosen.jobs[-1].like] == [0.4, 0.4]
    before = frames(chosen, len(chosen.variants) - 1)
    bpy.ops.ipoke.recall_settings()
    assert len(chosen.like) == 2
    assert bpy.ops.ipoke.sample() == {"FINISHED"}
    assert chosen.jobs[-1].group == chosen.jobs[-2].group
    assert frames(chosen, len(chosen.variants) - 1) == before
    assert bpy.ops.ipoke.forget_like() == {"FINISHED"}
    assert not bpy.ops.ipoke.forget_like.poll()


def test_a_variant_that_is_like_another_can_be_baked(chosen):
    bpy.ops.ipoke.more_like_this()
    bpy.ops.ipoke.choose_variant(index=len(chosen.variants) - 1)
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert chosen.variants[-1].baked_frames > 0


def test_more_like_this_needs_a_variant(plane):
    assert not bpy.ops.ipoke.more_like_this.poll()
