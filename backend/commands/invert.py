"""Owns `ipoke invert`: the kinematics of a clip or a variant, as a file that `ipoke transfer` replays on another still."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ipoke_values.names import KINEMATICS_SUFFIX

from ..client import InvertRequest, KinematicsArrived, ModelEntry, ServerInfo, new_job_id
from ..kinematics_file import read_kinematics
from ..lifetime import noted_signals
from ..protocol import limits
from .clip_reading import read_clip
from .connected_backend import open_backend
from .console import one_line, say
from .errors import CommandError, UsageError
from .inputs import parse_poke
from .job_folder import JobFolder
from .output_file import OutputFile
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
    parser.add_argument("-o", "--output", type=Path, required=True, metavar=f"FILE{KINEMATICS_SUFFIX}", help="where to write")
    parser.add_argument("--replace", action="store_true", help="a kinematics file that is there gives way")
    parser.add_argument("--connection-file", type=Path, metavar="F", help="use the backend that wrote this file")
    parser.add_argument("--json", action="store_true", help="machine-readable results on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Invert, write, show where."""
    output = OutputFile(
        arguments.output, KINEMATICS_SUFFIX, replace=arguments.replace, check=read_kinematics, most_bytes=limits.KINEMATICS_BYTES
    )
    job = None if arguments.variant is None else _job(arguments)
    asked = None if job is None else job.kinematics_of(arguments.variant)
    with noted_signals() as check:
        with open_backend(arguments.connection_file, check) as backend:
            request = asked or _clip_request(arguments, backend.connect())
            data = backend.bring(request, KinematicsArrived, ProgressBar()).kinematics
        if job is not None and read_kinematics(data).info.model.sha256 != job.model_sha256:
            raise CommandError(f"The model {request.model} is another one than made {job.folder}; sample the plate again.")
        written = output.write(data)
    _show(written, data, as_json=arguments.json)
    return 0


def _job(arguments: argparse.Namespace) -> JobFolder:
    if arguments.still is None or arguments.poke or arguments.model:
        raise UsageError("--variant needs the plate with --still, and goes without --poke and --model: it has its own.")
    return JobFolder.read(arguments.clip, arguments.still)


def _clip_request(arguments: argparse.Namespace, info: ServerInfo) -> InvertRequest:
    pokes = tuple(parse_poke(text) for text in arguments.poke)
    frames = read_clip(arguments.clip, _model(info, arguments.model).frames + 1, arguments.still)
    return InvertRequest(new_job_id(), frames, arguments.clip.resolve().name, pokes, model=arguments.model)


def _model(info: ServerInfo, name: str | None) -> ModelEntry:
    entry = next((entry for entry in info.models if name in (None, entry.name)), None)
    if entry is None:
        have = ", ".join(entry.name for entry in info.models) or "none"
        raise CommandError(f"The model {name or 'of the product'} is not installed; the backend has: {have}.")
    return entry


def _show(target: Path, data: bytes, *, as_json: bool) -> None:
    info = read_kinematics(data).info
    pokes = [[poke.x, poke.y, poke.dx, poke.dy] for poke in info.pokes]
    if as_json:
        say(json.dumps({"kinematics": str(target), "model": info.model.name, "frames": info.frames, "pokes": pokes}))
    else:
        arrows = ", ".join(f"{x:.2f},{y:.2f}:{x + dx:.2f},{y + dy:.2f}" for x, y, dx, dy in pokes)
        say(one_line(f"Kinematics of {info.source} in {target} ({info.model.name}, {info.frames} frames, poke {arrows})"))
