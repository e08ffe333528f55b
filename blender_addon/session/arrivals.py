"""How what jobs have brought gets into the .blend, and which of their files nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import bpy

from ..core.jobs.job import Job, JobKind
from ..core.lifetime import WhileEnabled
from ..scene import meshes, plates, results, strips_and_nodes
from . import playback, running


@dataclass
class Arrivals:
    """What has arrived, by the ids of its jobs."""

    waiting: dict[str, Job] = field(default_factory=dict)
    """Jobs as they are since they were brought into the .blend last, which is done in Object Mode."""
    shown: set[str] = field(default_factory=set)
    """Jobs whose first variant the plane has turned to."""
    replaced: set[str] = field(default_factory=set)
    """Live previews that newer ones took the place of, since a file was loaded."""
    saved: set[str] = field(default_factory=set)
    """Jobs that a saved file names."""


state = WhileEnabled(Arrivals)


def take(jobs: Iterable[Job]) -> None:
    """Bring jobs that have changed into the .blend, now or when Blender is in Object Mode again.

    Data-blocks change in Object Mode only: the undo steps of other modes know nothing of planes and clips. Nor do they while a
    render that locks the interface is on.
    """
    own = state()
    own.waiting.update({job.job_id: job for job in jobs})
    if own.waiting and bpy.context.mode == "OBJECT" and not bpy.context.window_manager.is_interface_locked:
        _bring_in(own)


def _bring_in(own: Arrivals) -> None:
    jobs, own.waiting = own.waiting, {}
    step, begun = False, []
    for job in jobs.values():
        follow = bool(job.clips) and job.job_id not in own.shown
        if follow and job.kind is JobKind.LIVE:
            own.replaced |= results.drop_live(job)
        step |= results.sync(job, follow)
        strips_and_nodes.show_bake(job)
        meshes.take(job)
        if follow:
            own.shown.add(job.job_id)
            begun += [job] if job.kind is JobKind.SAMPLE else []
    if step:
        bpy.ops.ed.undo_push(message="iPOKE Results")
    for job in begun:
        obj = plates.find(job.target)
        if obj is not None:
            playback.start(obj)


def restore() -> None:
    """Bring results back that an undo or an older file does not know."""
    for job in running.runtime().history.values():
        results.restore(job)


def sweep() -> None:
    """Remove previews that nobody will ask for any more, before another file is loaded or the add-on is disabled.

    Those that a saved file names stay.
    """
    own = state()
    results.sweep(own.replaced - own.saved, running.runtime().written)
    own.replaced.clear()
