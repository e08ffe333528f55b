"""Owns the add-on's one runtime object and the one timer that drives it; without a window, a loop drives the same."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import bpy
import bpy.utils.previews

from .._vendor.client import LocalBackend, Stroke
from ..core.gestures.gesture import Part, ShowDraft
from ..core.gestures.hover import Ground
from ..core.gestures.plane import Vec2
from ..core.gestures.region import Box, Handle
from ..core.jobs import app
from ..core.jobs.app import AppState
from ..core.jobs.job import Job, JobKind
from ..core.jobs.runtime import Runtime
from ..core.setup import setup
from ..core.setup.installer import Installer
from ..drawing.outline import Outlines
from ..scene import meshes, placing, plates, results
from . import backend_choice, motion_library
from .things import Shelf

if TYPE_CHECKING:
    from ..drawing.puppet import Kit
    from ..scene.properties import IPOKE_PG_plate
    from .puppets import Made, Play

log = logging.getLogger(__name__)

BUDGET_S = 0.002
"""Of a callback, whose goal is 4 ms: it ends only after the event that overruns it."""
BUSY_INTERVAL_S = 0.02
IDLE_INTERVAL_S = 0.25
STEP_S = 0.05
TELL_INTERVAL_S = 2.0
SILENCE_S = 600.0
LOOK_INTERVAL_S = 3.0


@dataclass(frozen=True)
class PokeDraft:
    """The arrow that is being dragged, and on what."""

    object_name: str
    shown: ShowDraft


@dataclass(frozen=True)
class RegionDraft:
    """The region that is being dragged, and on what."""

    object_name: str
    box: Box


@dataclass(frozen=True)
class StrokeDraft:
    """The stroke that is being painted on the thing, and on what; before the button is down it is the brush alone."""

    object_name: str
    stroke: Stroke
    is_down: bool


Draft = TypeVar("Draft", PokeDraft, RegionDraft, StrokeDraft)


@dataclass
class Addon:
    """Everything of the add-on that is neither in the .blend nor in the preferences."""

    runtime: Runtime = field(default_factory=lambda: Runtime(backend_choice.open_backend))
    installer: Installer = field(default_factory=Installer)
    draft: PokeDraft | RegionDraft | StrokeDraft | None = None
    hovered: tuple[int, Part] | Handle | Ground | None = None
    unseen: dict[str, Job] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)
    draw_handle: object | None = None
    overlay_failed: bool = False
    previews: bpy.utils.previews.ImagePreviewCollection = field(default_factory=bpy.utils.previews.new)
    remembered: dict[tuple[str, ...], Path] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    visited: set[Path] = field(default_factory=set)
    last_log: Path | None = None
    listed: list[Path] = field(default_factory=list)
    listed_at: float = -LOOK_INTERVAL_S
    looked: dict[str, tuple[float, list[str]]] = field(default_factory=dict)
    outlines: Outlines = field(default_factory=Outlines)
    shelf: Shelf = field(default_factory=Shelf)
    made: Made | None = None
    play: Play | None = None
    held: bool = False
    """Whether the mouse holds the thing that is played with."""
    play_failed: bool = False
    play_handle: object | None = None
    kit: Kit | None = None
    wished: str = ""
    """Name of the object whose thing is to be found soon."""
    peeked: tuple[str, Vec2] | None = None
    """Name of the object and the place of which is shown what a click would take."""


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
        _addon.installer.close()
        sweep()
        bpy.utils.previews.remove(_addon.previews)
    _addon = None


def open_jobs(obj: bpy.types.Object) -> list[Job]:
    """Return the jobs of an object that have not ended."""
    return [job for job in state().jobs if plates.find(job.target) == obj]


def draft_on(obj: bpy.types.Object, kind: type[Draft]) -> Draft | None:
    """Return what of a kind is being drawn on an object."""
    draft = addon().draft
    return draft if isinstance(draft, kind) and draft.object_name == obj.name else None


def peeked_on(obj: bpy.types.Object) -> tuple[Vec2, ...] | None:
    """Return the place of an object of which is shown what a click would take; None where that is not shown."""
    peeked = addon().peeked
    return None if peeked is None or peeked[0] != obj.name else (peeked[1],)


def sweep() -> None:
    """Remove previews that nobody will ask for any more, before another file is loaded or the add-on is disabled.

    Those that a saved file names are kept.
    """
    own = addon()
    results.sweep(own.dropped - own.kept, own.runtime.written)
    own.dropped.clear()


def is_open() -> bool:
    """Return whether the add-on is enabled."""
    return _addon is not None


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
    if runtime.state.search.asked is not None:
        _hurry()


def set_up(event: setup.SetupEvent) -> None:
    """Take an event of setting up the backend in; the timer looks after the rest, or without a window this waits for it."""
    installer, told = addon().installer, ""
    installer.dispatch(event)
    redraw()
    _ensure_timer()
    while bpy.app.background and installer.active:
        if installer.state.sentence != told:
            told = installer.state.sentence
            print(f"iPOKE: {told}", flush=True)
        installer.wait(STEP_S)
        installer.tick(time.monotonic())


def advance(budget_s: float) -> tuple[Job, ...]:
    """Handle what has arrived and bring Blender's data up to date; return the jobs that have changed."""
    own = addon()
    before = state().backend, state().search, own.installer.state
    own.installer.tick(time.monotonic())
    log_file()  # remembers it, for after the end
    changed = own.runtime.tick(time.monotonic(), budget_s)
    own.unseen.update({job.job_id: job for job in changed})
    if own.unseen and bpy.context.mode == "OBJECT":
        _show_unseen(own)
    if changed or (state().backend, state().search, own.installer.state) != before:
        redraw()
    return changed


