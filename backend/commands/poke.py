"""Owns `ipoke poke`: variants of a poked still, written as image sequences with previews beside them."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from ..client import ResultWriter, SampleRequest, new_job_id
from ..client import events as happened
from ..plate.image import PlateImage
from ..plate.preview import PreviewMaker, video_name
from ..protocol import limits
from ..protocol.messages import LARGEST_VARIATION, LEAST_VARIATION, POSES_DIFFER, JobSummary, Loop, OutputSize, Region, Seam
from .backends import Backend, open_backend, run_to_end
from .errors import CommandError, UsageError
from .inputs import parse_like, parse_poke, read_plate
from .output_folder import OutputFolder
from .plate_options import add_chain_arguments, add_plate_arguments, with_plate_options
from .progress import ProgressBar


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
    add_output_arguments(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="where to write (IMAGE's name with -poked)")


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of every command that writes frames."""
    parser.add_argument(
        "--size",
        choices=["model", "plate"],
        default="plate",
        help="frames at the model's own size, or the plate's own pixels moved (plate)",
    )
    parser.add_argument("--connection-file", type=Path, metavar="F", help="use the backend that wrote this file")
    parser.add_argument("--json", action="store_true", help="machine-readable results on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Sample, write, show where."""
    request, plate = _request(arguments)
    target: Path = arguments.output or Path(f"{arguments.image.stem}-poked")
    return run_job(request, plate, target, arguments.connection_file, as_json=arguments.json)


def run_job(request: SampleRequest, plate: PlateImage, target: Path, connection_file: Path | None, *, as_json: bool) -> int:
    """Run a job, write what it brings to `target`, show where; nothing half-written stays."""
    output = OutputFolder(target)
    job = _PokeJob(request, plate, output.work)
    started_s = time.monotonic()
    try:
        with open_backend(connection_file) as backend:
            job.run(backend)
        kept = job.finish()
    except KeyboardInterrupt:
        kept = job.finish()
        if not kept:
            raise
        output.keep()
        raise CommandError(f"Interrupted; {len(kept)} finished variants are in {target}.") from None
    except OSError as error:
        raise CommandError(f"{target} can't be written ({error.strerror}); free some space or choose another.") from error
    else:
        folder = output.keep()
        job.show_findings()
        _show(folder, request, kept, job.pose_difference, time.monotonic() - started_s, as_json=as_json)
        return 0
    finally:
        output.discard()


class _PokeJob:
    """One job of this command: takes its events and writes what they bring."""

    def __init__(self, request: SampleRequest, plate: PlateImage, folder: Path) -> None:
        self._request = request
        self._writer = ResultWriter(folder, request)
        self._previews = PreviewMaker(folder, plate, request.pokes)
        self._bar = ProgressBar()
        self._summary: JobSummary | None = None
        self._seams: dict[int, Seam] = {}

    def show_findings(self) -> None:
        """Say how each loop closes, and whether replayed motion may not fit."""
        if self._summary is not None and self._summary.poses_differ:
            print(
                f"The poses of this still and of the motion's own differ much ({self._summary.pose_difference:.2f}, "
                f"alike up to {POSES_DIFFER}); the motion may not fit, look at it.",
                file=sys.stderr,
            )
        for variant, seam in sorted(self._seams.items()):
            print(f"variant {variant:02d}: {describe(seam)}", file=sys.stderr)

    @property
    def pose_difference(self) -> float | None:
        """Of the plate from the still of the replayed motion."""
        return None if self._summary is None else self._summary.pose_difference

    def run(self, backend: Backend) -> None:
        """Submit and take everything until the job ends; raises CommandError when it does not end well."""
        self._bar.show("starting the backend")
        try:
            run_to_end(backend, self._request, self._take)
        finally:
            self._bar.clear()

    def finish(self) -> tuple[int, ...]:
        """Write contact sheet and job.json of the variants that are whole; returns their indices."""
        self._bar.clear()
        self._writer.abort()
        done = self._writer.done_variants
        if done and self._summary is not None:
            self._previews.finish(self._summary.regions or (Region(*self._summary.region_px),))
            self._writer.finish(self._summary)
        return done

    def _take(self, event: happened.Event) -> None:
        match event:
            case happened.Prepared(summary=summary):
                self._summary = summary
            case happened.Progress(stage=stage, done=done, total=total, eta_s=eta_s):
                self._bar.show(stage, done, total, eta_s)
            case happened.FrameArrived() as frame:
                self._writer.frame(frame)
                self._previews.frame(frame.variant, frame.t, frame.image)
            case happened.PassesArrived() as passes:
                self._writer.passes(passes)
            case happened.VariantDone() as done_variant:
                if not self._writer.variant_done(done_variant):
                    raise CommandError("A frame was damaged on its way; run the command again.")
                self._previews.variant_done(done_variant.variant)
                if done_variant.seam is not None:
                    self._seams[done_variant.variant] = done_variant.seam
            case happened.Lost(sentence=sentence):
                self._bar.show(sentence)


def _request(arguments: argparse.Namespace) -> tuple[SampleRequest, PlateImage]:
    pokes = tuple(parse_poke(text) for text in arguments.poke)
    if not 1 <= arguments.samples <= limits.SAMPLES:
        raise UsageError(f"--samples must be between 1 and {limits.SAMPLES}, not {arguments.samples}.")
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    if not 0 <= seed <= limits.SEED:
        raise UsageError(f"--seed must be between 0 and {limits.SEED}, not {seed}.")
    if arguments.variation is not None and not LEAST_VARIATION <= arguments.variation <= LARGEST_VARIATION:
        raise UsageError(f"--variation must be between {LEAST_VARIATION} and {LARGEST_VARIATION}, not {arguments.variation:g}.")
    if len(arguments.like) > limits.LIKES:
        raise UsageError(f"--like may be given {limits.LIKES} times, not {len(arguments.like)}; start from a later variant.")
    like = tuple(parse_like(text) for text in arguments.like)
    data, plate = read_plate(arguments.image, premultiplied=arguments.premultiplied, layer=arguments.layer)
    request = SampleRequest(
        job_id=new_job_id(),
        plate=data,
        plate_name=arguments.image.name,
        pokes=pokes,
        region=None,
        samples=arguments.samples,
        seed=seed,
        model=arguments.model,
        size=OutputSize(arguments.size),
        depth_bits=plate.depth_bits if arguments.size == "plate" else 8,
        like=like,
        variation=arguments.variation,
    )
    return with_plate_options(request, arguments), plate


def describe(seam: Seam) -> str:
    """How a loop closes, in a sentence."""
    kind = "loops" if seam.loop is Loop.CLOSED else "goes there and back (ping-pong)"
    return (
        f"{kind}; seam error {seam.position_px:.2f} px in position, {seam.velocity_px:.2f} px in velocity, "
        f"median step {seam.median_step_px:.2f} px of the model's size."
    )


def _show(
    folder: Path,
    request: SampleRequest,
    variants: tuple[int, ...],
    pose_difference: float | None,
    seconds: float,
    *,
    as_json: bool,
) -> None:
    told: dict[str, Any] = {
        "folder": str(folder),
        "job": str(folder / "job.json"),
        "contact_sheet": str(folder / "contact_sheet.png"),
        "previews": [str(folder / video_name(index)) for index in variants],
        "seed": request.seed,
        "pose_difference": pose_difference,
        "seconds": round(seconds, 2),
    }
    if as_json:
        print(json.dumps(told))
    else:
        print(f"{len(variants)} variants in {folder} (seed {request.seed}, {seconds:.1f} s); look at contact_sheet.png")
