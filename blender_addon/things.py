"""The thing of a plate as far as Blender itself knows it: from an own mask, from alpha, or from what the backend has answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy

from . import pixels, plates
from .core import thing
from .core.plane import Vec2
from .core.thing import KnownThing, Mask, Origin, Source, Stroke

if TYPE_CHECKING:
    from .properties import IPOKE_PG_plate, IPOKE_PG_thing

OPAQUE_BITS = frozenset({24, 96})
"""Depths of images without alpha."""
KEPT = 16


@dataclass
class Shelf:
    """What was computed and needs no second look: by what it was made from, the oldest first."""

    marks: dict[tuple[object, ...], Mask | None] = field(default_factory=dict)
    things: dict[tuple[object, ...], KnownThing | None] = field(default_factory=dict)
    painted: int = 0
    """How often images have changed in memory."""


def known(obj: bpy.types.Object | None) -> KnownThing | None:
    """Return the thing that an object's arrows stand on, resolved without a backend where that can be; None where nothing says.

    It may read an image, so it is not for drawing; see `drawn`.
    """
    plate = plates.plate_of(obj)
    if plate is None or plate.thing.source == Source.REGION:
        return None
    shelf, key = _shelf(), key_of(plate)
    if key not in shelf.things:
        _keep(shelf.things, key, _resolved(plate))
    return shelf.things[key]


def drawn(obj: bpy.types.Object) -> KnownThing | None:
    """Return what `known` has returned for the object as it is now; None where it was not asked yet."""
    return _shelf().things.get(key_of(obj.ipoke))


def strokes(stored: IPOKE_PG_thing) -> tuple[Stroke, ...]:
    """Return the strokes that are painted on a plate as plain data."""
    return tuple(
        Stroke(tuple(tuple(point.at) for point in stroke.points), stroke.radius, stroke.adds) for stroke in stored.strokes
    )


def store_strokes(stored: IPOKE_PG_thing, wanted: tuple[Stroke, ...]) -> None:
    """Replace the strokes of a plate."""
    stored.strokes.clear()
    for stroke in wanted:
        add_stroke(stored, stroke)


def add_stroke(stored: IPOKE_PG_thing, stroke: Stroke) -> None:
    """Add a stroke above those that are there."""
    entry = stored.strokes.add()
    entry.radius, entry.adds = stroke.radius, stroke.adds
    for at in stroke.points:
        entry.points.add().at = at


def tails(plate: IPOKE_PG_plate) -> tuple[Vec2, ...]:
    """Return the places that the enabled arrows start from."""
    return tuple(tuple(poke.tail) for poke in plate.pokes if poke.enabled)


def key_of(plate: IPOKE_PG_plate) -> tuple[object, ...]:
    """Return what a plate's thing depends on, without a look into any image."""
    stored = plate.thing
    image = stored.image if stored.source == Source.IMAGE else plate.still
    return stored.source, _identity(image), plate.still_frame, tails(plate), strokes(stored), stored.level


def note_painting() -> None:
    """Forget what was read of images: one of them may have been painted on."""
    _shelf().painted += 1


def _resolved(plate: IPOKE_PG_plate) -> KnownThing | None:
    stored = plate.thing
    painted = strokes(stored)
    if stored.source == Source.IMAGE:
        mask, origin = _mark(stored.image, 0, alone=False), Origin.IMAGE
    elif stored.source == Source.AUTO and (alpha := _mark(plate.still, plate.still_frame, alone=True)) is not None:
        mask, origin = thing.parts_below(alpha, (*tails(plate), *thing.clicks(painted))), Origin.ALPHA
    else:
        return None
    return None if mask is None else KnownThing.of(thing.painted(mask, painted), origin)


def _mark(image: bpy.types.Image | None, frame: int, *, alone: bool) -> Mask | None:
    """What an image marks, reduced; with `alone` its alpha, None where that is not that of a cut-out."""
    if image is None or 0 in image.size or (alone and image.depth in OPAQUE_BITS):
        return None
    marks, key = _shelf().marks, (_identity(image), frame, alone)
    if key not in marks:
        read = pixels.shown(image, frame)
        mask = thing.reduced(read[..., 3] if alone else thing.marked(read))
        _keep(marks, key, mask if not alone or thing.is_cut_out(read[..., 3]) else None)
    return marks[key]


def _identity(image: bpy.types.Image | None) -> tuple[object, ...]:
    """What changes when an image shows something else."""
    if image is None:
        return ()
    held = _shelf().painted if image.is_dirty or image.source == "GENERATED" else 0
    return image.session_uid, image.filepath, tuple(image.size), held


def _keep(shelf: dict[tuple[object, ...], object], key: tuple[object, ...], value: object) -> None:
    if len(shelf) >= KEPT:
        shelf.pop(next(iter(shelf)))
    shelf[key] = value


def _shelf() -> Shelf:
    from . import pump  # stands on what needs the things

    return pump.addon().shelf
