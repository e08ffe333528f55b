"""Owns running a job of variants for a command: what it brings is written, shown, and kept however the job ends."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from ..client import ResultWriter, SampleRequest, ThingRequest, variant_folder_name
from ..client import events as happened
from ..client.results import JOB_FILE, passes_folder_name
from ..lifetime import noted_signals
from ..plate.image import PlateImage
from ..plate.preview import CONTACT_SHEET, PreviewMaker, video_name
from ..protocol.errors import IpokeError
from ..protocol.messages import POSES_DIFFER, JobSummary, Loop, Region, Seam
from .connected_backend import ConnectedBackend, open_backend
from .console import one_line, remark, say
from .errors import CommandError
from .names import numbered, result_name
from .output_folder import OutputFolder, open_output
from .progress import ProgressBar
from .things import MASK_FILE, UsedThing, used_thing, why_no_thing, with_thing

_OF_VARIANT = happened.FrameArrived | happened.PassesArrived | happened.PosesArrived | happened.VariantDone


def add_output_arguments(parser: argparse.ArgumentParser, ending: str) -> None:
    """Arguments of every command that writes frames, to IMAGE's name with `ending` without -o."""
    parser.add_argument(
        "--size",
        choices=["model", "plate"],
        default="plate",
        help="frames at the model's own size, or the plate's own pixels moved (plate)",
    )
    named = f"where to write (IMAGE's name with {ending}, or that with the next free number)"
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help=named)
    parser.add_argument("--replace", action="store_true", help="files of an earlier result in DIR give way, other files stay")
    parser.add_argument("--connection-file", type=Path, metavar="F", help="use the backend that wrote this file")
    parser.add_argument("--json", action="store_true", help="machine-readable results on standard output")
    parser.set_defaults(ending=ending)


def run_job(
    request: SampleRequest, plate: PlateImage, arguments: argparse.Namespace, question: ThingRequest | None = None
) -> int:
    """Run a job, write what it brings, show where; variants that are finished are kept, however it ends.

    A `question` is for the thing that its arrows move.
    """
    target, started_s = _target(arguments), time.monotonic()
    with noted_signals() as check:
        output = open_output(target, _names(request, question), replace=arguments.replace)
        job = _Job(request, question, plate, output.work)
        try:
            try:
                with open_backend(arguments.connection_file, check) as backend:
                    job.run(backend)
            except (KeyboardInterrupt, OSError, IpokeError) as error:
                raise _early_end(error, job, output, target) from error
            folder = _keep(job, output, target)
        finally:
            job.discard()
            output.close()
    job.show_findings()
    _show(folder, request, job, time.monotonic() - started_s, as_json=arguments.json)
    return 0


class _Job:
    """One job of this command: takes its events and writes what they bring into `folder`."""

    def __init__(self, request: SampleRequest, question: ThingRequest | None, plate: PlateImage, folder: Path) -> None:
        self._question = question
        self._plate, self._folder = plate, folder
        self._thing: UsedThing | None = None
        self._remarks: list[str] = []
        self._begin(request)
        self._bar = ProgressBar()
        self._summary: JobSummary | None = None
        self._seams: dict[int, Seam] = {}

    @property
    def done(self) -> tuple[int, ...]:
        """Indices of the variants that are whole."""
        return self._writer.done_variants

    @property
    def pose_difference(self) -> float | None:
        """Of the plate from the still of the replayed motion."""
        return None if self._summary is None else self._summary.pose_difference

    def run(self, backend: ConnectedBackend) -> None:
        """Submit and take everything until the job ends; raises CommandError when it does not end well."""
        self._bar.show("starting the backend")
        try:
            if self._question is not None:
                self._find_thing(backend, self._question)
            backend.run(self._request, self._take)
        finally:
            self._bar.clear()

    def finish(self) -> None:
        """Remove what is not whole, and write contact sheet and job.json of the variants that are."""
        assert self._summary is not None
        self._writer.abort()
        self._previews.finish(self._summary.regions or (Region(*self._summary.region_px),))
        self._writer.finish(self._summary, self._told_of_thing())

    def _begin(self, request: SampleRequest) -> None:
        self._request = request
        self._writer = ResultWriter(self._folder, request)
        self._previews = PreviewMaker(self._writer.write, self._plate, request.pokes)

    def _find_thing(self, backend: ConnectedBackend, question: ThingRequest) -> None:
        """Have the thing found that the arrows move, and keep its mask."""
        arrived = backend.bring(question, happened.ThingArrived, self._bar)
        self._thing = used_thing(question, arrived)
        self._begin(with_thing(self._request, self._thing))
        if self._thing is None:
            self._remarks.append(why_no_thing(arrived))
        else:
            self._writer.write(MASK_FILE, self._thing.mask)

    def _told_of_thing(self) -> dict[str, object]:
        if self._thing is None:
            return {}
        sha256 = hashlib.sha256(self._thing.mask).hexdigest()
        return {"thing": {"file": MASK_FILE, "sha256": sha256, "origin": self._thing.origin, "score": self._thing.score}}

    def discard(self) -> None:
        """Remove what was written, unless variants are finished."""
        if not self.done:
            self._writer.discard()

    def show_findings(self) -> None:
        """Say why no thing moved, how each loop closes, and whether replayed motion may not fit."""
        for sentence in self._remarks:
            remark(sentence)
        if self._summary is not None and self._summary.poses_differ:
            remark(
                f"The poses of this still and of the motion's own differ much ({self._summary.pose_difference:.2f}, "
                f"alike up to {POSES_DIFFER}); the motion may not fit, look at it."
            )
        for variant, seam in sorted(self._seams.items()):
            remark(f"variant {variant:02d}: {describe(seam)}")

    def _take(self, event: happened.Event) -> None:
        if isinstance(event, _OF_VARIANT) and event.variant in self.done:
            return  # it comes again, since the backend was away meanwhile
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
            case happened.MeshArrived() as mesh:
                self._writer.mesh(mesh)
            case happened.PosesArrived() as poses:
                self._writer.poses(poses)
            case happened.VariantDone() as done_variant:
                if not self._writer.variant_done(done_variant):
                    raise CommandError("A frame was damaged on its way; run the command again.")
                self._previews.variant_done(done_variant.variant)
                if done_variant.seam is not None:
                    self._seams[done_variant.variant] = done_variant.seam
            case happened.Lost(sentence=sentence):
                self._bar.show(sentence)


