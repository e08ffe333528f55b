"""What panels show of the disk, which is looked at every few seconds only."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from ..core.jobs.outside_backend import NoBackendError
from ..core.lifetime import WhileEnabled
from ..scene import preferences, results
from ..scene.properties import IPOKE_PG_plate
from ..session import backend_choice, motion_library, running

INTERVAL_S = 3.0


@dataclass
class Disk:
    """What was there, and when that was looked at."""

    motions: list[Path] = field(default_factory=list)
    """What is in the library of kinematics."""
    motions_s: float = -INTERVAL_S
    missing: dict[str, tuple[float, list[str]]] = field(default_factory=dict)
    """Folders of results that are missing, and when that was looked at, by the full name of their object."""
    lacking: NoBackendError | None = None
    """Why no backend could be started."""
    lacking_s: float = -INTERVAL_S
    lacking_of: tuple[object, ...] = ()
    """What that depends on besides the disk: paths in the preferences, and how far the installer is."""


state = WhileEnabled(Disk)


def motions() -> list[Path]:
    """Return what is in the library of kinematics."""
    own, now_s = state(), time.monotonic()
    if now_s - own.motions_s > INTERVAL_S:
        own.motions, own.motions_s = motion_library.files(), now_s
    return own.motions


def lacking() -> NoBackendError | None:
    """Return why no backend could be started here; None where there is one, or one runs elsewhere."""
    own, now_s, chosen = state(), time.monotonic(), preferences.get()
    named = chosen.backend_path or os.environ.get(backend_choice.BACKEND_VARIABLE)
    depends = named, chosen.connection_file, running.installer().state.phase
    if depends != own.lacking_of or now_s - own.lacking_s > INTERVAL_S:
        own.lacking, own.lacking_s, own.lacking_of = backend_choice.lacking(), now_s, depends
    return own.lacking


def missing(plate: IPOKE_PG_plate) -> list[str]:
    """Return the folders of a plate's results that are missing."""
    known, now_s, owner = state().missing, time.monotonic(), plate.id_data.name_full
    if owner not in known or now_s - known[owner][0] > INTERVAL_S:
        jobs = results.missing(plate)
        known[owner] = now_s, [os.path.normpath(bpy.path.abspath(job.folder, library=job.id_data.library)) for job in jobs]
    return known[owner][1]
