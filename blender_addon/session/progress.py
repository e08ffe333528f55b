"""What is being made, in a few words, and what has just ended: for the 3D view, the sidebar and the status bar."""

from __future__ import annotations

import time
from dataclasses import dataclass

import bpy
from bpy.app.translations import pgettext_iface as tell

from ..core.jobs.job import Job, JobKind, JobPhase, duration
from ..core.lifetime import WhileEnabled
from ..scene import screens
from . import running

SHOWN_S = 5.0
"""How long it is said that something has ended."""
STATUS_UNITS = 15
"""How wide it is in the status bar, in widths of an icon."""
KINDS = {
    JobKind.SAMPLE: "Sampling",
    JobKind.LIVE: "Live preview",
    JobKind.BAKE: "Baking",
    JobKind.EXTRACT: "Extracting the motion",
    JobKind.MESH: "Taking the mesh",
}


@dataclass
class Ended:
    """What was said last of a job that has ended, and when."""

    text: str = ""
    at_s: float = -SHOWN_S


@dataclass(frozen=True)
class Shown:
    """A few words, and how much is done of what they are about; None where that is all."""

    text: str
    fraction: float | None


state = WhileEnabled(Ended)


def now() -> Shown | None:
    """Return what is being made, or what has ended a moment ago; None where there is nothing to say."""
    jobs, own = running.state().jobs, state()
    if jobs:
        return Shown(words_of(jobs[-1]), jobs[-1].fraction)
    recent = own.text and time.monotonic() - own.at_s < SHOWN_S
    return Shown(own.text, None) if recent else None


def words_of(job: Job) -> str:
    """Return what is made, which variant or frame of how many, and how long it takes still."""
    words, progress = [tell(KINDS[job.kind])], job.progress
    if progress is None or not progress.total:
        return ": ".join([*words, tell(job.sentence)])
    if job.kind is JobKind.SAMPLE and job.settings.samples > 1:
        count, whole = job.settings.samples, sum(clip.complete for clip in job.clips)
        words.append(tell("variant {number} of {count}").format(number=min(whole + 1, count), count=count))
    else:
        words.append(tell("{done} of {total}").format(done=progress.done, total=progress.total))
    if progress.eta_s is not None:
        words.append(tell("{time} left").format(time=duration(progress.eta_s)))
    return ", ".join(words)


def note(changed: tuple[Job, ...]) -> None:
    """Say of jobs that have changed how far they are, and of those that have ended how."""
    for job in changed:
        if job.ended and job.phase is not JobPhase.CANCELLED and job.kind is not JobKind.LIVE:
            own = state()
            own.text, own.at_s = _ending(job), time.monotonic()
            if not bpy.app.background:
                _forget_redraw()
                bpy.app.timers.register(_redraw, first_interval=SHOWN_S)
    if changed and not bpy.app.background:
        _redraw_status_bar()


def draw_in_status_bar(header: bpy.types.Header, _context: bpy.types.Context) -> None:
    """Draw it at the right end of Blender's status bar."""
    if not state.is_open:
        return
    shown = now()
    if shown is None:
        return
    if shown.fraction is None:
        header.layout.label(text=shown.text, icon="INFO", translate=False)
    else:
        row = header.layout.row()
        row.ui_units_x = STATUS_UNITS
        row.progress(factor=shown.fraction, text=shown.text)


def add() -> None:
    """Draw in the status bar."""
    bpy.types.STATUSBAR_HT_header.append(draw_in_status_bar)


def remove() -> None:
    """Draw there no more."""
    bpy.types.STATUSBAR_HT_header.remove(draw_in_status_bar)
    _forget_redraw()


def _forget_redraw() -> None:
    if bpy.app.timers.is_registered(_redraw):
        bpy.app.timers.unregister(_redraw)


def _ending(job: Job) -> str:
    if job.phase is JobPhase.FAILED:
        return tell("{what} failed; the sidebar says why").format(what=tell(KINDS[job.kind]))
    if job.kind is JobKind.SAMPLE:
        return (
            tell("{count} variants are there").format(count=len(job.clips))
            if len(job.clips) != 1
            else tell("The variant is there")
        )
    if job.kind is JobKind.BAKE:
        return tell("The bake is there: {count} frames").format(count=sum(clip.frames for clip in job.clips))
    return tell("{what}: done").format(what=tell(KINDS[job.kind]))


def _redraw() -> None:
    screens.redraw()
    _redraw_status_bar()


def _redraw_status_bar() -> None:
    """Blender draws it again when its text is set, which only what is dragged or moved has of its own, and keeps."""
    for window in bpy.context.window_manager.windows:
        if not len(window.modal_operators):
            with bpy.context.temp_override(window=window):
                window.workspace.status_text_set_internal(None)
