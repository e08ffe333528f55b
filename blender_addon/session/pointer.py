"""What the mouse does over the plates: what it drags, what lies under it, and what a click there would take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import bpy

from .._vendor.client import Stroke
from ..core.gestures.gesture import Part, ShowDraft
from ..core.gestures.hover import Ground
from ..core.gestures.plane import Vec2
from ..core.gestures.region import Box, Handle
from ..core.lifetime import WhileEnabled


@dataclass(frozen=True)
class PokeDraft:
    """The arrow that is being dragged, and on what."""

    object_name: str
    shown: ShowDraft


@dataclass(frozen=True)
class RegionDraft:
    """The region that is being dragged, and on what."""

    object_name: str
    box: Box


@dataclass(frozen=True)
class StrokeDraft:
    """The stroke that is being painted on the thing, and on what; before the button is down it is the brush alone."""

    object_name: str
    stroke: Stroke
    is_down: bool


@dataclass(frozen=True)
class Candidate:
    """A place of an object, whose thing is outlined because a click there would take it."""

    object_name: str
    place: Vec2


Draft = TypeVar("Draft", PokeDraft, RegionDraft, StrokeDraft)


@dataclass
class Pointer:
    """What the mouse does at present."""

    draft: PokeDraft | RegionDraft | StrokeDraft | None = None
    """What is being dragged; the file has it once the button is up."""
    hovered: tuple[int, Part] | Handle | Ground | None = None
    """What of the active plate lies under the mouse: a part of the arrow with this index, a handle of the region, the ground."""
    candidate: Candidate | None = None
    """What a click would take, while that is outlined."""


state = WhileEnabled(Pointer)


def draft_on(obj: bpy.types.Object, kind: type[Draft]) -> Draft | None:
    """Return what of a kind is being dragged on an object."""
    draft = state().draft
    return draft if isinstance(draft, kind) and draft.object_name == obj.name else None


def candidate_on(obj: bpy.types.Object) -> tuple[Vec2, ...] | None:
    """Return the place of an object whose thing a click would take, as places to look at; None where none is outlined."""
    candidate = state().candidate
    return None if candidate is None or candidate.object_name != obj.name else (candidate.place,)