def _show_unseen(own: Addon) -> None:
    """Data-blocks change in Object Mode only: the undo steps of other modes know nothing of planes and clips."""
    jobs, own.unseen = own.unseen, {}
    step = False
    for job in jobs.values():
        follow = bool(job.clips) and job.job_id not in own.followed
        if follow and job.kind is JobKind.LIVE:
            own.dropped |= results.drop_live(job)
        step |= results.sync(job, follow)
        placing.place_bake(job)
        meshes.take(job)
        if follow:
            own.followed.add(job.job_id)
    if step:
        bpy.ops.ed.undo_push(message="iPOKE Results")


def log_file() -> Path | None:
    """Return the log of the backend that was started last from here; None without one."""
    backend = addon().runtime.backend
    if isinstance(backend, LocalBackend):
        addon().last_log = backend.launcher.log_file
    return addon().last_log


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


def missing(plate: IPOKE_PG_plate) -> list[str]:
    """Return the folders of a plate's results that are missing; looks on the disk every few seconds only."""
    looked, now, whose = addon().looked, time.monotonic(), plate.id_data.name_full
    if whose not in looked or now - looked[whose][0] > LOOK_INTERVAL_S:
        gone = [os.path.normpath(bpy.path.abspath(job.folder, library=job.id_data.library)) for job in results.missing(plate)]
        looked[whose] = now, gone
    return looked[whose][1]


def motions() -> list[Path]:
    """Return what is in the library of kinematics; looks on the disk every few seconds only."""
    own, now = addon(), time.monotonic()
    if now - own.listed_at > LOOK_INTERVAL_S:
        own.listed, own.listed_at = motion_library.files(), now
    return own.listed


def restore() -> None:
    """Bring results back that an undo or an older file does not know."""
    for job in addon().runtime.history.values():
        results.restore(job)


def _ensure_timer() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_on_timer):
        bpy.app.timers.register(_on_timer, persistent=True)


def _hurry() -> None:
    """Let the timer look soon; between jobs it takes its time."""
    if bpy.app.timers.is_registered(_on_timer):
        bpy.app.timers.unregister(_on_timer)
        bpy.app.timers.register(_on_timer, first_interval=BUSY_INTERVAL_S, persistent=True)


def redraw() -> None:
    """Draw the 3D views and the preferences again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()


def _on_timer() -> float | None:
    if _addon is None:
        return None
    try:
        advance(BUDGET_S)
    except Exception:  # the border to Blender: a timer that raises is dropped in silence
        log.exception("the timer failed")
        addon().runtime.dispatch(app.StartFailed("Something went wrong inside the add-on; see the console, then press Start"))
    if not _addon.runtime.active and not _addon.installer.active and not _addon.unseen:
        return None
    busy = _addon.runtime.state.jobs or _addon.runtime.state.search.asked is not None
    return BUSY_INTERVAL_S if busy else IDLE_INTERVAL_S
