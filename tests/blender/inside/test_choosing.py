"""Looking at variants and being told: next and previous, thumbnails, variation in words, what is locked, what is too much."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import bpy
import pytest

from .layouts import drawn
from .shots import sample


def test_the_next_and_the_last_variant_go_round_as_one_undo_step(sampled):
    bpy.ops.ipoke.choose_variant(index=0)
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.ipoke.step_variant("EXEC_DEFAULT", True)
    assert bpy.context.active_object.ipoke.active_variant == 1
    assert "variant_01" in bpy.context.active_object.ipoke.clip.filepath
    bpy.ops.ed.undo()
    assert bpy.context.active_object.ipoke.active_variant == 0
    bpy.ops.ipoke.step_variant(step=-1)
    assert bpy.context.active_object.ipoke.active_variant == 1, "before the first comes the last"


def shown_at(part, obj: bpy.types.Object, frame: int, left: int | None = None) -> list[str]:
    """Which pictures the sidebar shows at a frame; without a window they have no icons, only names."""
    thumbnails = part("ui.thumbnails")
    thumbnails.begin()
    thumbnails.state().left = thumbnails.LOADS if left is None else left
    for variant in obj.ipoke.variants:
        thumbnails.of_variant(obj.ipoke, variant, frame)
    return list(thumbnails.state().last.values())


def test_every_thumbnail_plays_and_shows_what_moves(sampled, part):
    start = sampled.ipoke.start_frame
    first, later = shown_at(part, sampled, start), shown_at(part, sampled, start + 3)
    assert len(first) == len(later) == 2
    assert set(first).isdisjoint(later), "another frame is another picture"
    own = part("ui.thumbnails").state()
    (box,) = own.parts.values()
    assert box.right - box.left < 0.5
    assert box.left <= 0.3 <= 0.38 <= box.right
    width, height = own.pictures[later[0]].image_size
    assert abs(width - height) <= 2, "the part is square"
    assert len(set(own.pictures[later[0]].image_pixels)) > 10, "and has a picture in it"


def test_only_so_many_thumbnails_are_read_at_a_time_and_until_then_the_last_one_is_shown(sampled, part):
    start = sampled.ipoke.start_frame
    first = shown_at(part, sampled, start)
    assert shown_at(part, sampled, start + 5, left=0) == first
    assert shown_at(part, sampled, start + 5) != first


@pytest.mark.parametrize(("word", "amount"), [("CALM", 0.15), ("GENTLE", 0.3), ("LIVELY", 0.6), ("FULL", 1.0), ("WILD", 1.5)])
def test_a_word_for_the_variation_sets_its_number(plane, word, amount):
    plate = plane.ipoke
    assert plate.variation_word == "OWN"
    plate.variation_word = word
    assert (plate.use_variation, plate.variation_word) == (True, word)
    assert plate.variation == pytest.approx(amount)
    plate.variation = 0.47
    assert plate.variation_word == "SET"
    plate.variation_word = "OWN"
    assert not plate.use_variation


def test_recall_says_that_it_locks_the_seed_and_a_re_roll_leaves_the_lock_as_it_was(saved, capfd):
    sample(saved, samples=1, seed=11)
    saved.ipoke.lock_seed, saved.ipoke.seed = False, 5
    bpy.ops.ipoke.recall_settings()
    assert (saved.ipoke.seed, saved.ipoke.lock_seed) == (11, True)
    assert "The seed is locked to 11 now" in capfd.readouterr().out
    bpy.ops.ipoke.recall_settings()
    assert "locked" not in capfd.readouterr().out, "what is locked already is not told"
    saved.ipoke.lock_seed = False
    bpy.ops.ipoke.reroll()
    assert not saved.ipoke.lock_seed
    assert saved.ipoke.seed != 11


def test_more_arrows_than_the_model_takes_are_told_before_anything_is_asked(plane, part, monkeypatch):
    choice = part("session.model_choice")
    monkeypatch.setattr(choice, "installed", lambda: (SimpleNamespace(name="garden-64", max_pokes=5),))
    for number in range(5):
        bpy.ops.ipoke.add_poke(tail=(0.1 * number + 0.1, 0.8), tip=(0.1 * number + 0.15, 0.7))
    assert len(plane.ipoke.pokes) == 6
    assert "garden-64 takes 5 arrows at most" in drawn("IPOKE_PT_pokes").words
    plane.ipoke.pokes[0].enabled = False
    assert "arrows at most" not in drawn("IPOKE_PT_pokes").words


def test_arrows_under_which_nothing_is_found_are_named_and_only_once_that_was_looked_for(plane, part):
    things = part("session.things")
    plane.ipoke.thing.source = "PICTURE"
    assert things.lost(plane.ipoke) == [], "nobody has looked yet"
    plane.ipoke.thing.source = "REGION"
    assert things.lost(plane.ipoke) == []
    mask = bpy.data.images.new("Mask", *plane.ipoke.still.size)
    plane.ipoke.thing.image, plane.ipoke.thing.source = mask, "IMAGE"
    things.known(plane)
    assert things.lost(plane.ipoke) == list(things.tails(plane.ipoke)), "the mask is black everywhere"


def test_hidden_arrows_are_shown_again_when_one_is_drawn(plane):
    plane.ipoke.show_arrows = False
    bpy.ops.ipoke.add_poke(tail=(0.5, 0.5), tip=(0.6, 0.5))
    assert plane.ipoke.show_arrows


@pytest.fixture
def making(sampled, part, monkeypatch) -> object:
    """A job for four variants, of which two are whole."""
    messages, job = part("_vendor.client"), part("core.jobs.job")
    asked = part("operators.sampling").new_job(sampled)
    clips = (job.Clip(0, 10, True), job.Clip(1, 10, True), job.Clip(2, 3))
    asked = replace(asked, settings=replace(asked.settings, samples=4), clips=clips, phase=job.JobPhase.RUNNING)
    asked = replace(asked, progress=messages.Progress(asked.job_id, "sample", 23, 40, 8.0))
    runtime = part("session.running").runtime()
    monkeypatch.setattr(runtime, "state", replace(runtime.state, jobs=(asked,)))
    return asked


def test_progress_says_which_variant_of_how_many_and_how_long_it_takes_and_then_that_it_is_done(making, part):
    progress, job = part("session.progress"), part("core.jobs.job")
    shown = progress.now()
    assert shown.text == "Sampling, variant 3 of 4, 8 s left"
    assert shown.fraction == pytest.approx(23 / 40)
    progress.note((replace(making, phase=job.JobPhase.FINISHED, clips=making.clips[:2]),))
    runtime = part("session.running").runtime()
    runtime.state = replace(runtime.state, jobs=())
    assert progress.now().text == "2 variants are there"
    progress.state().at_s -= progress.SHOWN_S
    assert progress.now() is None


def test_the_panel_has_as_many_rows_while_something_is_made_as_before(making, part, monkeypatch):
    busy = drawn("IPOKE_PT_sample")
    runtime = part("session.running").runtime()
    monkeypatch.setattr(runtime, "state", replace(runtime.state, jobs=()))
    idle = drawn("IPOKE_PT_sample")
    rows = [sum(name in ("row", "column") for name, _ in layout.log) for layout in (busy, idle)]
    assert rows[0] == rows[1]
    assert any(name == "progress" for name, _ in busy.log)
    assert not busy.operators("ipoke.sample")
