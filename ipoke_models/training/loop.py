"""One training loop for every stage: schedule, clipping, averaged weights, checkpoints that resume, a log.

A stage draws everything random from (seed, step), so a resumed run goes on with the same batches.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

KEPT_CHECKPOINTS = 2
GRADIENT_CLIP = 1.0


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up to `learning_rate`, then cosine to a hundredth of it at `steps`."""

    steps: int
    batch: int
    learning_rate: float
    warmup: int = 100
    average: float = 0.998
    validate_every: int = 250
    save_every: int = 250

    def rate(self, step: int) -> float:
        """Learning rate at a step."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        progress = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * progress)))))


class Stage(Protocol):
    """What the loop needs of a stage."""

    name: str

    @property
    def module(self) -> nn.Module:
        """What is trained."""

    def losses(self, step: int) -> dict[str, Tensor]:
        """Terms of the loss at this step; their sum is minimised, names go to the log."""

    def validate(self) -> dict[str, float]:
        """Figures on held-out clips; called with the averaged weights in place."""


def train_stage(stage: Stage, schedule: Schedule, folder: Path) -> None:
    """Train to the end of the schedule and leave the averaged weights in `stage.module`; resumes from `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    average = copy.deepcopy(stage.module).requires_grad_(False)
    optimizer = torch.optim.Adam(stage.module.parameters(), lr=schedule.learning_rate)
    first = _resume(folder, stage, average, optimizer)
    started = time.monotonic()
    recent: dict[str, float] = {}
    for step in range(first, schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        terms = stage.losses(step)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.stack(list(terms.values())).sum())
        nn.utils.clip_grad_norm_(stage.module.parameters(), GRADIENT_CLIP)
        optimizer.step()
        _follow(average, stage.module, min(schedule.average, (step + 1) / (step + 10)))
        for name, term in terms.items():
            value = float(term.detach())
            recent[name] = 0.95 * recent.get(name, value) + 0.05 * value
        done = step + 1
        if done % schedule.validate_every == 0 or done == schedule.steps:
            left_s = (time.monotonic() - started) / (done - first) * (schedule.steps - done)
            _log(folder, stage.name, done, recent, _validate(stage, average), left_s)
        if done % schedule.save_every == 0 or done == schedule.steps:
            _save(folder, stage, average, optimizer, done)
    stage.module.load_state_dict(average.state_dict())


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


def _log(folder: Path, name: str, step: int, losses: dict[str, float], figures: dict[str, float], left_s: float) -> None:
    rounded = {key: round(value, 5) for key, value in (losses | figures).items()}
    entry = {"stage": name, "step": step, "time": round(time.time()), **rounded}
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")
    print(f"{json.dumps(entry)}  about {left_s / 60:.0f} min left", file=sys.stderr, flush=True)


def _checkpoints(folder: Path, name: str) -> list[Path]:
    return sorted(folder.glob(f"{name}-*.safetensors"))


def _save(folder: Path, stage: Stage, average: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    tensors = {f"module.{k}": v for k, v in stage.module.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
    final = folder / f"{stage.name}-{step:07d}.safetensors"
    partial = final.with_suffix(".part")
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, partial)
    partial.replace(final)
    for old in _checkpoints(folder, stage.name)[:-KEPT_CHECKPOINTS]:
        old.unlink()


def _resume(folder: Path, stage: Stage, average: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    found = _checkpoints(folder, stage.name)
    if not found:
        return 0
    tensors = load_file(found[-1])
    stage.module.load_state_dict(_below(tensors, "module."))
    average.load_state_dict(_below(tensors, "average."))
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in _below(tensors, "optimizer.").items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(found[-1].stem.rpartition("-")[2])


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def mean_figures(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """Average dictionaries with the same keys."""
    listed = list(rows)
    return {key: sum(row[key] for row in listed) / len(listed) for key in listed[0]}
