from __future__ import annotations

import importlib
import json
from pathlib import Path

import bpy
import pytest

from .conftest import MODULE
from .shots import SEED, folder, job_of, sample


def asked_with(obj: bpy.types.Object) -> float | None:
    """The variation that the newest job says it was asked with."""
    return json.loads((folder(obj, obj.ipoke.jobs[-1].name) / "job.json").read_text(encoding="utf-8")).get("variation")


@pytest.fixture
def wild(saved) -> bpy.types.Object:
    """A plane with two variants that lie far apart, the second of which is chosen; the slider was moved since."""
    saved.ipoke.use_variation, saved.ipoke.variation = True, 1.2
    sample(saved)
    bpy.ops.ipoke.choose_variant(index=1)
    saved.ipoke.use_variation, saved.ipoke.variation = False, 0.2
    return saved


def test_without_an_own_variation_the_model_takes_its_own(saved):
    assert not saved.ipoke.use_variation
    sample(saved)
    assert "variation" not in job_of(saved)[1]
    assert saved.ipoke.jobs[-1].variation == 0


def test_variants_of_another_variation_are_others_and_stand_apart_in_history(wild):
    assert asked_with(wild) == 1.2
    sample(wild)
    assert asked_with(wild) is None
    first, second = wild.ipoke.jobs
    assert first.seed == second.seed == SEED
    assert first.group != second.group
    told = importlib.import_module(f"{MODULE}.ui.variant_panels")._description
    assert "variation 1.20" in told(first)
    assert "variation" not in told(second)


def test_the_variation_of_a_variant_is_recalled_whether_the_models_own_or_not(wild):
    plate = wild.ipoke
    bpy.ops.ipoke.recall_settings()
    assert (plate.use_variation, plate.variation) == (True, pytest.approx(1.2))
    plate.use_variation = False
    sample(wild)
    plate.use_variation = True
    bpy.ops.ipoke.choose_variant(index=len(plate.variants) - 1)
    bpy.ops.ipoke.recall_settings()
    assert not plate.use_variation


def test_rerolls_and_more_like_this_keep_the_variation_of_the_chosen_variant(wild):
    bpy.ops.ipoke.reroll()
    assert asked_with(wild) == 1.2
    assert wild.ipoke.jobs[0].group == wild.ipoke.jobs[1].group
    wild.ipoke.use_variation = False
    bpy.ops.ipoke.choose_variant(index=1)
    bpy.ops.ipoke.more_like_this()
    assert asked_with(wild) == 1.2


def test_a_bake_repeats_the_variation_of_its_variant(wild, part):
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    plate, paths = wild.ipoke, part("scene.paths")
    variant = plate.variants[plate.active_variant]
    baked = Path(paths.baked_file(paths.folder(plate, variant.job_id), variant))
    assert json.loads(baked.with_name("job.json").read_text(encoding="utf-8"))["variation"] == 1.2


def test_a_live_preview_has_the_variation_that_is_set(saved, part):
    saved.ipoke.use_variation, saved.ipoke.variation = True, 0.3
    kind = part("core.jobs.job").JobKind.LIVE
    assert part("operators.sampling").new_job(saved, kind).request.sampling.variation == 0.3


def test_the_slider_can_be_animated(saved):
    for frame, value in ((1, 0.2), (11, 0.8)):
        saved.ipoke.variation = value
        saved.keyframe_insert("ipoke.variation", frame=frame)
    bpy.context.scene.frame_set(6)
    assert saved.ipoke.variation == pytest.approx(0.5, abs=0.01)
