"""What runs besides Blender: jobs and the backend, and setting that up."""

from __future__ import annotations

from pathlib import Path

import bpy

from .._vendor.client import LocalBackend
from ..core.jobs.app import AppState
from ..core.jobs.job import Job
from ..core.jobs.runtime import Runtime
from ..core.lifetime import WhileEnabled
from ..core.setup.installer import Installer
from ..scene import plates
from . import backend_choice

runtime = WhileEnabled(lambda: Runtime(backend_choice.open_backend))
"""Jobs, answers, and the way to the backend."""
installer = WhileEnabled(Installer)
"""Sets the backend up."""


class _LastLog:
    """Where the backend that was started last from here writes its log."""

    file: Path | None = None


_last_log = WhileEnabled(_LastLog)
STATES = (runtime, installer, _last_log)


def state() -> AppState:
    """Return what is going on."""
    return runtime().state


def open_jobs(obj: bpy.types.Object) -> list[Job]:
    """Return the jobs of an object that have not ended."""
    return [job for job in state().jobs if plates.find(job.target) == obj]


def outcome(job_id: str) -> Job | None:
    """Return a job that has ended."""
    job = runtime().history.get(job_id)
    return job if job is not None and job.ended else None


def log_file() -> Path | None:
    """Return the log of the backend that was started last from here; None without one."""
    last, backend = _last_log(), runtime().backend
    if isinstance(backend, LocalBackend):
        last.file = backend.launcher.log_file
    return last.file
