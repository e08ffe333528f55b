"""The child processes of setting up the backend: carries out effects of `setup.transition`. No bpy, no threads."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from ..._vendor.client.environment import without_python_settings
from ..._vendor.client.private_files import PrivateFileError, make_private_folder, open_private
from . import environment, setup
from .environment import Plan, Step
from .setup import SetupEvent, SetupPhase, SetupState

LOOK_INTERVAL_S = 0.5
PATIENCE_S = 3.0
CLOSING_LIMIT_S = 60.0
LOG_TAIL_BYTES = 4096
WORDS_CHARACTERS = 300


@dataclass
class Installer:
    """Makes one environment at a time. `run` starts a child; tests name another."""

    state: SetupState = field(default_factory=SetupState)
    run: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen
    _process: subprocess.Popen[bytes] | None = None
    _began_at: float = 0.0
    _looked_at: float = 0.0
    _kill_at: float = 0.0

    @property
    def active(self) -> bool:
        """True while there is a child to look after."""
        return self.state.active

    def dispatch(self, event: SetupEvent) -> None:
        """Take an event in and carry out what follows from it."""
        self.state, effects = setup.transition(self.state, event)
        for effect in effects:
            try:
                self._carry_out(effect)
            except (OSError, PrivateFileError) as error:
                return self.dispatch(setup.StepRefused(f"Setting up failed: {error}"))
        return None

    def tick(self, now_s: float) -> None:
        """Look after the child; never blocks."""
        if self._process is None or self.state.plan is None:
            return
        code = self._process.poll()
        if code is not None:
            self._process = None
            self.dispatch(setup.StepEnded(code, last_words(self.state.plan)))
        elif self.state.phase is SetupPhase.STOPPING:
            if now_s > self._kill_at:
                _signal(self._process, hard=True)
        elif self.state.step is Step.FETCH and now_s - self._looked_at > LOOK_INTERVAL_S:
            self._looked_at = now_s
            size_bytes = environment.downloaded_bytes(self.state.plan)
            self.dispatch(setup.Downloaded(size_bytes, now_s - self._began_at))

    def close(self) -> None:
        """End everything and remove what is half made; waits for it."""
        self.dispatch(setup.SetupCancelled())
        until_s = time.monotonic() + CLOSING_LIMIT_S
        while self.active and time.monotonic() < until_s:
            self.wait(0.05)
            self.tick(time.monotonic())

    def wait(self, timeout_s: float) -> None:
        """Sleep until the child ends, or the time is over."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return

    def _carry_out(self, effect: setup.SetupEffect) -> None:
        match effect:
            case setup.RunStep(plan=plan, step=step):
                self._start(plan, step)
            case setup.Adopt(plan=plan):
                environment.adopt(plan)
            case setup.KillStep():
                if self._process is not None:
                    self._kill_at = time.monotonic() + PATIENCE_S
                    _signal(self._process, hard=False)

    def _start(self, plan: Plan, step: Step) -> None:
        if step is Step.CREATE:
            make_private_folder(plan.root)
            environment.begin(plan)
        with _opened_log(plan, new=step is Step.CREATE) as log:
            log.write(f"{step.value}\n".encode())
            log.flush()
            self._process = self._spawn(plan, step, log)
        self._began_at = self._looked_at = time.monotonic()

    def _spawn(self, plan: Plan, step: Step, log: IO[bytes]) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in without_python_settings().items() if not name.upper().startswith("PIP_")}
        own = {"PYTHONUTF8": "1", "PIP_CONFIG_FILE": os.devnull, "TMPDIR": str(plan.downloads), "TEMP": str(plan.downloads)}
        return self.run(
            environment.command(plan, step),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=plan.root,
            env={**inherited, **own},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            start_new_session=True,
        )


def _opened_log(plan: Plan, *, new: bool) -> IO[bytes]:
    """The log of an attempt, the user's alone; a link in its place is not followed."""
    descriptor = open_private(plan.root / environment.LOG, os.O_WRONLY | (os.O_TRUNC if new else os.O_APPEND))
    return os.fdopen(descriptor, "wb")


def last_words(plan: Plan) -> str:
    """Return what a child said last that says why it ended."""
    try:
        tail = (plan.root / environment.LOG).read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or [""])[-1].removeprefix("ERROR: ")[:WORDS_CHARACTERS]


def _signal(process: subprocess.Popen[bytes], hard: bool) -> None:
    """End a child, and on POSIX what it has started too; Windows ends the children of an environment's Python with it."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL if hard else signal.SIGTERM)
