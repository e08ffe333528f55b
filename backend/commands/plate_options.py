"""Owns the options of `ipoke poke` and `ipoke transfer` about the plate and time: regions, masks, timing, loops, passes."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from ..client import SampleRequest
from ..plate.image import PlateImage
from ..protocol import limits
from ..protocol.errors import ProtocolError
from ..protocol.messages import Easing, Loop, OutputSize, Playback, Region, ThingStart
from .errors import UsageError
from .inputs import read_file
from .things import NO_THING, add_mark_argument

LOOP_DRAWS = 4
"""Residuals that a closed loop is picked from: `python -m benchmarks.plate_loops` shows what more of them bring."""
_NO_MASKS = (NO_THING, *(str(start) for start in ThingStart if start is not ThingStart.MASK))


def add_plate_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments about the plate and time."""
    plate = parser.add_argument_group("plate")
    plate.add_argument(
        "--region",
        action="append",
        default=[],
        metavar="X,Y,W,H",
        help="what the model sees, in plate px; around pokes and object without it; may be repeated: each moves by its own pokes",
    )
    plate.add_argument("--lock", type=Path, metavar="MASK", help="image of the plate's size: what is white never changes")
    plate.add_argument(
        "--thing",
        default="auto",
        metavar="MASK|auto|alpha|segmenter|none",
        help="what the pokes move, as one elastic body: an image of the plate's size that is white there; the plate's alpha; "
        "what a network finds at the tails; none: the region as a whole; auto: alpha where the plate has any, else what differs "
        "from the clean plate, else the network's",
    )
    add_mark_argument(plate)
    plate.add_argument(
        "--free-ground", action="store_true", help="don't hold the thing by itself where it leaves the picture or stands"
    )
    plate.add_argument("--clean-plate", type=Path, metavar="IMAGE", help="the plate without what moves, to show behind it")
    plate.add_argument("--premultiplied", action="store_true", help="the plate's colour is stored times its alpha (EXR: always)")
    plate.add_argument("--layer", metavar="NAME", help="which layer of an EXR to use; without it the one that Blender shows")
    plate.add_argument("--passes", action="store_true", help="write vectors, STMap, occlusion, confidence and matte as EXR")
    plate.add_argument(
        "--mesh", action="store_true", help="write the thing as a mesh too (OBJ), and how it moves in each variant (PC2)"
    )
    time = parser.add_argument_group("time")
    time.add_argument("--frames", type=int, metavar="N", help=f"how many frames, 2 to {limits.OUTPUT_FRAMES}")
    time.add_argument("--hold", type=int, default=1, metavar="N", help="each drawing stays N frames: ones, twos, threes (1)")
    time.add_argument("--easing", choices=[str(kind) for kind in Easing], default="linear", help="how a clip starts and ends")
    time.add_argument(
        "--loop",
        choices=[str(kind) for kind in Loop if kind is not Loop.NONE],
        help="end where it starts, with the same velocity; there and back; or swing back to the still and come to rest",
    )
    parser.set_defaults(chain=1, loop_draws=1)


def add_chain_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments about time for commands that draw what they show, and so may draw more of it."""
    time = parser.add_argument_group("draws")
    time.add_argument("--chain", type=int, default=1, metavar="K", help="join K clips to one, with their velocity (1)")
    time.add_argument(
        "--loop-draws",
        type=int,
        default=LOOP_DRAWS,
        metavar="N",
        help=f"a closed loop is the best of the variant and N - 1 like it ({LOOP_DRAWS})",
    )


def with_plate_options(request: SampleRequest, plate: PlateImage, arguments: argparse.Namespace) -> SampleRequest:
    """The request with what the options ask for; raises UsageError."""
    if arguments.thing == "alpha" and plate.alpha is None:
        raise UsageError("--thing alpha needs a plate with alpha; give a mask, or none for the region as a whole.")
    loop = Loop(arguments.loop or "none")
    playback = Playback(
        frames=arguments.frames,
        hold=arguments.hold,
        easing=Easing(arguments.easing),
        loop=loop,
        chain=arguments.chain,
        draws=arguments.loop_draws if loop is Loop.CLOSED else 1,
    )
    masks = arguments.lock or arguments.clean_plate or arguments.thing not in _NO_MASKS
    if arguments.size == "model" and (playback != Playback() or arguments.passes or arguments.mesh or masks):
        options = "--frames, --hold, --easing, --loop, --chain, --passes, --mesh, --lock, --clean-plate and a mask for --thing"
        raise UsageError(f"{options} need --size plate.")
    regions = tuple(_region(text) for text in arguments.region)
    if len(regions) > limits.REGIONS or (len(regions) > 1 and arguments.size == "model"):
        raise UsageError(f"Several --region need --size plate, and there may be {limits.REGIONS} of them; leave some out.")
    if arguments.mesh and (regions[1:] or arguments.thing == "none"):
        raise UsageError("--mesh is of one thing that moves as a body; leave it out, or several --region and --thing none.")
    request = dataclasses.replace(
        request,
        region=regions[0] if len(regions) == 1 else None,
        regions=regions if len(regions) > 1 else (),
        playback=None if playback == Playback() else playback,
        lock=None if arguments.lock is None else read_file(arguments.lock),
        clean=None if arguments.clean_plate is None else read_file(arguments.clean_plate),
        whole_region=arguments.thing == NO_THING,
        free_ground=arguments.free_ground,
        mesh=arguments.mesh,
        passes=arguments.passes and request.size is OutputSize.PLATE,
        premultiplied=arguments.premultiplied,
        layer=arguments.layer,
    )
    _check_numbers(playback)
    return request


def _check_numbers(playback: Playback) -> None:
    numbers = (
        ("--frames", playback.frames or 2, 2, limits.OUTPUT_FRAMES),
        ("--hold", playback.hold, 1, 8),
        ("--chain", playback.chain, 1, limits.CHAIN),
        ("--loop-draws", playback.draws, 1, limits.DRAWS),
    )
    for option, value, low, high in numbers:
        if not low <= value <= high:
            raise UsageError(f"{option} must be between {low} and {high}, not {value}.")
    try:
        playback.check("--loop")
    except ProtocolError as error:
        raise UsageError(error.sentence) from error


def _region(text: str) -> Region:
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--region {text} is not X,Y,W,H, four whole numbers of pixels such as 200,0,1080,1080.") from None
    if min(x, y) < 0 or min(w, h) < limits.REGION_SIDE_PX or max(x + w, y + h) > limits.IMAGE_SIDE_PX:
        raise UsageError(f"--region {text} is no region of an image; X and Y from 0, W and H at least {limits.REGION_SIDE_PX}.")
    return Region(x, y, w, h)
