"""`ipoke thing`: the mask of what stands at a place of a still, as `ipoke poke` will move it."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from ..client import Level, Stroke, ThingArrived, ThingOrigin, ThingRequest, ThingStart, new_job_id
from ..lifetime import noted_signals
from ..protocol import limits
from .connected_backend import open_backend
from .console import one_line, remark, say
from .errors import CommandError, UsageError
from .inputs import parse_mark, parse_place, read_file, read_plate
from .mask_file import SUFFIX, check_signed, signed
from .output_file import OutputFile
from .progress import ProgressBar
from .things import add_mark_argument, checked, start_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the still: PNG, JPEG, TIFF, WebP, EXR, HDR")
    parser.add_argument(
        "--at", action="append", default=[], metavar="X,Y", help="a click on the thing, in fractions of width and height"
    )
    add_mark_argument(parser)
    parser.add_argument(
        "--from",
        dest="start",
        default="auto",
        metavar="MASK|auto|alpha|segmenter",
        help="what clicks and marks change: an image of the still's size that is white where the thing is; the still's alpha; "
        "what a network finds; auto: alpha where the still has any, else what differs from the clean plate, else the network's",
    )
    parser.add_argument("--clean-plate", type=Path, metavar="IMAGE", help="the still without the thing")
    parser.add_argument(
        "--level", choices=[str(level) for level in Level], default="thing", help="a part of it, the thing, or several of a kind"
    )
    parser.add_argument("--premultiplied", action="store_true", help="the still's colour is stored times its alpha (EXR: always)")
    parser.add_argument("--layer", metavar="NAME", help="which layer of an EXR to use; without it the one that Blender shows")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar=f"MASK{SUFFIX}", help="where to write")
    parser.add_argument("--replace", action="store_true", help="a mask that ipoke wrote there gives way")
    parser.add_argument("--connection-file", type=Path, metavar="F", help="use the backend that wrote this file")
    parser.add_argument("--json", action="store_true", help="machine-readable results on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Ask, write, show where."""
    question = _question(arguments)
    output = OutputFile(
        arguments.output, SUFFIX, replace=arguments.replace, check=check_signed, most_bytes=limits.UPLOAD_BYTES_PER_CLIENT
    )
    with noted_signals() as check:
        with open_backend(arguments.connection_file, check) as backend:
            arrived = backend.bring(question, ThingArrived, ProgressBar())
        if arrived.mask is None:
            raise CommandError(arrived.found.reason)
        data = signed(arrived.mask)
        written = output.write(data)
    _show(written, arrived, data, as_json=arguments.json)
    return 0


def _question(arguments: argparse.Namespace) -> ThingRequest:
    clicks = tuple(Stroke((parse_place(text, "--at"),)) for text in arguments.at)
    strokes = checked((*clicks, *(parse_mark(text) for text in arguments.mark)))
    start, mask = start_of(arguments.start)
    if start is not ThingStart.MASK and not any(stroke.adds for stroke in strokes):
        raise UsageError("Say where the thing is with --at X,Y, or give its mask with --from.")
    plate, _ = read_plate(arguments.image, premultiplied=arguments.premultiplied, layer=arguments.layer)
    return ThingRequest(
        job_id=new_job_id(),
        plate=plate,
        strokes=strokes,
        start=start,
        mask=mask,
        clean=None if arguments.clean_plate is None else read_file(arguments.clean_plate),
        level=Level(arguments.level),
        alone=True,
        premultiplied=arguments.premultiplied,
        layer=arguments.layer,
    )


def _show(target: Path, arrived: ThingArrived, data: bytes, *, as_json: bool) -> None:
    found = arrived.found
    score = round(found.scores[found.chosen], 3)
    if found.origin is ThingOrigin.SEGMENTER and not found.is_sound:
        remark(f"What was found is unsure ({score:.2f}); look at it, and mend it with --mark.")
    if as_json:
        sha256 = hashlib.sha256(data).hexdigest()
        say(json.dumps({"mask": str(target), "origin": str(found.origin), "score": score, "sha256": sha256}))
    else:
        say(one_line(f"The thing in {target}, from {_WORDS[found.origin]}."))


_WORDS = {
    ThingOrigin.MASK: "the mask",
    ThingOrigin.ALPHA: "alpha",
    ThingOrigin.CLEAN_PLATE: "the difference from the clean plate",
    ThingOrigin.SEGMENTER: "what the network found",
    ThingOrigin.STROKES: "the marks alone",
}
