"""The thing of a plate as far as Blender itself knows it: from an own mask, from alpha, or from what the backend has answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np

from .._vendor.client import Level, Stroke, ThingOrigin, ThingStart
from ..core import png
from ..core.gestures.plane import Vec2
from ..core.gestures.pokes import single
from ..core.lifetime import WhileEnabled
from ..core.things import thing
from ..core.things.search import Answer, Key
from ..core.things.thing import KnownThing, Mask, Source
from ..scene import images, plates, stills
from ..scene.properties import IPOKE_PG_plate
from . import pointer, running

OPAQUE_BITS = frozenset({24, 96})
"""Depths of images without alpha."""
CACHED = 32
"""So many entries stay in each part of the cache."""


@dataclass
class Cache:
    """What was computed and needs no second look, by what it was made from, the oldest first."""

    marks: dict[Key, Mask | None] = field(default_factory=dict)
    """What an image marks, or its alpha; None where that is not the alpha of a cut-out."""
    things: dict[Key, KnownThing | None] = field(default_factory=dict)
    """The thing of a plate; None where it is known that there is none."""
    last: dict[int, KnownThing] = field(default_factory=dict)
    """What each object's thing was before, by the number of its data-block."""
    meanwhile: dict[Key, KnownThing | None] = field(default_factory=dict)
    """What new strokes make of that, while an answer is on its way."""
    files: dict[Key, bytes] = field(default_factory=dict)
    """An image as a file."""
    paintings: int = 0
    """How often images may have changed in memory."""


cache = WhileEnabled(Cache)


def known(obj: bpy.types.Object | None) -> KnownThing | None:
    """Return the thing that an object's arrows stand on, or None where nothing says.

    Without a backend it is resolved from an own mask and from alpha. An image may be read, so it is not for drawing: see `drawn`.
    """
    plate = plates.plate_of(obj)
    if plate is None:
        return None
    look(plate)
    return drawn(obj)


def look(plate: IPOKE_PG_plate, places: tuple[Vec2, ...] | None = None) -> bool:
    """Read the images that a plate's thing depends on, unless that was done; returns whether they say what the thing is.

    `places` are where it is pointed at, by themselves the tails of the arrows.
    """
    at = tails(plate) if places is None else places
    things, key = cache().things, _key(plate, at)
    if key not in things:
        base = _base(plate, at)
        if base is None and plate.thing.source not in (Source.IMAGE, Source.REGION):
            return False
        _keep(things, key, None if base is None else KnownThing.of(thing.painted(base[0], plates.strokes(plate.thing)), base[1]))
    return True


def drawn(obj: bpy.types.Object, places: tuple[Vec2, ...] | None = None) -> KnownThing | None:
    """Return an object's thing without a look into any image: what `look` found, else what the backend has answered.

    While an answer is on its way it is what the thing was before, where that is pointed at too, with the strokes that are new.
    """
    plate = plates.plate_of(obj)
    if plate is None or plate.thing.source == Source.REGION:
        return None
    at = tails(plate) if places is None else places
    own, key = cache(), _key(plate, at)
    if key not in own.things:
        answer = answered(plate, places)
        if answer is None:
            return None if places is not None else _before(plate)
        _keep(own.things, key, _found(answer, Level(plate.thing.level)))
    found = own.things[key]
    if found is not None and places is None:
        own.last[plate.id_data.session_uid] = found
    return found


def is_settled(plate: IPOKE_PG_plate) -> bool:
    """Return whether it is known what a plate's thing is, or that there is none."""
    at = tails(plate)
    return plate.thing.source == Source.REGION or _key(plate, at) in cache().things or answered(plate, at) is not None


def lost(plate: IPOKE_PG_plate) -> list[Vec2]:
    """Return the tails of arrows under which nothing was found, although that was looked for; none while it isn't settled."""
    if plate.thing.source == Source.REGION or not is_settled(plate):
        return []
    found = drawn(plate.id_data)
    return [place for place in tails(plate) if found is None or not thing.holds(found.mask, (place,))]


def with_stroke(plate: IPOKE_PG_plate, before: KnownThing | None, stroke: Stroke) -> KnownThing | None:
    """Return a thing with one more stroke painted on it."""
    if before is None:
        before = _nothing(plate)
    return KnownThing.of(thing.painted(before.mask, (stroke,)), before.origin)


def answered(plate: IPOKE_PG_plate, places: tuple[Vec2, ...] | None = None) -> Answer | None:
    """Return what the backend has answered to the question for a plate's thing."""
    return running.runtime().answers.get(question_key(plate, tails(plate) if places is None else places))


def has_levels(plate: IPOKE_PG_plate) -> bool:
    """Return whether there is more or less of a plate's thing to take: several were found, within one another."""
    answer = answered(plate)
    return answer is not None and len(answer.masks) > 1


def may_have_levels(plate: IPOKE_PG_plate) -> bool:
    """Return whether several things were found within one another, or may yet be."""
    return has_levels(plate) or (plate.thing.source not in (Source.IMAGE, Source.REGION) and not look(plate))


