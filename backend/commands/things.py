"""What the command line says of the thing under an arrow, and the question for it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from ..client import SampleRequest, Stroke, ThingArrived, ThingOrigin, ThingRequest, ThingStart, new_job_id
from ..protocol import limits
from ..protocol.messages import SOUND_SCORE
from .errors import UsageError
from .inputs import parse_mark, read_file

NO_THING = "none"
MASK_FILE = "thing.png"


@dataclass(frozen=True)
class UsedThing:
    """The mask of the thing that a job moves, a PNG file of the plate's size, and how it came about."""

    mask: bytes
    origin: ThingOrigin
    score: float


def add_mark_argument(parser: argparse._ActionsContainer) -> None:
    """The strokes of a command."""
    parser.add_argument(
        "--mark",
        action="append",
        default=[],
        metavar="+X,Y,R|-X,Y,R",
        help="a dab of the brush that adds to the thing, or takes away: its place, and its radius over the longer side of the "
        "image; radius 0 only points; may be repeated",
    )


def start_of(thing: str) -> tuple[ThingStart, bytes | None]:
    """Where a thing begins that is given as a word or the name of a mask, and that mask's bytes; raises UsageError."""
    if thing in {str(start) for start in ThingStart} - {str(ThingStart.MASK)}:
        return ThingStart(thing), None
    return ThingStart.MASK, read_file(Path(thing))


def question_for(request: SampleRequest, arguments: argparse.Namespace) -> ThingRequest | None:
    """The question for the thing that a job's arrows stand on; None where a region moves as a whole. Raises UsageError."""
    marks = tuple(parse_mark(text) for text in arguments.mark)
    if arguments.thing == NO_THING or request.regions:
        if marks or arguments.thing not in (NO_THING, ThingStart.AUTO):
            raise UsageError("--mark and a mask for --thing go with one region, and not with --thing none; leave some out.")
        return None
    tails = tuple(Stroke(((poke.x, poke.y),)) for poke in request.pokes if not poke.is_pin)
    start, mask = start_of(arguments.thing)
    return ThingRequest(
        job_id=new_job_id(),
        plate=request.plate,
        strokes=checked((*tails, *marks)),
        start=start,
        mask=mask,
        clean=request.clean,
        alone=True,
        upright=request.upright,
        premultiplied=request.premultiplied,
        layer=request.layer,
    )


def checked(strokes: tuple[Stroke, ...]) -> tuple[Stroke, ...]:
    """The strokes, unless there are too many; raises UsageError."""
    if len(strokes) > limits.STROKES:
        raise UsageError(f"There may be {limits.STROKES} arrows, clicks and marks together, not {len(strokes)}; leave some out.")
    return strokes


def used_thing(question: ThingRequest, arrived: ThingArrived) -> UsedThing | None:
    """The thing that is to move, of what a question brought; None where the region moves as a whole."""
    found, mask = arrived.found, arrived.mask
    is_painted = any(stroke.radius > 0 for stroke in question.strokes)
    if mask is None or not (found.is_sound or is_painted):
        return None
    return UsedThing(mask, found.origin, found.scores[found.chosen])


def why_no_thing(arrived: ThingArrived) -> str:
    """Why a region moves as a whole, in a sentence."""
    found = arrived.found
    if not found.scores:
        return f"The region moved as a whole. {found.reason}"
    score = found.scores[found.chosen]
    return (
        f"The region moved as a whole, since what is found under the arrow is unsure ({score:.2f}, sound from {SOUND_SCORE}); "
        "show the thing with --mark, or give its mask with --thing."
    )


def with_thing(request: SampleRequest, thing: UsedThing | None) -> SampleRequest:
    """The request with the thing that its arrows move."""
    return replace(request, whole_region=True) if thing is None else replace(request, thing=thing.mask)
