"""What may be said of a thing on the command line, what is asked for then, and what is used of the answer."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from backend.cli import _joined
from backend.client import Poke, Stroke, ThingArrived, ThingFound, ThingOrigin, ThingStart
from backend.commands.errors import UsageError
from backend.commands.inputs import parse_mark, parse_place
from backend.commands.things import question_for, used_thing, why_no_thing, with_thing
from backend.protocol.codec import encode
from backend.protocol.messages import Level, Region

from .made import request


def asked(thing: str = "auto", *marks: str, **changes):
    return question_for(dataclasses.replace(request(), **changes), argparse.Namespace(thing=thing, mark=list(marks)))


def arrived(origin: ThingOrigin, *scores: float) -> ThingArrived:
    found = ThingFound("job", origin, (Level.THING,) * len(scores), scores, reason="" if scores else "Nothing is there.")
    return ThingArrived("job", found, (b"mask",) * len(scores))


def test_marks_are_places_with_a_sign_and_a_radius():
    assert parse_mark("+0.5,0.25,0.02") == Stroke(((0.5, 0.25),), 0.02)
    assert parse_mark("-0.5,1,0") == Stroke(((0.5, 1.0),), 0.0, adds=False)


NO_MARKS = (
    "", "+", "0.5,0.5,0.1", "+0.5,0.5", "+0.5,0.5,0.6", "+0.5,0.5,-1", "+nan,0.5,0.1", "+0.5,0.5,nan", "+0.5,0.5,0.1,0.1",
    "+2,0.5,0.1", "+a,b,c", "+inf,0,0.1",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_MARKS)
def test_what_is_no_mark_is_refused_in_a_sentence(text):
    with pytest.raises(UsageError, match=r"^--mark .*\.$"):
        parse_mark(text)


@pytest.mark.parametrize("text", ["", "0.5", "0.5,0.5,0.5", "1.1,0", "nan,0.5", "-0.1,0.5", "x,y"])
def test_what_is_no_place_is_refused_in_a_sentence(text):
    with pytest.raises(UsageError, match=r"^--at .*\.$"):
        parse_place(text, "--at")


def test_a_mark_that_takes_away_is_no_option():
    words = ["poke", "a.png", "--mark", "-0.5,0.5,0.1", "--mark", "+0.1,0.1,0", "-o", "out", "--mark", "--json"]
    assert _joined(words) == ["poke", "a.png", "--mark=-0.5,0.5,0.1", "--mark", "+0.1,0.1,0", "-o", "out", "--mark", "--json"]


def test_the_thing_is_asked_for_at_the_tails_and_marks_and_not_at_pins():
    pokes = (Poke(0.5, 0.5, 0.1, 0.0), Poke(0.2, 0.9, 0.0, 0.0))
    question = asked("auto", "-0.4,0.4,0.05", pokes=pokes)
    assert question.strokes == (Stroke(((0.5, 0.5),)), Stroke(((0.4, 0.4),), 0.05, adds=False))
    assert (question.start, question.alone) == (ThingStart.AUTO, True)
    encode(question.message())


def test_a_mask_is_read_and_words_are_ways_to_find_it(tmp_path):
    (tmp_path / "mask.png").write_bytes(b"a mask")
    question = asked(str(tmp_path / "mask.png"))
    assert (question.start, question.mask) == (ThingStart.MASK, b"a mask")
    assert asked("alpha").start is ThingStart.ALPHA
    assert asked("segmenter").start is ThingStart.SEGMENTER
    with pytest.raises(UsageError, match="can't be read"):
        asked(str(tmp_path / "nothing.png"))


def test_a_region_that_moves_as_a_whole_asks_for_nothing_and_takes_no_marks():
    assert asked("none") is None
    several = {"regions": (Region(0, 0, 20, 20), Region(20, 0, 20, 20))}
    assert asked("auto", **several) is None
    for thing, marks, changes in (("none", ("+0.5,0.5,0.1",), {}), ("auto", ("+0.5,0.5,0.1",), several), ("alpha", (), several)):
        with pytest.raises(UsageError, match="go with one region"):
            asked(thing, *marks, **changes)


def test_too_many_marks_are_refused_in_a_sentence():
    with pytest.raises(UsageError, match="64 arrows, clicks and marks together, not 65"):
        asked("auto", *["+0.5,0.5,0.1"] * 64)


def test_a_sound_mask_is_used_an_unsure_one_only_with_strokes_and_none_moves_the_region():
    question, painted = asked(), asked("auto", "+0.5,0.5,0.1")
    assert used_thing(question, arrived(ThingOrigin.SEGMENTER, 0.9)).mask == b"mask"
    unsure = arrived(ThingOrigin.SEGMENTER, 0.3)
    assert used_thing(question, unsure) is None
    assert "unsure (0.30" in why_no_thing(unsure)
    assert used_thing(painted, unsure).score == 0.3
    nothing = arrived(ThingOrigin.NONE)
    assert used_thing(question, nothing) is None
    assert why_no_thing(nothing) == "The region moved as a whole. Nothing is there."


def test_a_request_goes_on_with_its_thing_or_with_the_whole_region():
    thing = used_thing(asked(), arrived(ThingOrigin.ALPHA, 1.0))
    assert with_thing(request(), thing).thing == b"mask"
    assert with_thing(request(), None).whole_region
