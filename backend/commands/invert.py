"""Owns `ipoke invert`: the kinematics of a clip or a variant, as a file that `ipoke transfer` replays on another still."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..client import InvertRequest, ModelEntry, ServerInfo, new_job_id
from ..client import events as happened
from ..client.results import write_atomically
from ..kinematics import SUFFIX, read_kinematics
from ..protocol.limits import NAME_CHARACTERS
from .backends import connect, open_backend, run_to_end
from .clips import read_clip
from .errors import CommandError, UsageError
from .inputs import parse_poke
from .job_folder import JobFolder
from .progress import ProgressBar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "clip",
        type=Path,
        metavar="CLIP",
        help="a video, a folder of images in the order of their numbers, or with --variant the folder that `ipoke poke` wrote",
    )
    parser.add_argument("--variant", type=int, metavar="N", help="the kinematics of variant N of CLIP itself; needs --still")
    parser.add_argument("--still", type=Path, metavar="IMAGE", help="the still before the clip's first frame; variant N's plate")
    parser.add_argument(
        "--poke",
        action="append",
        default=[],
        metavar="X0,Y0:X1,Y1",
        help="an arrow from tail to tip; the place that moves most without it; may be repeated",
    )
    parser.add_argument("--model", metavar="M", help="name of an installed model; the default one without it")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar=f"FILE{SUFFIX}", help="where to write")
    parser.add_argument("--connection-file", type=Path, metavar="F", help="use the backend that wrote this file")
    parser.add_argument("--json", action="store_true", help="machine-readable results on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Invert, write, show where."""
    target: Path = arguments.output
    if not target.name.endswith(SUFFIX):
        raise UsageError(f"-o {target} must end in {SUFFIX}.")
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise UsageError(f"{target} can't be written; choose a file in a folder that exists with -o.")
    job = None if arguments.variant is None else _job(arguments)
    asked = None if job is None else job.kinematics_of(arguments.variant)
    with open_backend(arguments.connection_file) as backend:
        request = asked or _clip_request(arguments, connect(backend).info)
        bar, brought = ProgressBar(), list[bytes]()

        def take(event: happened.Event) -> None:
            match event:
                case happened.KinematicsArrived(kinematics=data):
                    brought.append(data)
                case happened.Progress(stage=stage, done=done, total=total):
                    bar.show(stage, done, total)

        try:
            run_to_end(backend, request, take)
        finally:
            bar.clear()
    if job is not None and read_kinematics(brought[-1]).info.model.sha256 != job.model_sha256:
        raise CommandError(f"The model {request.model} is another one than made {job.folder}; sample the plate again.")
    _write(target, brought[-1])
    _show(target, brought[-1], as_json=arguments.json)
    return 0


def _job(arguments: argparse.Namespace) -> JobFolder:
    if arguments.still is None or arguments.poke or arguments.model:
        raise UsageError("--variant needs the plate with --still, and goes without --poke and --model: it has its own.")
    return JobFolder.read(arguments.clip, arguments.still)


def _clip_request(arguments: argparse.Namespace, info: ServerInfo) -> InvertRequest:
    pokes = tuple(parse_poke(text) for text in arguments.poke)
    frames = read_clip(arguments.clip, _model(info, arguments.model).frames + 1, arguments.still)
    source = arguments.clip.resolve().name[:NAME_CHARACTERS]
    return InvertRequest(new_job_id(), frames, source, pokes, model=arguments.model)


def _model(info: ServerInfo, name: str | None) -> ModelEntry:
    entry = next((entry for entry in info.models if name in (None, entry.name)), None)
    if entry is None:
        have = ", ".join(entry.name for entry in info.models) or "none"
        raise CommandError(f"The model {name or 'of the product'} is not installed; the backend has: {have}.")
    return entry


def _write(target: Path, data: bytes) -> None:
    try:
        write_atomically(target, data)
    except OSError as error:
        raise CommandError(f"{target} can't be written ({error.strerror}); free some space or choose another.") from error


def _show(target: Path, data: bytes, *, as_json: bool) -> None:
    info = read_kinematics(data).info
    pokes = [[poke.x, poke.y, poke.dx, poke.dy] for poke in info.pokes]
    if as_json:
        print(json.dumps({"kinematics": str(target), "model": info.model.name, "frames": info.frames, "pokes": pokes}))
    else:
        arrows = ", ".join(f"{x:.2f},{y:.2f}:{x + dx:.2f},{y + dy:.2f}" for x, y, dx, dy in pokes)
        print(f"Kinematics of {info.source} in {target} ({info.model.name}, {info.frames} frames, poke {arrows})")
