"""Setting up the backend: (state, event) -> (state, effects). No bpy, no processes.

Steps follow one another, each a child process. However it ends, the last step removes every environment but the one that
counts: half of one after a failure or a cancel, the one before after a success.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from ..jobs.job import duration
from .environment import Plan, Step

STEPS = (Step.CREATE, Step.FETCH, Step.INSTALL, Step.CHECK)
BEGINNINGS = {Step.CREATE: 0.0, Step.FETCH: 0.02, Step.INSTALL: 0.9, Step.CHECK: 0.95, Step.TIDY: 0.99}
DOWNLOADED = 0.7
SURE_OF_PACE_S = 5.0


class SetupPhase(Enum):
    """Where it stands."""

    IDLE = auto()
    WORKING = auto()
    STOPPING = auto()
    TIDYING = auto()
    DONE = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class SetupState:
    """Where it stands, with a sentence; `step` and `plan` while something is done, `fraction` from 0 to 1.

    `got_bytes` is the most that was downloaded: in the end archives vanish one by one.
    """

    phase: SetupPhase = SetupPhase.IDLE
    sentence: str = ""
    fraction: float = 0.0
    plan: Plan | None = None
    step: Step | None = None
    got_bytes: int = 0
    outcome: SetupPhase = SetupPhase.IDLE

    @property
    def active(self) -> bool:
        """True while a child process runs."""
        return self.phase in (SetupPhase.WORKING, SetupPhase.STOPPING, SetupPhase.TIDYING)


@dataclass(frozen=True, slots=True)
class SetupAsked:
    """The artist wants an environment."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class StepEnded:
    """The child has ended, after these words."""

    code: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class StepRefused:
    """The child could not be started, or what it made not be taken."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Downloaded:
    """So much of the archives is there, so long after the download began."""

    size_bytes: int
    after_s: float


@dataclass(frozen=True, slots=True)
class SetupCancelled:
    """The artist no longer wants it."""


SetupEvent = SetupAsked | StepEnded | StepRefused | Downloaded | SetupCancelled


@dataclass(frozen=True, slots=True)
class RunStep:
    """Start the child of a step."""

    plan: Plan
    step: Step


@dataclass(frozen=True, slots=True)
class KillStep:
    """End the child, and what it has started."""


@dataclass(frozen=True, slots=True)
class Adopt:
    """Make the environment the one that counts."""

    plan: Plan


SetupEffect = RunStep | KillStep | Adopt


def transition(state: SetupState, event: SetupEvent) -> tuple[SetupState, tuple[SetupEffect, ...]]:
    """Return the next state and what is to be done."""
    match event:
        case SetupAsked(plan=plan):
            return (state, ()) if state.active else _begun(SetupState(plan=plan), plan, STEPS[0])
        case _ if state.plan is None or state.step is None:
            return state, ()
        case StepEnded(code=code, words=words):
            return _ended(state, state.plan, state.step, code, words)
        case StepRefused(sentence=sentence):
            return _refused(state, state.plan, sentence)
        case Downloaded(size_bytes=size_bytes, after_s=after_s):
            return _downloaded(state, state.plan, size_bytes, after_s), ()
        case SetupCancelled() if state.phase is SetupPhase.WORKING:
            return replace(state, phase=SetupPhase.STOPPING, sentence="Stopping"), (KillStep(),)
    return state, ()


def _begun(state: SetupState, plan: Plan, step: Step) -> tuple[SetupState, tuple[SetupEffect, ...]]:
    begun = replace(state, phase=SetupPhase.WORKING, step=step, sentence=step.value, fraction=BEGINNINGS[step])
    return begun, (RunStep(plan, step),)


def _tidied(state: SetupState, plan: Plan, outcome: SetupPhase, sentence: str) -> tuple[SetupState, tuple[SetupEffect, ...]]:
    """Remember how it went and begin to clear up."""
    tidying = replace(
        state,
        phase=SetupPhase.TIDYING,
        step=Step.TIDY,
        sentence=sentence,
        outcome=outcome,
        fraction=BEGINNINGS[Step.TIDY] if outcome is SetupPhase.DONE else 0.0,
    )
    return tidying, (RunStep(plan, Step.TIDY),)


def _ended(state: SetupState, plan: Plan, step: Step, code: int, words: str) -> tuple[SetupState, tuple[SetupEffect, ...]]:
    if state.phase is SetupPhase.TIDYING:
        return SetupState(state.outcome, state.sentence), ()
    if state.phase is SetupPhase.STOPPING:
        return _tidied(state, plan, SetupPhase.IDLE, "Cancelled; nothing was kept")
    if code != 0:
        return _tidied(state, plan, SetupPhase.FAILED, f"{step.value} failed: {words or f'it ended with code {code}'}")
    if step is not STEPS[-1]:
        return _begun(state, plan, STEPS[STEPS.index(step) + 1])
    done, tidy = _tidied(state, plan, SetupPhase.DONE, "The backend is set up")
    return done, (Adopt(plan), *tidy)


def _refused(state: SetupState, plan: Plan, sentence: str) -> tuple[SetupState, tuple[SetupEffect, ...]]:
    if state.outcome is SetupPhase.FAILED:  # what is left over goes with the next attempt
        return SetupState(SetupPhase.FAILED, sentence), ()
    return _tidied(state, plan, SetupPhase.FAILED, sentence)


def _downloaded(state: SetupState, plan: Plan, size_bytes: int, after_s: float) -> SetupState:
    if state.phase is not SetupPhase.WORKING or state.step is not Step.FETCH or size_bytes <= state.got_bytes:
        return state
    total = plan.packages.size_bytes
    part = min(size_bytes / total, 1.0)
    sentence = f"Downloading {size_bytes / 1e6:.0f} of {total / 1e6:.0f} MB"
    if part == 1.0:
        sentence = "Unpacking"
    elif after_s > SURE_OF_PACE_S:
        sentence += f", {duration(after_s * (1 - part) / part)} left"
    return replace(state, sentence=sentence, got_bytes=size_bytes, fraction=BEGINNINGS[Step.FETCH] + part * DOWNLOADED)
