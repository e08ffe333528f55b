"""The running add-on: carries out effects of `app.transition`, tells which jobs changed. No bpy, no threads."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, assert_never

from ..._vendor.client import (
    ErrorCode,
    ErrorInfo,
    Event,
    Failed,
    Finished,
    InvertRequest,
    IpokeError,
    MeshArrived,
    ResultWriter,
    SampleRequest,
    Session,
)
from ..._vendor.client.request import Request
from ..._vendor.client.results import write_atomically
from ..errors import FolderError
from ..things.search import Answer, Key
from . import app, bakes, trusted_paths
from . import job as jobs
from .app import AppEffect, AppEvent, AppState
from .bakes import Delivery
from .folders import THING_FILE
from .job import Job
from .outside_backend import Fix, NoBackendError
from .unfinished import UnfinishedBake

log = logging.getLogger(__name__)

ANSWERS = 32
"""So many things are remembered, the newest ones."""


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

    def begin_closing(self) -> None:
        """End the session, and ask the backend to end if it is a child; does not wait for it."""

    def closed(self) -> bool:
        """Tell whether it is gone; a child that does not end in time is killed."""

    def finish_closing(self) -> None:
        """Wait until it is gone."""


@dataclass(frozen=True, slots=True)
class Written:
    """What this session wrote for a job: names of files below its folder, with their hashes."""

    folder: Path
    files: Mapping[str, str]


WriteEffect = app.WriteFrame | app.WriteMesh | app.WriteKinematics | app.CloseVariant | app.FinishFolder | app.AbortFolder


@dataclass
class Runtime:
    """The one mutable object of the add-on. `open_backend` raises `IpokeError` when there is none."""

    open_backend: Callable[[], Backend]
    state: AppState = field(default_factory=AppState)
    history: dict[str, Job] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)
    answers: dict[Key, Answer] = field(default_factory=dict)
    _backend: Backend | None = None
    _closing: list[Backend] = field(default_factory=list)
    _writers: dict[str, ResultWriter] = field(default_factory=dict)
    _changed: dict[str, Job] = field(default_factory=dict)
    _waiting: deque[Event] = field(default_factory=deque)
    _moves: Iterator[Path] | None = None
    _deliveries: dict[str, Delivery] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """True while there is anything to poll."""
        return self._backend is not None or bool(self._closing)

    @property
    def backend(self) -> Backend | None:
        """The way to the backend while there is one."""
        return self._backend

    def dispatch(self, event: AppEvent) -> None:
        """Take an event in and carry out what follows from it."""
        before = self.state
        after, effects = app.transition(before, event)
        self.state = app.without_ended(after)
        self._note_changes(before, after)
        for effect in effects:
            self._carry_out(effect)

    def tick(self, now_s: float, budget_s: float) -> tuple[Job, ...]:
        """Handle what has arrived within a time budget; return the jobs that have changed since the last tick.

        What there is no time for waits for the next tick, and nothing more is fetched before it is done.
        """
        until_s = time.perf_counter() + budget_s
        if self._backend is not None:
            if not self._waiting:
                self._waiting.extend(self._backend.poll(now_s, budget_s / 2))
            while self._waiting and time.perf_counter() < until_s:
                self._handle_next()
            if not self._waiting and self._backend is not None and self._backend.gave_up:
                self.dispatch(app.StartFailed(self.state.backend.sentence))
        self._closing = [backend for backend in self._closing if not backend.closed()]
        changed, self._changed = tuple(self._changed.values()), {}
        return changed

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have arrived; for Blender without a window only."""
        if self._backend is not None and not self._waiting:
            self._backend.wait(timeout_s)
        elif self._closing:
            time.sleep(timeout_s)

    def forget(self, job_id: str) -> None:
        """Let go of an ended job, so that an undo does not bring its variants back."""
        self.history.pop(job_id, None)

    def close(self) -> None:
        """End everything that runs; nothing is left behind."""
        self.dispatch(app.StopAsked())
        self._changed.clear()
        for backend in self._closing:
            backend.finish_closing()
        self._closing.clear()

    def _handle_next(self) -> None:
        """Handle one event; a bake's end only when its frames are where they belong, one file at a time."""
        event = self._waiting[0]
        if isinstance(event, Finished) and event.job_id in self._deliveries and event.job_id in self._writers:
            try:
                if not self._delivered(event):
                    return
            except (OSError, FolderError) as error:
                self._moves = None
                sentence = error.sentence if isinstance(error, FolderError) else _unwritable(error)
                self._waiting[0] = Failed(event.job_id, ErrorInfo(ErrorCode.INTERNAL, sentence))
                return
        self._waiting.popleft()
        self.dispatch(event)

    def _delivered(self, event: Finished) -> bool:
        """Take the next step of moving a bake to its place; returns whether that was the last."""
        writer = self._writers[event.job_id]
        if self._moves is None:
            delivery, frames = self._deliveries[event.job_id], dict(sorted(writer.files.items()))
            timing = {"fps": delivery.shot.fps, "start_frame": delivery.shot.start_frame}
            manifest = writer.finish(event.summary, {**timing, "files": bakes.delivered(frames, delivery.names)})
            self._moves = bakes.deliver(writer.folder, frames, manifest, delivery)
        if next(self._moves, None) is not None:
            return False
        self._moves = None
        del self._deliveries[event.job_id]
        writer.discard()
        del self._writers[event.job_id]
        return True

    def _note_changes(self, before: AppState, after: AppState) -> None:
        for job in after.jobs:
            if before.job(job.job_id) != job:
                self._changed[job.job_id] = job
                self.history[job.job_id] = replace(job, request=_without_files(job.request), question=None)

    def _note_failure(self, job_id: str, sentence: str) -> None:
        """Tell of a job that has ended already that it ended badly."""
        job = jobs.failed(self.history[job_id], sentence)
        self.history[job_id] = self._changed[job_id] = job

    def _carry_out(self, effect: AppEffect) -> None:
        try:
            self._execute(effect)
        except OSError as error:
            job_id = _job_of(effect)
            log.warning("job %s: %s", job_id, error)
            if isinstance(effect, app.FinishFolder):
                self._note_failure(job_id, _unwritable(error))
            else:
                self.dispatch(app.WriteFailed(job_id, _unwritable(error)))
        except FolderError as error:
            self.dispatch(app.WriteFailed(_job_of(effect), error.sentence))
        except IpokeError as error:
            self._refused(effect, error.sentence, error.fix if isinstance(error, NoBackendError) else Fix.START)

    def _refused(self, effect: AppEffect, sentence: str, fix: Fix) -> None:
        if isinstance(effect, app.Submit):
            self.dispatch(app.WriteFailed(effect.job.job_id, sentence))
        elif isinstance(effect, app.Ask):
            self.dispatch(Failed(effect.request.job_id, ErrorInfo(ErrorCode.INTERNAL, sentence)))
        else:
            self.dispatch(app.StartFailed(sentence, fix))

    def _execute(self, effect: AppEffect) -> None:
        match effect:
            case app.OpenBackend():
                self._backend = self.open_backend()
            case app.CloseBackend():
                self._close_backend()
            case app.Submit(job=job):
                self._submit(job)
            case app.Ask(request=request):
                if self._backend is not None:
                    self._backend.session.submit(request)
            case app.KeepAnswer(key=key, answer=answer):
                self._remember(key, answer)
            case app.CancelJob(job_id=job_id):
                if self._backend is not None:
                    self._backend.session.cancel(job_id)
            case app.ReleaseMemory():
                if self._backend is not None:
                    self._backend.session.release_memory()
            case app.AskStatus():
                if self._backend is not None:
                    self._backend.session.ask_status()
            case _:
                self._write(effect)

    def _write(self, effect: WriteEffect) -> None:
        match effect:
            case app.WriteFrame(event=event):
                self._writers[event.job_id].frame(event)
            case app.WriteMesh(event=event):
                writer = self._writers[event.job_id]
                writer.mesh(event) if isinstance(event, MeshArrived) else writer.poses(event)
            case app.WriteKinematics(event=event, file=file):
                _write_new(file, event.kinematics)
            case app.CloseVariant(event=event):
                if not self._writers[event.job_id].variant_done(event):
                    self.dispatch(app.WriteFailed(event.job_id, "A variant arrived damaged; ask for it again."))
                else:
                    self._keep_thing(event.job_id)
            case app.FinishFolder(event=event):
                if event.job_id in self._writers:  # a bake's folder was finished when it was moved to its place
                    self._ended(event.job_id).finish(event.summary)
            case app.AbortFolder(job_id=job_id):
                if job_id in self._writers:
                    self._ended(job_id).abort()
                    self._deliveries.pop(job_id, None)
            case _:
                assert_never(effect)

    def _keep_thing(self, job_id: str) -> None:
        """Keep the thing's mask with the first variant that is whole, since bakes of it need the same."""
        writer, job = self._writers[job_id], self.state.job(job_id)
        assert job is not None
        if job.source or not isinstance(job.request, SampleRequest):
            return
        if job.request.thing is not None and THING_FILE not in writer.files:
            writer.write(THING_FILE, job.request.thing)

    def _ended(self, job_id: str) -> ResultWriter:
        """Take a job's writer away, and remember what it wrote."""
        writer = self._writers.pop(job_id)
        self.written[job_id] = Written(writer.folder, writer.files)
        return writer

    def _submit(self, job: Job) -> None:
        if self._backend is None or self.state.job(job.job_id) is None:
            return
        if isinstance(job.request, SampleRequest):
            writer = ResultWriter if job.delivery is None else UnfinishedBake
            self._writers[job.job_id] = writer(job.folder, job.request)
        if job.delivery is not None:
            self._deliveries[job.job_id] = job.delivery
        self._backend.session.submit(job.request)

    def _remember(self, key: Key, answer: Answer) -> None:
        self.answers.pop(key, None)
        self.answers[key] = answer
        while len(self.answers) > ANSWERS:
            del self.answers[next(iter(self.answers))]

    def _close_backend(self) -> None:
        backend, self._backend = self._backend, None
        self._waiting.clear()
        self._moves = None
        if backend is not None:
            backend.begin_closing()
            self._closing.append(backend)


def _write_new(wanted: Path, data: bytes) -> None:
    """Write a file where none is: at `wanted`, or beside it when that was taken meanwhile."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    file = trusted_paths.reserve(wanted)
    try:
        write_atomically(file, data)
    except OSError:
        file.unlink(missing_ok=True)
        raise


def _without_files(request: Request) -> Request:
    """The request without the bytes that it carries, which are large and on the disk anyway."""
    if isinstance(request, SampleRequest):
        return replace(request, plate=b"", kinematics=None, thing=None)
    if isinstance(request, InvertRequest):
        return replace(request, frames=())
    return request


def _unwritable(error: OSError) -> str:
    return f"The frames can't be written: {error.strerror}; free some space or save the file elsewhere."


def _job_of(effect: AppEffect) -> str:
    match effect:
        case app.Submit(job=job):
            return job.job_id
        case (
            app.WriteFrame(event=event)
            | app.WriteMesh(event=event)
            | app.WriteKinematics(event=event)
            | app.CloseVariant(event=event)
            | app.FinishFolder(event=event)
        ):
            return event.job_id
        case app.CancelJob(job_id=job_id) | app.AbortFolder(job_id=job_id):
            return job_id
    return ""
