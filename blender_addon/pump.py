"""Owns the add-on's one runtime object and the one timer that drives it; without a window, a loop drives the same."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import bpy.utils.previews

from . import backends, results
from .core import app, gesture
from .core.app import AppState
from .core.gesture import Part, ShowDraft
from .core.jobs import Job
from .core.runtime import Runtime

log = logging.getLogger(__name__)

BUDGET_S = 0.004
BUSY_INTERVAL_S = 0.02
IDLE_INTERVAL_S = 0.25
STEP_S = 0.05
TELL_INTERVAL_S = 2.0
SILENCE_S = 600.0


@dataclass
class Addon:
    """Everything of the add-on that is neither in the .blend nor in the preferences."""

    runtime: Runtime = field(default_factory=lambda: Runtime(backends.open_backend))
    gesture: gesture.State = field(default_factory=gesture.Idle)
    draft: ShowDraft | None = None
    hovered: tuple[int, Part] | None = None
    unseen: dict[str, Job] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)
    draw_handle: object | None = None
    overlay_failed: bool = False
    previews: bpy.utils.previews.ImagePreviewCollection = field(default_factory=bpy.utils.previews.new)
    job_folders: dict[str, Path] = field(default_factory=dict)


_addon: Addon | None = None


def open_runtime() -> None:
    """Make the runtime object."""
    global _addon
    _addon = Addon()


def close_runtime() -> None:
    """Stop the timer, the backend and everything that was waiting for it."""
    global _addon
    if bpy.app.timers.is_registered(_on_timer):
        bpy.app.timers.unregister(_on_timer)
    if _addon is not None:
        _addon.runtime.close()
        bpy.utils.previews.remove(_addon.previews)
    _addon = None


def addon() -> Addon:
    """Return the runtime object; it exists while the add-on is enabled."""
    assert _addon is not None, "The add-on is not enabled."
    return _addon


def state() -> AppState:
    """Return what is going on."""
    return addon().runtime.state


def dispatch(event: app.AppEvent) -> None:
    """Take an event in, show what follows, and see to it that the timer runs while it is needed."""
    runtime = addon().runtime
    runtime.dispatch(event)
    advance(0.0)
    if runtime.active:
        _ensure_timer()


def advance(budget_s: float) -> tuple[Job, ...]:
    """Handle what has arrived and bring Blender's data up to date; return the jobs that have changed."""
    own = addon()
    before = state().backend
    changed = own.runtime.tick(time.monotonic(), budget_s)
    own.unseen.update({job.job_id: job for job in changed})
    if own.unseen and bpy.context.mode == "OBJECT":
        _show_unseen(own)
    if changed or state().backend != before:
        redraw()
    return changed


def _show_unseen(own: Addon) -> None:
    """Data-blocks change in Object Mode only: the undo steps of other modes know nothing of planes and clips."""
    jobs, own.unseen = own.unseen, {}
    step = False
    for job in jobs.values():
        follow = bool(job.clips) and job.job_id not in own.followed
        step |= results.sync(job, follow)
        if follow:
            own.followed.add(job.job_id)
    if step:
        bpy.ops.ed.undo_push(message="iPOKE Results")


def drive(done: Callable[[], bool]) -> None:
    """Without a window: work until `done`, telling on the way what is going on. Silence for too long ends the jobs."""
    heard_at = told_at = time.monotonic()
    while not done():
        before = state().backend.sentence
        changed = advance(BUDGET_S)
        now = time.monotonic()
        if changed or state().backend.sentence != before:
            heard_at = now
        if changed and (changed[-1].ended or now - told_at > TELL_INTERVAL_S):
            told_at = now
            print(f"iPOKE: {changed[-1].sentence}", flush=True)
        if now - heard_at > SILENCE_S:
            dispatch(app.StartFailed("The backend was silent for too long; see its log, or run 'ipoke doctor'."))
        addon().runtime.wait(STEP_S)


def outcome(job_id: str) -> Job | None:
    """Return a job that has ended."""
    job = addon().runtime.history.get(job_id)
    return job if job is not None and job.ended else None


def restore() -> None:
    """Bring results back that an undo or an older file does not know."""
    for job in addon().runtime.history.values():
        results.restore(job)


def _ensure_timer() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_on_timer):
        bpy.app.timers.register(_on_timer, persistent=True)


def redraw() -> None:
    """Draw the 3D views again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def _on_timer() -> float | None:
    if _addon is None:
        return None
    try:
        advance(BUDGET_S)
    except Exception:  # the border to Blender: a timer that raises is dropped in silence
        log.exception("the timer failed")
        addon().runtime.dispatch(app.StartFailed("Something went wrong inside the add-on; see the console, then press Start"))
    if not _addon.runtime.active and not _addon.unseen:
        return None
    return BUSY_INTERVAL_S if _addon.runtime.state.jobs else IDLE_INTERVAL_S