def question_key(plate: IPOKE_PG_plate, places: tuple[Vec2, ...]) -> Key:
    """Return what the backend's answer depends on."""
    stored = plate.thing
    mask = identity(stored.image) if stored.source == Source.IMAGE else ()
    return stored.source, identity(plate.still), stills.shown_frame(plate), mask, places, plates.strokes(stored)


def start_of(plate: IPOKE_PG_plate) -> ThingStart:
    """Return what the strokes of a question change."""
    return {Source.PICTURE: ThingStart.SEGMENTER, Source.IMAGE: ThingStart.MASK}.get(Source(plate.thing.source), ThingStart.AUTO)


def tails(plate: IPOKE_PG_plate) -> tuple[Vec2, ...]:
    """Return the places that the enabled arrows start from, that of an arrow which is being drawn included."""
    draft = pointer.draft_on(plate.id_data, pointer.PokeDraft)
    new = (single(draft.shown.arrow.tail),) if draft is not None and draft.shown.index is None else ()
    enabled = [(tuple(poke.tail), tuple(poke.tip)) for poke in plate.pokes if poke.enabled]
    arrows = (*(tail for tail, tip in enabled if tail != tip), *new)
    return tuple(dict.fromkeys(arrows or (tail for tail, _ in enabled)))  # pins alone stand on something too


def identity(image: bpy.types.Image | None) -> Key:
    """Return what changes when an image shows something else."""
    if image is None:
        return ()
    paintings = cache().paintings if image.is_dirty or image.source == "GENERATED" else 0
    return image.session_uid, image.filepath, tuple(image.size), paintings


def note_painting() -> None:
    """Forget what was read of images that are changed in memory: one of them may have been painted on."""
    cache().paintings += 1


def file_of(image: bpy.types.Image, frame: int) -> bytes:
    """Return an image as a file, read once while it stays the same; raises `PlateError`."""
    files, key = cache().files, (identity(image), frame)
    if key not in files:
        files.clear()  # they are large
        files[key] = stills.read(image, frame)
    return files[key]


def _base(plate: IPOKE_PG_plate, places: Iterable[Vec2]) -> tuple[Mask, ThingOrigin] | None:
    """The mask that strokes are painted on, where Blender itself has one."""
    stored = plate.thing
    if stored.source == Source.IMAGE:
        mark = _mark(stored.image, 0, alone=False)
        return None if mark is None else (mark, ThingOrigin.MASK)
    if stored.source != Source.AUTO:
        return None
    alpha = _mark(plate.still, stills.shown_frame(plate), alone=True)
    if alpha is None:
        return None
    parts = thing.parts_below(alpha, (*places, *thing.clicks(plates.strokes(stored))))
    return None if parts is None else (parts, ThingOrigin.ALPHA)


def _found(answer: Answer, wanted: Level) -> KnownThing | None:
    level = answer.nearest(wanted)
    if level is None:
        return None
    mask = png.decode_grey(answer.masks[level], thing.SIDE_PX).astype(np.float32) / 255
    return KnownThing.of(mask, answer.origin)


def _before(plate: IPOKE_PG_plate) -> KnownThing | None:
    """What the thing was before, or what strokes alone make of nothing."""
    painted, own = plates.strokes(plate.thing), cache()
    last = own.last.get(plate.id_data.session_uid)
    if last is None and any(stroke.adds and stroke.radius > 0 for stroke in painted):
        last = _nothing(plate)
    elif last is not None and not thing.holds(last.mask, tails(plate)):
        return None
    if last is None or not painted:
        return last
    key = last.sha256, last.mask.shape, last.origin, painted
    if key not in own.meanwhile:
        _keep(own.meanwhile, key, KnownThing.of(thing.painted(last.mask, painted), last.origin))
    return own.meanwhile[key]


def _nothing(plate: IPOKE_PG_plate) -> KnownThing:
    return KnownThing(np.zeros(thing.reduced_shape(plates.size_px(plate)), np.float32), ThingOrigin.STROKES, "")


def _mark(image: bpy.types.Image | None, frame: int, *, alone: bool) -> Mask | None:
    """What an image marks, reduced; with `alone` its alpha, None where that is not that of a cut-out."""
    if image is None or 0 in image.size or (alone and image.depth in OPAQUE_BITS):
        return None
    marks, key = cache().marks, (identity(image), frame, alone)
    if key not in marks:
        read = images.pixels_of(image, frame)
        mask = thing.reduced(read[..., 3] if alone else thing.marked(read))
        _keep(marks, key, mask if not alone or thing.is_cut_out(read[..., 3]) else None)
    return marks[key]


def _key(plate: IPOKE_PG_plate, places: tuple[Vec2, ...]) -> Key:
    return *question_key(plate, places), plate.thing.level


def _keep(part: dict[Key, Any], key: Key, value: Any) -> None:
    if len(part) >= CACHED:
        part.pop(next(iter(part)))
    part[key] = value
