"""How long a stage trains, with which optimiser and at which rate."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import torch
from torch import nn

EPOCH_STEPS = 2000
"""Steps of the released system's longest epoch."""
EPOCH_FACTOR = 0.98


class Decay(enum.Enum):
    """How the rate falls after the warm-up."""

    COSINE = "cosine"
    """To a hundredth at the last step."""
    LINEAR = "linear"
    """To zero at the last step: stage 2 of the paper."""
    EPOCHS = "epochs"
    """By two percent every 2,000 steps: stage 1 of the paper."""

    def factor(self, step: int, steps: int) -> float:
        """Share of the full rate, `step` steps after the warm-up of `steps` in all."""
        progress = step / max(1, steps)
        if self is Decay.COSINE:
            return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))
        return 1 - progress if self is Decay.LINEAR else EPOCH_FACTOR ** (step // EPOCH_STEPS)


@dataclass(frozen=True)
class Adam:
    """The optimiser's own settings."""

    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    amsgrad: bool = False

    def optimizer(self, module: nn.Module) -> torch.optim.Optimizer:
        """Adam over all parameters of the module; the loop sets its rate at every step."""
        settings = {"betas": self.betas, "weight_decay": self.weight_decay, "amsgrad": self.amsgrad}
        return torch.optim.Adam(module.parameters(), **settings)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up to `learning_rate`, then `decay` until `steps`."""

    steps: int
    batch: int
    learning_rate: float
    warmup: int = 100
    decay: Decay = Decay.COSINE
    adam: Adam = Adam()
    clip: float = 1.0
    """Largest norm of all gradients together; infinity for any."""
    average: float = 0.998
    """Decay of the averaged weights, which are the ones that are kept; 0 for the last weights themselves."""
    validate_every: int = 250
    save_every: int = 250

    def rate(self, step: int) -> float:
        """Learning rate at a step."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        return self.learning_rate * self.decay.factor(step - self.warmup, self.steps - self.warmup)
