"""One training loop for every stage: schedule, clipping, averaged weights, checkpoints that resume, a log.

A stage draws everything random from (seed, step), so a resumed run goes on with the same batches.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import ModelError
from . import processes
from .checkpoints import State
from .interruption import Interruption
from .schedule import Schedule

Terms = dict[str, Tensor]
_SMOOTHING = 0.95


class Stage(Protocol):
    """What the loop needs of a stage."""

    name: str
    exact: bool
    """Whether the losses are computed in float32, also where training is in bfloat16."""

    @property
    def module(self) -> nn.Module:
        """What is trained."""

    def losses(self, step: int) -> Terms:
        """Terms of the loss at this step on this process's share; their sum is minimised, names go to the log."""

    def validate(self) -> dict[str, float]:
        """Figures on held-out clips; called with the averaged weights in place."""


@runtime_checkable
class AdversarialStage(Stage, Protocol):
    """A stage with critics, which learn after each step of the stage from what that step showed them."""

    critics: nn.Module
    critics_rate: float
    """Their learning rate over the stage's."""

    def critic_losses(self, step: int) -> Terms:
        """Terms of the critics' loss on true clips and on those decoded by `losses` at the same step."""


def train_stage(stage: Stage, schedule: Schedule, folder: Path, fabric: Fabric) -> None:
    """Train to the end of the schedule and leave the averaged weights in `stage.module`; resumes from `folder`.

    Raises:
        ModelError: the folder's checkpoints are of other networks, or the processes can't share the batch, or the weights
            ran away; what was saved before stays.
        KeyboardInterrupt: a signal came; the last whole step is saved.
    """
    processes.require_divisible(schedule.batch)
    folder.mkdir(parents=True, exist_ok=True)
    learners = [_Learner(stage.module, stage.losses, stage.exact, schedule, fabric)]
    average = copy.deepcopy(stage.module).requires_grad_(False)
    modules = {"module": stage.module, "average": average}
    optimizers = {"optimizer": learners[0].optimizer}
    if isinstance(stage, AdversarialStage):
        slower = replace(schedule, learning_rate=schedule.learning_rate * stage.critics_rate)
        learners.append(_Learner(stage.critics, stage.critic_losses, stage.exact, slower, fabric))
        modules["critics"], optimizers["critics_optimizer"] = stage.critics, learners[1].optimizer
    state = State(modules, optimizers)
    first = state.resume(folder, stage.name)
    log = _Log(folder, stage.name, schedule.steps, first)
    with Interruption() as interruption, log:
        for done in range(first + 1, schedule.steps + 1):
            log.note({name: term for learner in learners for name, term in learner.step(done - 1).items()})
            _follow(average, stage.module, min(schedule.average, done / (done + 9)))
            stop = processes.any_process(interruption.asked, fabric.device)
            ends = done == schedule.steps
            judges, saves = ends or done % schedule.validate_every == 0, ends or stop or done % schedule.save_every == 0
            if judges or saves:
                _require_finite(learners, stage.name, done, folder)
            if judges:
                log.write(done, lambda: _validate(stage, average))
            if saves and processes.index() == 0:
                state.save(folder, stage.name, done)
            if stop and not ends:
                raise KeyboardInterrupt
    stage.module.load_state_dict(average.state_dict())


class _Objective(nn.Module):
    """Losses as a forward pass: what Fabric wraps, so that gradients are averaged and precision is set."""

    def __init__(self, module: nn.Module, losses: Callable[[int], Terms], exact: bool, device: torch.device) -> None:
        super().__init__()
        self.module = module
        self._losses, self._exact, self._device = losses, exact, device

    def forward(self, step: int) -> Terms:
        if not self._exact:
            return self._losses(step)
        with torch.autocast(self._device.type, enabled=False):
            return self._losses(step)


class _Learner:
    """A module, its losses and its optimiser."""

    def __init__(
        self, module: nn.Module, losses: Callable[[int], Terms], exact: bool, schedule: Schedule, fabric: Fabric
    ) -> None:
        self._module, self._schedule, self._fabric = module, schedule, fabric
        self.optimizer = schedule.adam.optimizer(module)
        self._norms = torch.zeros((), device=fabric.device)
        self._objective, self._stepper = fabric.setup(_Objective(module, losses, exact, fabric.device), self.optimizer)

    def step(self, step: int) -> Terms:
        for group in self.optimizer.param_groups:
            group["lr"] = self._schedule.rate(step)
        terms: Terms = self._objective(step)
        self.optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(torch.stack(list(terms.values())).sum())
        self._norms += nn.utils.clip_grad_norm_(self._module.parameters(), self._schedule.clip)
        self._stepper.step()
        return {name: term.detach() for name, term in terms.items()}

    @property
    def finite(self) -> bool:
        """Whether every gradient so far was: one that isn't leaves no weight a number."""
        return bool(self._norms.isfinite())


def _require_finite(learners: Sequence[_Learner], name: str, step: int, folder: Path) -> None:
    if not all(learner.finite for learner in learners):
        raise ModelError(
            f"The weights of the stage '{name}' ran away before step {step}, they are no numbers any more. The same command with "
            f"another --seed goes on from the last checkpoint in {folder}."
        )


class _Log:
    """Smoothed losses and held-out figures: lines in `log.jsonl` and on stderr, and a bar where that is a terminal."""

    def __init__(self, folder: Path, name: str, steps: int, first: int) -> None:
        self._path, self._name, self._steps, self._first = folder / "log.jsonl", name, steps, first
        self._started = time.monotonic()
        self._recent: Terms = {}
        quiet = True if processes.index() else None
        self._bar = tqdm(total=steps, initial=first, desc=name, unit="step", disable=quiet)

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def note(self, terms: Terms) -> None:
        """The losses of one step."""
        for name, term in terms.items():
            self._recent[name] = torch.lerp(term, self._recent.get(name, term), _SMOOTHING)
        self._bar.update()

    def write(self, step: int, figures: Callable[[], dict[str, float]]) -> None:
        """One line; the figures are computed by the first process alone."""
        losses = processes.average(torch.stack(list(self._recent.values()))).tolist()
        if processes.index():
            return
        values = dict(zip(self._recent, losses, strict=True)) | figures()
        entry = {"stage": self._name, "step": step, "time": round(time.time())}
        line = json.dumps(entry | {key: round(value, 5) for key, value in values.items()})
        with self._path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        left_s = (time.monotonic() - self._started) / (step - self._first) * (self._steps - step)
        tqdm.write(f"{line}  about {left_s / 60:.0f} min left", file=sys.stderr)


@torch.no_grad()
def _follow(average: nn.Module, module: nn.Module, decay: float) -> None:
    for parameter, now in zip(average.parameters(), module.parameters(), strict=True):
        parameter.lerp_(now, 1 - decay)
    for buffer, current in zip(average.buffers(), module.buffers(), strict=True):
        buffer.copy_(current)


def _validate(stage: Stage, average: nn.Module) -> dict[str, float]:
    own = {name: value.clone() for name, value in stage.module.state_dict().items()}
    stage.module.load_state_dict(average.state_dict())
    stage.module.eval()
    with torch.no_grad():
        figures = stage.validate()
    stage.module.train()
    stage.module.load_state_dict(own)
    return figures
