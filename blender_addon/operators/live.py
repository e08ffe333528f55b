"""Live mode: a preview is asked for when an arrow was let go, and takes the place of the one before."""

from __future__ import annotations

import bpy

from ..core.errors import AddonError
from ..core.jobs import app
from ..core.jobs.job import JobKind
from ..scene import plates
from ..session import running, timer
from . import sampling


def sample(obj: bpy.types.Object) -> None:
    """Ask for one preview if the plate is in live mode; a preview that is still being made is given up."""
    plate = plates.plate_of(obj)
    if plate is None or not plate.live or not plates.pulls(plate) or bpy.app.background:
        return
    for job in running.open_jobs(obj):
        if job.kind is not JobKind.LIVE:
            return  # the artist waits for something else
        timer.dispatch(app.CancelAsked(job.job_id))
    try:
        timer.dispatch(app.JobAsked(sampling.new_job(obj, JobKind.LIVE)))
    except AddonError as error:
        plate.message = error.sentence
