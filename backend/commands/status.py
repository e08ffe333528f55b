"""Owns `ipoke status`: clients, queue, memory, models and device of a running backend, and telling it to stop or unload."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from ..client import Connection, Lost, Session, Status, default_runtime_dir, drive
from ..client.private_files import check_private_folder
from .connected_backend import UNREACHABLE
from .console import say
from .errors import CommandError

_LIMIT_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--connection-file", type=Path, metavar="F", help="the backend that wrote this file")
    parser.add_argument("--cancel-jobs", action="store_true", help="stop every job of every client first")
    parser.add_argument("--release-memory", action="store_true", help="let idle workers unload their models first")
    parser.add_argument("--json", action="store_true", help="machine-readable")


def run(arguments: argparse.Namespace) -> int:
    """Ask and print."""
    if arguments.connection_file is None:
        check_private_folder(default_runtime_dir())
    session = Session(Connection.open(arguments.connection_file or default_runtime_dir() / "connection.json"))
    try:
        if arguments.cancel_jobs:
            session.cancel_all(everyone=True)
        if arguments.release_memory:
            session.release_memory()
        session.ask_status()
        status = drive(session, lambda event: isinstance(event, Status | Lost), _LIMIT_S)
    finally:
        session.close()
    if isinstance(status, Lost):
        raise CommandError(status.sentence if status.final else UNREACHABLE)
    assert isinstance(status, Status)
    say(json.dumps(asdict(status), indent=1) if arguments.json else _text(status))
    return 0


def _text(status: Status) -> str:
    info = status.info
    device = f"{info.device}, {info.memory_mb} MB" if info is not None else "the worker is starting"
    models = ", ".join(entry.name for entry in info.models) if info is not None else ""
    lines = [f"up for {status.uptime_s:.0f} s on {device}", f"models: {models or 'none'}"]
    for number, worker in enumerate(status.workers):
        doing = f"job {worker.job_id}" if worker.job_id else "idle" if worker.is_up else "starting"
        loaded = ", ".join(worker.models) or "nothing"
        where = f"pid {worker.pid}" if worker.pid else "on a node of the cluster"
        lines.append(f"worker {number} ({where}): {doing}, {loaded} loaded, {worker.used_mb} MB")
    for number, client in enumerate(status.clients):
        held = f"{client.uploads_mb} MB uploaded, {client.outbox_mb} MB not read"
        jobs = f"{client.running} running, {client.waiting} waiting"
        lines.append(f"client {number}: {jobs}, {held}, heard {client.silent_s:.1f} s ago")
    return "\n".join(lines)
