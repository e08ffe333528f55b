"""The one timer that drives what runs; without a window, a loop drives the same."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import bpy

from ..core.jobs import app
from ..core.jobs.app import Phase
from ..core.jobs.job import Job
from ..core.setup import setup
from ..scene import screens
from . import arrivals, progress, running

log = logging.getLogger(__name__)

BUDGET_S = 0.002
"""Of a callback, whose goal is 4 ms: it ends only after the event that overruns it."""
BUSY_INTERVAL_S = 0.02
IDLE_INTERVAL_S = 0.25
STEP_S = 0.05
PROGRESS_INTERVAL_S = 2.0
SILENCE_S = 600.0


def dispatch(event: app.AppEvent) -> None:
    """Take an event in, show what follows, and see to it that the timer runs while it is needed."""
    runtime = running.runtime()
    runtime.dispatch(event)
    advance(0.0)
    if runtime.active:
        _ensure_timer()
    if runtime.state.search.asked is not None:
        _hurry()


def set_up(event: setup.SetupEvent) -> None:
    """Take an event of setting up the backend in; the timer looks after the rest, or without a window this waits for it."""
    installer, printed = running.installer(), ""
    installer.dispatch(event)
    screens.redraw()
    _ensure_timer()
    while bpy.app.background and installer.active:
        if installer.state.sentence != printed:
            printed = installer.state.sentence
            print(f"iPOKE: {printed}", flush=True)
        installer.wait(STEP_S)
        installer.tick(time.monotonic())


def advance(budget_s: float) -> tuple[Job, ...]:
    """Handle what has arrived and bring Blender's data up to date; return the jobs that have changed."""
    runtime, installer = running.runtime(), running.installer()
    before = runtime.state.backend, runtime.state.search, installer.state
    installer.tick(time.monotonic())
    running.log_file()  # remembers it, for after the end
    changed = runtime.tick(time.monotonic(), budget_s)
    arrivals.take(changed)
    progress.note(changed)
    if changed or (runtime.state.backend, runtime.state.search, installer.state) != before:
        screens.redraw()
    return changed


def drive(done: Callable[[], bool]) -> None:
    """Without a window: work until `done`, printing on the way what is going on. Silence for too long ends the jobs."""
    heard_s = printed_s = time.monotonic()
    while not done():
        before = running.state().backend.sentence
        changed = advance(BUDGET_S)
        now_s = time.monotonic()
        if changed or running.state().backend.sentence != before:
            heard_s = now_s
        if changed and (changed[-1].ended or now_s - printed_s > PROGRESS_INTERVAL_S):
            printed_s = now_s
            print(f"iPOKE: {changed[-1].sentence}", flush=True)
        if now_s - heard_s > SILENCE_S:
            dispatch(app.StartFailed("The backend was silent for too long; see its log, or run 'ipoke doctor'."))
        running.runtime().wait(STEP_S)


def forget_failure() -> None:
    """Say no more that there was no backend to be had: another one is named now, or is being set up."""
    backend = running.state().backend
    if backend.phase is not Phase.FAILED:
        return
    for obj in bpy.data.objects:
        if obj.ipoke.message == backend.sentence:
            obj.ipoke.message = ""
    dispatch(app.StopAsked())


def stop() -> None:
    """Stop the timer, the backend and everything that was waiting for it."""
    if bpy.app.timers.is_registered(_on_timer):
        bpy.app.timers.unregister(_on_timer)
    running.runtime().close()
    running.installer().close()
    arrivals.sweep()


def _ensure_timer() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_on_timer):
        bpy.app.timers.register(_on_timer, persistent=True)


def _hurry() -> None:
    """Let the timer look soon; between jobs it takes its time."""
    if bpy.app.timers.is_registered(_on_timer):
        bpy.app.timers.unregister(_on_timer)
        bpy.app.timers.register(_on_timer, first_interval=BUSY_INTERVAL_S, persistent=True)


def _on_timer() -> float | None:
    if not running.runtime.is_open:
        return None
    runtime = running.runtime()
    try:
        advance(BUDGET_S)
    except Exception:  # the border to Blender: a timer that raises is dropped in silence
        log.exception("the timer failed")
        runtime.dispatch(app.StartFailed("Something went wrong inside the add-on; see the console, then press Start"))
    if not runtime.active and not running.installer().active and not arrivals.state().waiting:
        return None
    busy = runtime.state.jobs or runtime.state.search.asked is not None
    return BUSY_INTERVAL_S if busy else IDLE_INTERVAL_S
