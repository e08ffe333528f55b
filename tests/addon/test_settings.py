from __future__ import annotations

from dataclasses import replace

from blender_addon._vendor.client import Like, Sampling
from blender_addon.core.gestures.pokes import Arrow
from blender_addon.core.gestures.region import Box
from blender_addon.core.jobs.settings import Group, PokeSetting, Settings, grouped, numbered

ARROW = Arrow((0.5, 0.5), (0.75, 0.5))
SETTINGS = Settings((PokeSetting("Leaf", ARROW, 0.5), PokeSetting("Off", ARROW, enabled=False)), samples=4)


def test_what_travels_is_enabled_and_stretched():
    (poke,) = SETTINGS.asked
    assert (poke.dx, poke.dy) == (0.125, 0.0)


def test_a_group_does_not_depend_on_names_disabled_pokes_or_the_number_of_variants():
    other = replace(SETTINGS, pokes=(PokeSetting("Renamed", ARROW, 0.5),), samples=8)
    assert other.key("plate", "garden") == SETTINGS.key("plate", "garden")


def test_a_group_depends_on_plate_model_arrows_and_region():
    others = [
        SETTINGS.key("other", "garden"),
        SETTINGS.key("plate", "plants"),
        replace(SETTINGS, pokes=(PokeSetting("Leaf", ARROW, 0.6),)).key("plate", "garden"),
        replace(SETTINGS, region=Box(0, 0, 1, 1)).key("plate", "garden"),
    ]
    assert len({SETTINGS.key("plate", "garden"), *others}) == 5


def test_a_group_depends_on_the_variation_where_one_is_set():
    close, wild = (
        replace(SETTINGS, sampling=Sampling(7, variation=variation)).key("plate", "garden") for variation in (0.25, 0.75)
    )
    assert len({SETTINGS.key("plate", "garden"), close, wild}) == 3


def test_a_group_depends_on_what_all_are_like_and_not_on_the_seed():
    like = replace(SETTINGS, sampling=Sampling(7, (Like(3, 1, 0.5),)))
    assert like.key("plate", "garden") != SETTINGS.key("plate", "garden")
    assert replace(SETTINGS, sampling=Sampling(8)).key("plate", "garden") == SETTINGS.key("plate", "garden")


def test_groups_are_those_that_older_files_name():
    """A file keeps the key of each job."""
    sampling = Sampling(7, (Like(3, 1, 0.5),), 0.25)
    assert replace(SETTINGS, sampling=sampling, free_ground=True).key("plate", "garden", "ab") == "6480f54adf9dea1b"


def test_a_group_depends_on_whether_the_ground_is_free():
    assert replace(SETTINGS, free_ground=True).key("plate", "garden") != SETTINGS.key("plate", "garden")


def test_a_group_is_that_of_the_model_that_made_the_variants_chosen_or_not():
    assert replace(SETTINGS, model="garden").key("plate", "garden") == SETTINGS.key("plate", "garden")


def test_the_newest_group_and_in_it_the_newest_job_come_first():
    assert grouped(["a", "b", "a", "c"]) == [Group("c", [3]), Group("a", [2, 0]), Group("b", [1])]


def test_a_new_name_is_one_that_is_free():
    assert numbered(["Poke 1", "Poke 3"], "Poke") == "Poke 2"
    assert numbered([], "Poke") == "Poke 1"
