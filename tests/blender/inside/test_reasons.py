"""Every button that is disabled says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import bpy
import pytest

BLENDERS_OWN = "context is incorrect"


def refusals() -> dict[str, str]:
    """What each operator that can't be used at present says about it."""
    found = {}
    for name in dir(bpy.ops.ipoke):
        operator = getattr(bpy.ops.ipoke, name)
        if not operator.poll():
            with pytest.raises(RuntimeError) as refused:
                operator()
            found[name] = str(refused.value).partition(".poll() ")[2].strip()
    return found


def nothing() -> None:
    """An empty file."""


def plate_alone(plane: bpy.types.Object) -> None:
    bpy.ops.ipoke.clear_pokes()


def pins_alone(plane: bpy.types.Object) -> None:
    bpy.ops.ipoke.clear_pokes()
    bpy.ops.ipoke.add_pin(at=(0.5, 0.5))


def no_variant(plane: bpy.types.Object) -> None:
    """A plate with an arrow, and no backend."""


def in_edit_mode(plane: bpy.types.Object) -> None:
    bpy.ops.object.mode_set(mode="EDIT")


STATES: tuple[tuple[Callable[..., None], dict[str, str]], ...] = (
    (nothing, dict.fromkeys(("sample", "choose_variant", "bake", "transfer", "show_still"), "Select an image plane")),
    (plate_alone, {"sample": "Draw an arrow on the plate with the Poke tool first", "clear_pokes": "Draw an arrow first"}),
    (pins_alone, dict.fromkeys(("sample", "transfer"), "Pins alone move nothing; drag an arrow from the part that is to move")),
    (no_variant, {"bake": "Sample, then choose a variant", "extract_from_images": "Start the backend first"}),
    (in_edit_mode, {"add_plate": "Leave the object's edit mode first"}),
)


@pytest.fixture(autouse=True)
def _object_mode(part) -> Iterator[None]:
    if bpy.ops.ipoke.stop_backend.poll():
        bpy.ops.ipoke.stop_backend()
    yield
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")


def checked(found: dict[str, str], expected: dict[str, str]) -> None:
    for name, sentence in found.items():
        assert sentence, name
        assert BLENDERS_OWN not in sentence, name
        assert sentence[0].isupper(), (name, sentence)
        assert not sentence.endswith("."), (name, sentence)
    for name, sentence in expected.items():
        assert found[name].startswith(sentence), (name, found[name])


@pytest.mark.parametrize(("state", "expected"), STATES, ids=[state.__name__ for state, _ in STATES])
def test_every_operator_that_cannot_be_used_says_why(state, expected, request):
    if state is not nothing:
        state(request.getfixturevalue("plane"))
    checked(refusals(), expected)


@pytest.fixture
def making(sampled, part, monkeypatch) -> bpy.types.Object:
    """A plate with variants for which more is being made."""
    runtime = part("session.running").runtime()
    job = part("operators.sampling").new_job(sampled)
    monkeypatch.setattr(runtime, "state", replace(runtime.state, jobs=(job,)))
    return sampled


def test_what_has_to_wait_says_so(making):
    busy = "Something is being made for this plate; wait for it or cancel it"
    checked(refusals(), dict.fromkeys(("sample", "reroll", "more_like_this", "bake", "delete_variant", "transfer"), busy))
    assert bpy.ops.ipoke.cancel.poll()


def test_what_needs_a_bake_says_so(sampled):
    names = ("show_bake", "add_to_sequencer", "add_to_compositor")
    checked(refusals(), dict.fromkeys(names, "Bake the chosen variant first"))