def describe(seam: Seam) -> str:
    """How a loop closes, in a sentence."""
    kinds = {Loop.CLOSED: "loops", Loop.PING_PONG: "goes there and back (ping-pong)", Loop.SETTLE: "settles at the still"}
    kind = kinds[seam.loop]
    return (
        f"{kind}; seam error {seam.position_px:.2f} px in position, {seam.velocity_px:.2f} px in velocity, "
        f"median step {seam.median_step_px:.2f} px of the model's size."
    )


def _target(arguments: argparse.Namespace) -> Path:
    if arguments.output is not None:
        return Path(arguments.output)
    named = Path(result_name(arguments.image, arguments.ending))
    return named if arguments.replace else next(path for path in numbered(named) if not os.path.lexists(path))


def _names(request: SampleRequest, question: ThingRequest | None) -> set[str]:
    """Files and folders that a job writes at the top of its folder."""
    names = {JOB_FILE, CONTACT_SHEET, *([] if question is None else [MASK_FILE])}
    for index in range(request.first, request.first + request.samples):
        names |= {variant_folder_name(index), video_name(index)}
        names |= {"mesh"} if request.mesh else set()
        names |= {passes_folder_name(index)} if request.passes else set()
    return names


def _early_end(error: BaseException, job: _Job, output: OutputFolder, target: Path) -> IpokeError:
    """What to say of a job that came to no good end, once the variants that were finished are in their place."""
    trouble = _trouble(error, target)
    if not job.done:
        return trouble
    folder = _keep(job, output, target)
    return CommandError(f"{trouble.sentence.rstrip('.')}; {_words(job.done)} in {_shown(folder, target)}.")


def _keep(job: _Job, output: OutputFolder, target: Path) -> Path:
    """Bring the finished variants to their place; where that fails they stay in sight, and CommandError says where."""
    try:
        job.finish()
        return output.keep()
    except (OSError, IpokeError) as error:
        folder = output.set_aside()
        sentence = _trouble(error, target).sentence.rstrip(".")
        raise CommandError(f"{sentence}; {_words(job.done)} in {folder}.") from error


def _trouble(error: BaseException, target: Path) -> IpokeError:
    if isinstance(error, IpokeError):
        return error
    if isinstance(error, OSError):
        return CommandError(f"{target} can't be written ({error.strerror}); free some space or choose another.")
    return CommandError("Interrupted.")


def _words(done: tuple[int, ...]) -> str:
    """How many variants are finished, as the beginning of where they are."""
    return "1 finished variant is" if len(done) == 1 else f"{len(done)} finished variants are"


def _shown(folder: Path, target: Path) -> Path:
    """The folder as the user named it, if it is that one."""
    return target if folder == target.absolute() else folder


def _show(folder: Path, request: SampleRequest, job: _Job, seconds: float, *, as_json: bool) -> None:
    told: dict[str, Any] = {
        "folder": str(folder),
        "job": str(folder / JOB_FILE),
        "contact_sheet": str(folder / CONTACT_SHEET),
        "previews": [str(folder / video_name(index)) for index in job.done],
        "seed": request.sampling.seed,
        "pose_difference": job.pose_difference,
        "seconds": round(seconds, 2),
    }
    if as_json:
        say(json.dumps(told))
    else:
        sentence = (
            f"{len(job.done)} variants in {folder} (seed {request.sampling.seed}, {seconds:.1f} s); look at {CONTACT_SHEET}"
        )
        say(one_line(sentence))
