from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

from tests.blender.conftest import OWN_MODELS

from .conftest import MODULE


@pytest.fixture(autouse=True)
def _own_models(extension) -> Iterator[None]:
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.models_folder = os.environ[OWN_MODELS]
    if bpy.ops.ipoke.stop_backend.poll():
        bpy.ops.ipoke.stop_backend()
    yield
    preferences.models_folder = ""
    if bpy.ops.ipoke.stop_backend.poll():
        bpy.ops.ipoke.stop_backend()


@pytest.fixture
def chosen(plane) -> bpy.types.PropertyGroup:
    """A plate with one variant of the artist's own model."""
    plate = plane.ipoke
    plate.samples, plate.seed, plate.lock_seed, plate.model = 1, 7, True, "signing-64"
    assert bpy.ops.ipoke.sample() == {"FINISHED"}
    return plate


def test_a_model_of_ones_own_folder_can_be_chosen_and_makes_the_variants_and_their_bakes(chosen, part):
    names = [entry.name for entry in part("session.model_choice").installed()]
    assert names == ["garden-64", "garden-128", "photo-64", "plants-64", "signing-64"]
    assert part("session.model_choice").by_itself() == "garden-64", "what the empty field says"
    assert chosen.jobs[-1].model == "signing-64"
    chosen.model = ""
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    paths, variant = part("scene.paths"), chosen.variants[0]
    baked = Path(paths.baked_file(paths.folder(chosen, variant.job_id), variant))
    assert json.loads(baked.with_name("job.json").read_text(encoding="utf-8"))["model"]["name"] == "signing-64"


def test_without_a_choice_the_backend_takes_its_own(plane):
    plane.ipoke.samples = 1
    bpy.ops.ipoke.sample()
    assert plane.ipoke.jobs[-1].model == "garden-64"


def test_the_same_settings_with_another_model_stand_apart_and_recalling_brings_the_model_back(chosen):
    chosen.model = ""
    bpy.ops.ipoke.sample()
    assert chosen.jobs[0].group != chosen.jobs[1].group
    bpy.ops.ipoke.choose_variant(index=0)
    bpy.ops.ipoke.recall_settings()
    assert chosen.model == "signing-64"


def test_a_replay_is_made_by_the_model_of_its_motion(chosen, tmp_path):
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.library_folder = str(tmp_path)
    assert bpy.ops.ipoke.extract_from_variant(name="sway") == {"FINISHED"}
    chosen.model = "garden-64"
    assert bpy.ops.ipoke.transfer(filepath=str(tmp_path / "sway.kin.safetensors")) == {"FINISHED"}
    preferences.library_folder = ""
    assert chosen.jobs[-1].model == "signing-64"


def test_a_model_that_is_not_installed_is_a_sentence_with_what_is(plane):
    plane.ipoke.model = "plants-512"
    with pytest.raises(RuntimeError, match=r"plants-512 is not installed.*garden-64"):
        bpy.ops.ipoke.sample()
    with pytest.raises(RuntimeError, match="plants-512 is not installed"):
        bpy.ops.ipoke.extract_from_images(directory=os.fspath(Path(__file__).parents[3] / "docs/screenshots"))
    assert not plane.ipoke.variants


def test_the_choice_is_shown_where_there_is_one(plane, part):
    models = part("session.model_choice")
    assert not models.has_choice(plane.ipoke), "nothing is known before the backend is up"
    bpy.ops.ipoke.start_backend()
    assert models.has_choice(plane.ipoke)
