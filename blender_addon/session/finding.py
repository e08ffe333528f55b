"""Asks the backend for the thing of a plate, without ever waiting for it while there is a window."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from .._vendor.client import Stroke, ThingRequest, new_job_id
from .._vendor.protocol import limits
from ..core.errors import AddonError, PlateError
from ..core.gestures.plane import Vec2
from ..core.jobs import app
from ..core.jobs.app import Phase
from ..core.lifetime import WhileEnabled
from ..core.things.search import Question
from ..core.things.thing import SIDE_PX, Source
from ..scene import plates, screens, stills
from ..scene.properties import IPOKE_PG_plate
from . import running, things, timer


@dataclass
class Pending:
    """What is to be found soon."""

    object_name: str = ""
    """Of the object whose thing is not known; empty where there is none."""


pending = WhileEnabled(Pending)


def find(obj: bpy.types.Object, *, start: bool = False) -> None:
    """Let a plate's thing be known as soon as that can be: now from its images, else by a question to the backend.

    With `start` a backend that is off is started for it, unless that has failed before.
    """
    _find(obj, None, start=start)


def look_at(obj: bpy.types.Object, place: Vec2) -> None:
    """Let it be known what stands at a place of a plate, if a backend is up or the plate's images say it."""
    _find(obj, (place,), start=False)


def find_soon(obj: bpy.types.Object) -> None:
    """Find a plate's thing soon; for who must not look into images, such as what draws."""
    own = pending()
    if own.object_name != obj.name and not bpy.app.background:
        own.object_name = obj.name
        bpy.app.timers.register(_find_pending)


def question_for(obj: bpy.types.Object, places: tuple[Vec2, ...] | None = None, long_side_px: int = SIDE_PX) -> Question | None:
    """Return the question for a plate's thing, None where there is nothing to ask; raises `AddonError`.

    `places` are where it is pointed at, by themselves the tails of the arrows. With `long_side_px` 0 the one mask that is wanted
    comes at the plate's size.
    """
    plate = obj.ipoke
    stored = plate.thing
    at = things.tails(plate) if places is None else places
    strokes = (*(Stroke((place,)) for place in at), *plates.strokes(stored))
    if stored.source == Source.REGION or not any(stroke.adds for stroke in strokes):
        return None
    if len(strokes) > limits.STROKES or sum(len(stroke.points) for stroke in strokes) > limits.POINTS:
        raise PlateError("The thing has too many strokes; clear them, and paint an image instead (Use Image as Mask).")
    request = ThingRequest(
        new_job_id(),
        things.file_of(plate.still, stills.shown_frame(plate)),
        strokes,
        things.start_of(plate),
        mask=mask_file(plate) if stored.source == Source.IMAGE else None,
        level=stored.level,
        alone=long_side_px == 0,
        long_side_px=long_side_px,
        upright=False,  # Blender shows a JPEG as it is stored, without turning it
    )
    return Question(things.question_key(plate, at), request)


def mask_file(plate: IPOKE_PG_plate) -> bytes:
    """Return the own mask of a plate as a file; raises `PlateError` where there is none that fits."""
    image = plate.thing.image
    if image is None:
        raise PlateError("No image is chosen as the thing's mask; choose one in the panel Thing.")
    if tuple(image.size) != tuple(plate.still.size):
        raise PlateError(
            f"The mask {image.name} has {image.size[0]} x {image.size[1]} pixels and the plate {plate.still.size[0]} x "
            f"{plate.still.size[1]}; make it as large (Image > Resize)."
        )
    return stills.read(image)


def _find(obj: bpy.types.Object, places: tuple[Vec2, ...] | None, *, start: bool) -> None:
    plate = plates.plate_of(obj)
    if plate is None or not plates.is_own(obj) or things.look(plate, places) or things.answered(plate, places) is not None:
        return
    phase = running.state().backend.phase
    if phase is Phase.FAILED or (phase is Phase.OFF and not start):
        return
    try:
        question = question_for(obj, places)
    except AddonError as error:
        plate.message = error.sentence
        return
    if question is not None:
        timer.dispatch(app.ThingAsked(question))


def _find_pending() -> None:
    if not pending.is_open:
        return
    name, pending().object_name = pending().object_name, ""
    obj = bpy.data.objects.get(name)
    plate = plates.plate_of(obj)
    if plate is not None:
        before = things.drawn(obj)
        find(obj)
        if things.drawn(obj) is not before:
            screens.redraw()
