from __future__ import annotations

from blender_addon._vendor.client import Level, Stroke, ThingArrived, ThingFound, ThingOrigin, ThingRequest
from blender_addon.core.things.search import Answer, Question, Search


def question(name: str) -> Question:
    return Question((name,), ThingRequest(name, b"plate", (Stroke(((0.5, 0.5),)),)))


def test_one_question_is_under_way_and_the_newest_of_the_others_goes_next():
    search, now = Search().with_question(question("a"))
    assert now == question("a")
    for name in ("b", "c"):
        search, now = search.with_question(question(name))
        assert now is None
    search, now = search.after_answer()
    assert now == question("c"), "what was wished for between is no longer wanted"
    assert search.after_answer() == (Search(), None)


def test_wishing_again_for_what_is_asked_forgets_what_waits():
    search, _ = Search().with_question(question("a"))
    search, _ = search.with_question(question("b"))
    search, now = search.with_question(question("a"))
    assert now is None
    assert search.after_answer() == (Search(), None)


def arrived(*levels: Level) -> ThingArrived:
    scores = (0.9,) * len(levels)
    found = ThingFound("a", ThingOrigin.SEGMENTER if levels else ThingOrigin.NONE, levels, scores, 0, "" if levels else "No.")
    return ThingArrived("a", found, tuple(level.encode() for level in levels))


def test_an_answer_knows_the_level_nearest_to_a_wanted_one_and_its_neighbours():
    answer = Answer.of(arrived(Level.PART, Level.THING, Level.GROUP))
    assert answer.masks[Level.THING] == b"thing"
    assert answer.beside(Level.THING, 1) is Level.GROUP
    assert answer.beside(Level.THING, -1) is Level.PART
    assert answer.beside(Level.PART, -1) is None
    alone = Answer.of(arrived(Level.GROUP))
    assert alone.nearest(Level.PART) is Level.GROUP
    assert alone.beside(Level.GROUP, -1) is None


def test_an_answer_without_masks_says_why():
    answer = Answer.of(arrived())
    assert (answer.nearest(Level.THING), answer.beside(Level.THING, 1), answer.sentence) == (None, None, "No.")
