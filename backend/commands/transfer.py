"""Owns `ipoke transfer`: the motion of a kinematics file on another still, written as `ipoke poke` writes a variant."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
from pathlib import Path

from ipoke_values import Sampling
from ipoke_values.names import KINEMATICS_SUFFIX

from ..client import SampleRequest, new_job_id
from ..kinematics_file import read_kinematics
from ..protocol import limits
from ..protocol.errors import IpokeError
from ..protocol.messages import OutputSize, Region
from .errors import CommandError
from .inputs import parse_poke, read_file, read_plate
from .plate_options import add_plate_arguments, with_plate_options
from .sample_job import add_output_arguments, run_job
from .things import question_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("kinematics", type=Path, metavar=f"FILE{KINEMATICS_SUFFIX}", help="what `ipoke invert` wrote")
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the still: PNG, JPEG, TIFF, WebP, EXR, HDR")
    parser.add_argument(
        "--poke",
        action="append",
        default=[],
        metavar="X0,Y0:X1,Y1",
        help="an arrow from tail to tip on this still; the clip's own without it; may be repeated",
    )
    parser.add_argument("--mirror", action="store_true", help="replay the motion with left and right swapped")
    parser.add_argument("--model", metavar="M", help="name of an installed model; the one that made the kinematics without it")
    add_plate_arguments(parser)
    add_output_arguments(parser, "-transferred")


def run(arguments: argparse.Namespace) -> int:
    """Replay, write, show where."""
    data = read_file(arguments.kinematics, limits.KINEMATICS_BYTES)
    try:
        kinematics = read_kinematics(data)
    except IpokeError as error:
        raise CommandError(f"{arguments.kinematics}: {error.sentence}") from error
    image, plate = read_plate(arguments.image, premultiplied=arguments.premultiplied, layer=arguments.layer)
    request = SampleRequest(
        job_id=new_job_id(),
        plate=image,
        plate_name=arguments.image.name,
        pokes=tuple(parse_poke(text) for text in arguments.poke) or kinematics.info.pokes,
        region=None,
        samples=1,
        sampling=Sampling(seed=0),
        model=arguments.model,
        size=OutputSize(arguments.size),
        depth_bits=plate.depth_bits if arguments.size == "plate" else 8,
        kinematics=data,
        mirror=arguments.mirror,
    )
    request = with_plate_options(request, plate, arguments)
    on_its_own = hashlib.sha256(image).hexdigest() == kinematics.info.frame_sha256s[0] and not arguments.poke
    if on_its_own and not arguments.region:
        request = dataclasses.replace(request, region=Region(*kinematics.info.region_px))
    return run_job(request, plate, arguments, question_for(request, arguments))
