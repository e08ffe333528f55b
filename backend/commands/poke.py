"""Owns `ipoke poke`: variants of a poked still, written as image sequences with previews beside them."""

from __future__ import annotations

import argparse
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..client import (
    Connection,
    Launcher,
    LocalBackend,
    ResultWriter,
    SampleRequest,
    Session,
    default_runtime_dir,
    drive,
    new_job_id,
)
from ..client import events as happened
from ..plate.image import PlateImage, decode_plate
from ..plate.preview import PreviewMaker, video_name
from ..protocol import limits
from ..protocol.errors import IpokeError, ProtocolError
from ..protocol.messages import JobSummary, OutputSize, Poke, Region
from . import children
from .errors import CommandError, UsageError
from .output_folder import OutputFolder
from .progress import ProgressBar

_TIME_LIMIT_S = 24 * 3600.0
_ENDINGS = (happened.Finished, happened.Failed, happened.Cancelled)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the still: PNG, JPEG, TIFF, WebP")
    parser.add_argument(
        "--poke",
        action="append",
        required=True,
        metavar="X0,Y0:X1,Y1",
        help="an arrow from tail to tip, in fractions of width and height from the top left; may be repeated",
    )
    parser.add_argument("--samples", type=int, default=4, metavar="N", help="how many variants (4)")
    parser.add_argument("--seed", type=int, metavar="S", help="the same seed gives the same variants; random without it")
    parser.add_argument("--model", metavar="M", help="name of an installed model; the default one without it")
    parser.add_argument(
        "--size",
        choices=["model", "plate"],
        default="plate",
        help="frames at the model's own size, or the plate's own pixels moved (plate)",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="where to write (IMAGE's name with -poked)")
    parser.add_argument("--connection-file", type=Path, metavar="F", help="use the backend that wrote this file")
    parser.add_argument("--json", action="store_true", help="machine-readable results on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Sample, write, show where."""
    request, plate = _request(arguments)
    target: Path = arguments.output or Path(f"{arguments.image.stem}-poked")
    output = OutputFolder(target)
    job = _PokeJob(request, plate, output.work)
    started_s = time.monotonic()
    try:
        with _backend(arguments.connection_file) as backend:
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
        _show(folder, request, kept, time.monotonic() - started_s, as_json=arguments.json)
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

    def run(self, backend: Session | LocalBackend) -> None:
        """Submit and take everything until the job ends; raises CommandError when it does not end well."""
        session = backend.session if isinstance(backend, LocalBackend) else backend
        session.submit(self._request)
        self._bar.show("starting the backend")
        ending = drive(backend, lambda event: self._is_over(backend, event), _TIME_LIMIT_S, self._take)
        self._bar.clear()
        if isinstance(ending, happened.Failed):
            raise CommandError(ending.error.sentence)
        if isinstance(ending, happened.Lost):
            raise CommandError(ending.sentence)

    def finish(self) -> tuple[int, ...]:
        """Write contact sheet and job.json of the variants that are whole; returns their indices."""
        self._bar.clear()
        self._writer.abort()
        done = self._writer.done_variants
        if done and self._summary is not None:
            self._previews.finish(Region(*self._summary.region_px))
            self._writer.finish(self._summary)
        return done

    def _is_over(self, backend: Session | LocalBackend, event: happened.Event) -> bool:
        if isinstance(event, happened.Lost):
            return not isinstance(backend, LocalBackend) or backend.gave_up
        return isinstance(event, _ENDINGS)

    def _take(self, event: happened.Event) -> None:
        match event:
            case happened.Prepared(summary=summary):
                self._summary = summary
            case happened.Progress(stage=stage, done=done, total=total, eta_s=eta_s):
                self._bar.show(stage, done, total, eta_s)
            case happened.FrameArrived() as frame:
                self._writer.frame(frame)
                self._previews.frame(frame.variant, frame.t, frame.image)
            case happened.VariantDone() as done_variant:
                if not self._writer.variant_done(done_variant):
                    raise CommandError("A frame was damaged on its way; run the command again.")
                self._previews.variant_done(done_variant.variant)
            case happened.Lost(sentence=sentence):
                self._bar.show(sentence)


@contextmanager
def _backend(connection_file: Path | None) -> Iterator[Session | LocalBackend]:
    if connection_file is not None:
        session = Session(Connection.open(connection_file))
        try:
            yield session
        finally:
            session.close()
        return
    launcher = Launcher(children.python_command("backend"), default_runtime_dir(), children.environment())
    backend = LocalBackend(launcher)
    try:
        yield backend
    finally:
        backend.close()


def _request(arguments: argparse.Namespace) -> tuple[SampleRequest, PlateImage]:
    pokes = tuple(_poke(text) for text in arguments.poke)
    if not 1 <= arguments.samples <= limits.SAMPLES:
        raise UsageError(f"--samples must be between 1 and {limits.SAMPLES}, not {arguments.samples}.")
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    if not 0 <= seed <= limits.SEED:
        raise UsageError(f"--seed must be between 0 and {limits.SEED}, not {seed}.")
    data = _read(arguments.image)
    try:
        plate = decode_plate(data)
    except IpokeError as error:
        raise CommandError(f"{arguments.image}: {error.sentence}") from error
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
    )
    return request, plate


def _poke(text: str) -> Poke:
    try:
        (x0, y0), (x1, y1) = ((float(part) for part in end.split(",")) for end in text.split(":"))
    except ValueError:
        raise UsageError(f"--poke {text} is not X0,Y0:X1,Y1, four numbers such as 0.5,0.4:0.6,0.3.") from None
    if not all(0 <= value <= 1 for value in (x0, y0, x1, y1)):
        raise UsageError(f"--poke {text} leaves the image; all four numbers lie between 0 and 1.")
    poke = Poke(x0, y0, x1 - x0, y1 - y0)
    try:
        poke.check(f"--poke {text}")
    except ProtocolError as error:
        raise UsageError(error.sentence) from error
    return poke


def _read(image: Path) -> bytes:
    try:
        size = image.stat().st_size
        if size > limits.RAW_BYTES:
            raise UsageError(f"{image} has {size // limits.MIB} MiB; use a file of at most 256 MiB.")
        return image.read_bytes()
    except OSError as error:
        raise UsageError(f"{image} can't be read ({error.strerror}); check the path.") from error


def _show(folder: Path, request: SampleRequest, variants: tuple[int, ...], seconds: float, *, as_json: bool) -> None:
    told: dict[str, Any] = {
        "folder": str(folder),
        "job": str(folder / "job.json"),
        "contact_sheet": str(folder / "contact_sheet.png"),
        "previews": [str(folder / video_name(index)) for index in variants],
        "seed": request.seed,
        "seconds": round(seconds, 2),
    }
    if as_json:
        print(json.dumps(told))
    else:
        print(f"{len(variants)} variants in {folder} (seed {request.seed}, {seconds:.1f} s); look at contact_sheet.png")
