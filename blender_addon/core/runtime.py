"""Owns the running add-on: carries out effects of `app.transition`, tells which jobs changed. No bpy, no threads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never

from .._vendor.client import Event, IpokeError, ResultWriter, Session
from . import app
from .app import AppEffect, AppEvent, AppState
from .jobs import Job

log = logging.getLogger(__name__)


class Backend(Protocol):
    """A way to a backend with its session: one that is started as a child, or one that runs elsewhere."""

    session: Session

    @property
    def gave_up(self) -> bool:
        """True when it could not be kept running."""

    def poll(self, now_s: float, budget_s: float) -> list[Event]:
        """Handle what has arrived; never blocks."""

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have happened."""

    def close(self) -> None:
        """End the session, and the backend if it is a child."""


@dataclass
class Runtime:
    """The one mutable object of the add-on. `open_backend` raises `IpokeError` when there is none."""

    open_backend: Callable[[], Backend]
    state: AppState = field(default_factory=AppState)
    history: dict[str, Job] = field(default_factory=dict)
    _backend: Backend | None = None
    _writers: dict[str, ResultWriter] = field(default_factory=dict)
    _changed: dict[str, Job] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """True while there is anything to poll."""
        return self._backend is not None

    def dispatch(self, event: AppEvent) -> None:
        """Take an event in and carry out what follows from it."""
        before = self.state
        after, effects = app.transition(before, event)
        self.state = app.without_ended(after)
        self._note_changes(before, after)
        for effect in effects:
            self._carry_out(effect)

    def tick(self, now_s: float, budget_s: float) -> tuple[Job, ...]:
        """Handle what has arrived within a time budget; return the jobs that have changed since the last tick."""
        if self._backend is not None:
            for event in self._backend.poll(now_s, budget_s):
                self.dispatch(event)
            if self._backend is not None and self._backend.gave_up:
                self.dispatch(app.StartFailed(self.state.backend.sentence))
        changed, self._changed = tuple(self._changed.values()), {}
        return changed

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have arrived; for Blender without a window only."""
        if self._backend is not None:
            self._backend.wait(timeout_s)

    def forget(self, job_id: str) -> None:
        """Let go of an ended job, so that an undo does not bring its variants back."""
        self.history.pop(job_id, None)

    def close(self) -> None:
        """End everything that runs; nothing is left behind."""
        self.dispatch(app.StopAsked())
        self._changed.clear()

    def _note_changes(self, before: AppState, after: AppState) -> None:
        for job in after.jobs:
            if before.job(job.job_id) != job:
                self._changed[job.job_id] = job
                self.history[job.job_id] = replace(job, request=replace(job.request, plate=b""))

    def _carry_out(self, effect: AppEffect) -> None:
        try:
            self._do(effect)
        except OSError as error:
            job_id = _job_of(effect)
            log.warning("job %s: %s", job_id, error)
            self.dispatch(
                app.WriteFailed(
                    job_id,
                    f"The frames can't be written: {error.strerror}; free some space or save the file elsewhere.",
                )
            )
        except IpokeError as error:
            self._refused(effect, error.sentence)

    def _refused(self, effect: AppEffect, sentence: str) -> None:
        if isinstance(effect, app.Submit):
            self.dispatch(app.WriteFailed(effect.job.job_id, sentence))
        else:
            self.dispatch(app.StartFailed(sentence))

    def _do(self, effect: AppEffect) -> None:
        match effect:
            case app.OpenBackend():
                self._backend = self.open_backend()
            case app.CloseBackend():
                self._close_backend()
            case app.Submit(job=job):
                self._submit(job)
            case app.CancelJob(job_id=job_id):
                if self._backend is not None:
                    self._backend.session.cancel(job_id)
            case app.WriteFrame(event=event):
                self._writers[event.job_id].frame(event)
            case app.CloseVariant(event=event):
                if not self._writers[event.job_id].variant_done(event):
                    self.dispatch(app.WriteFailed(event.job_id, "A variant arrived damaged; press Sample again."))
            case app.FinishFolder(event=event):
                self._writers.pop(event.job_id).finish(event.summary)
            case app.AbortFolder(job_id=job_id):
                if job_id in self._writers:
                    self._writers.pop(job_id).abort()
            case _:
                assert_never(effect)

    def _submit(self, job: Job) -> None:
        if self._backend is None or self.state.job(job.job_id) is None:
            return
        self._writers[job.job_id] = ResultWriter(job.folder, job.request)
        self._backend.session.submit(job.request)

    def _close_backend(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()


def _job_of(effect: AppEffect) -> str:
    match effect:
        case app.Submit(job=job):
            return job.job_id
        case app.WriteFrame(event=event) | app.CloseVariant(event=event) | app.FinishFolder(event=event):
            return event.job_id
        case app.CancelJob(job_id=job_id) | app.AbortFolder(job_id=job_id):
            return job_id
    return ""
