"""What a drag with the Poke tool means: a pure state machine, (state, event) -> (state, effects). No bpy.

A press on the bare plate draws a new arrow, or sets a pin where it is let go without a drag; a press on an arrow's tip, tail or
shaft, or on a pin, moves that. A click on the ground frees it. Nothing but the draft changes until the release; a cancel at any
time leaves everything as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum, auto

from .plane import Vec2, clamped
from .pokes import Arrow, beside, shortened, slid, snapped

FINE = 0.2
SHORTEST_DRAG_PX = 4.0


class Part(Enum):
    """A part of an arrow that can be grabbed; a pin is one piece."""

    TAIL = auto()
    TIP = auto()
    SHAFT = auto()
    PIN = auto()


@dataclass(frozen=True, slots=True)
class Grab:
    """Which arrow was grabbed, where, and how it lay before; with `copy`, a copy of it is dragged."""

    index: int
    part: Part
    arrow: Arrow
    copy: bool = False


@dataclass(frozen=True, slots=True)
class Idle:
    """No button is down."""


@dataclass(frozen=True, slots=True)
class Dragging:
    """The button is down. `pointer` is the plate point under the mouse, `at` how far the drag has come."""

    size_px: tuple[int, int]
    longest_px: float
    grab: Grab | None
    pressed: Vec2
    pointer: Vec2
    at: Vec2
    draft: Arrow
    on_ground: bool = False


State = Idle | Dragging


@dataclass(frozen=True, slots=True)
class Press:
    """The button went down at a plate point, perhaps on an arrow or on the ground. Arrows get no longer than `longest_px`."""

    at: Vec2
    size_px: tuple[int, int]
    grab: Grab | None = None
    longest_px: float = math.inf
    on_ground: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """The mouse moved; `snap` turns in steps, `fine` slows the drag down."""

    at: Vec2
    snap: bool = False
    fine: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """The button went up, this far on the screen from where it went down."""

    moved_px: float


@dataclass(frozen=True, slots=True)
class Cancel:
    """Escape, the right button, or Blender took the mouse away."""


Event = Press | Move | Release | Cancel


@dataclass(frozen=True, slots=True)
class ShowDraft:
    """Show this arrow in place of the one at `index`, or as a new one when None; `clamped` when it was to be longer."""

    arrow: Arrow
    index: int | None
    clamped: bool = False


@dataclass(frozen=True, slots=True)
class AddArrow:
    """Keep a new arrow; `source` is the index of the one that it is a copy of."""

    arrow: Arrow
    source: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeArrow:
    """Keep the changed arrow at `index`."""

    index: int
    arrow: Arrow


@dataclass(frozen=True, slots=True)
class SelectArrow:
    """An arrow was clicked without being dragged."""

    index: int


@dataclass(frozen=True, slots=True)
class FreeGround:
    """The ground was clicked: it is to hold the thing no more."""


@dataclass(frozen=True, slots=True)
class Discard:
    """Keep nothing."""


Effect = ShowDraft | AddArrow | ChangeArrow | SelectArrow | FreeGround | Discard


def transition(state: State, event: Event) -> tuple[State, tuple[Effect, ...]]:
    """Return the next state and what is to be done; events that make no sense in a state change nothing."""
    match state, event:
        case Idle(), Press(at=at, size_px=size_px, grab=grab):
            draft = grab.arrow if grab else Arrow(at, at)
            begun = Dragging(size_px, event.longest_px, grab, at, at, at, draft, event.on_ground)
            return begun, (ShowDraft(draft, _index(grab)),)
        case Dragging(), Move():
            wanted = _moved(state, event)
            moved = replace(wanted, draft=_shortened(wanted))
            return moved, (ShowDraft(moved.draft, _index(state.grab), moved.draft != wanted.draft),)
        case Dragging(), Release(moved_px=moved_px):
            return Idle(), (_at_release(state, moved_px),)
        case Dragging(), Cancel():
            return Idle(), (Discard(),)
    return state, ()


def _at_release(state: Dragging, moved_px: float) -> Effect:
    if state.grab is None:
        if moved_px >= SHORTEST_DRAG_PX:
            return AddArrow(state.draft)
        place = clamped(state.pressed)
        return FreeGround() if state.on_ground else AddArrow(Arrow(place, place))
    if state.grab.copy:
        draft = beside(state.grab.arrow) if moved_px < SHORTEST_DRAG_PX else state.draft
        return AddArrow(draft, state.grab.index)
    if moved_px < SHORTEST_DRAG_PX:
        return SelectArrow(state.grab.index)
    return ChangeArrow(state.grab.index, state.draft)


def _moved(state: Dragging, move: Move) -> Dragging:
    factor = FINE if move.fine else 1.0
    at = (
        state.at[0] + factor * (move.at[0] - state.pointer[0]),
        state.at[1] + factor * (move.at[1] - state.pointer[1]),
    )
    draft = _draft(state, at, move.snap)
    return replace(state, pointer=move.at, at=at, draft=draft)


def _shortened(state: Dragging) -> Arrow:
    """The draft no longer than the model knows; the end that is dragged gives way."""
    draft, part = state.draft, Part.TIP if state.grab is None else state.grab.part
    if part is Part.TIP:
        return Arrow(draft.tail, shortened(draft.tail, draft.tip, state.size_px, state.longest_px))
    if part is Part.TAIL:
        return Arrow(shortened(draft.tip, draft.tail, state.size_px, state.longest_px), draft.tip)
    return draft


def _index(grab: Grab | None) -> int | None:
    return None if grab is None or grab.copy else grab.index


def _draft(state: Dragging, at: Vec2, snap: bool) -> Arrow:
    if state.grab is None:
        tip = snapped(state.pressed, at, state.size_px) if snap else at
        return Arrow(clamped(state.pressed), clamped(tip))
    before, part = state.grab.arrow, state.grab.part
    shift = at[0] - state.pressed[0], at[1] - state.pressed[1]
    if part is Part.TIP:
        tip = before.tip[0] + shift[0], before.tip[1] + shift[1]
        return Arrow(before.tail, clamped(snapped(before.tail, tip, state.size_px) if snap else tip))
    if part is Part.TAIL:
        tail = before.tail[0] + shift[0], before.tail[1] + shift[1]
        return Arrow(clamped(snapped(before.tip, tail, state.size_px) if snap else tail), before.tip)
    return slid(before, shift)
