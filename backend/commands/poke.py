"""Owns `ipoke poke`: variants of a poked still, written as image sequences with previews beside them."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from ipoke_values import Sampling
from ipoke_values.sampling import LARGEST_SEED, LARGEST_VARIATION, LEAST_VARIATION, MOST_LIKES

from ..client import SampleRequest, new_job_id
from ..plate.image import PlateImage
from ..protocol import limits
from ..protocol.messages import OutputSize
from .errors import UsageError
from .inputs import parse_like, parse_pin, parse_poke, read_plate
from .plate_options import add_chain_arguments, add_plate_arguments, with_plate_options
from .sample_job import add_output_arguments, run_job
from .things import question_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the still: PNG, JPEG, TIFF, WebP, EXR, HDR")
    parser.add_argument(
        "--poke",
        action="append",
        required=True,
        metavar="X0,Y0:X1,Y1",
        help="an arrow from tail to tip, in fractions of width and height from the top left; may be repeated",
    )
    parser.add_argument(
        "--pin", action="append", default=[], metavar="X,Y", help="a place of the thing that stays where it is; may be repeated"
    )
    parser.add_argument("--samples", type=int, default=4, metavar="N", help="how many variants (4)")
    parser.add_argument("--seed", type=int, metavar="S", help="the same seed gives the same variants; random without it")
    parser.add_argument(
        "--like",
        action="append",
        default=[],
        metavar="SEED/INDEX:AMOUNT",
        help="more like that variant; amount 1 is as far as any other, near 0 the same; repeated, what that one was like first",
    )
    parser.add_argument(
        "--variation",
        type=float,
        metavar="V",
        help="how far apart variants are: small is close, 1 as the model draws them, 1.5 wildest; without it the model's own",
    )
    parser.add_argument("--model", metavar="M", help="name of an installed model; the default one without it")
    add_plate_arguments(parser)
    add_chain_arguments(parser)
    add_output_arguments(parser, "-poked")


def run(arguments: argparse.Namespace) -> int:
    """Sample, write, show where."""
    request, plate = _request(arguments)
    return run_job(request, plate, arguments, question_for(request, arguments))


def _request(arguments: argparse.Namespace) -> tuple[SampleRequest, PlateImage]:
    pokes = (*(parse_poke(text) for text in arguments.poke), *(parse_pin(text) for text in arguments.pin))
    if not 1 <= arguments.samples <= limits.SAMPLES:
        raise UsageError(f"--samples must be between 1 and {limits.SAMPLES}, not {arguments.samples}.")
    sampling = _sampling(arguments)
    data, plate = read_plate(arguments.image, premultiplied=arguments.premultiplied, layer=arguments.layer)
    request = SampleRequest(
        job_id=new_job_id(),
        plate=data,
        plate_name=arguments.image.name,
        pokes=pokes,
        region=None,
        samples=arguments.samples,
        sampling=sampling,
        model=arguments.model,
        size=OutputSize(arguments.size),
        depth_bits=plate.depth_bits if arguments.size == "plate" else 8,
    )
    return with_plate_options(request, plate, arguments), plate


def _sampling(arguments: argparse.Namespace) -> Sampling:
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"--seed must be between 0 and {LARGEST_SEED}, not {seed}.")
    if arguments.variation is not None and not LEAST_VARIATION <= arguments.variation <= LARGEST_VARIATION:
        raise UsageError(f"--variation must be between {LEAST_VARIATION} and {LARGEST_VARIATION}, not {arguments.variation:g}.")
    if len(arguments.like) > MOST_LIKES:
        raise UsageError(f"--like may be given {MOST_LIKES} times, not {len(arguments.like)}; start from a later variant.")
    return Sampling(seed, tuple(parse_like(text) for text in arguments.like), arguments.variation)
