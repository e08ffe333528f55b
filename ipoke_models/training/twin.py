"""The flow's twin of the ablation, trained on the same codes, pokes and encoders as the flow itself (paper, section 4)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..config import CvaeConfig, from_dict, to_dict
from ..errors import CheckpointError
from ..networks.cvae import ConditionalVae
from ..networks.whole import Networks
from .codes import CodedClips, Examples
from .losses import VALIDATION_SEED, mean_figures
from .objectives import evidence_loss
from .processes import beside, share

FILE = "twin.safetensors"


class TwinStage:
    """Trains the twin: evidence lower bound of z given h, per dimension of z. The encoders are frozen."""

    name = "twin"
    exact = True

    def __init__(
        self, twin: ConditionalVae, networks: Networks, train: CodedClips, held_out: CodedClips, batch: int, seed: int
    ) -> None:
        self.module = twin
        self._conditioner = networks.conditioner.requires_grad_(False).eval()
        self._train, self._held_out = train, held_out
        self._batch, self._seed = batch, seed

    def losses(self, step: int) -> dict[str, Tensor]:
        """Negative evidence on fresh clips."""
        rng = np.random.default_rng([self._seed, 8, step])
        torch.manual_seed(int(rng.integers(2**31)))
        examples = self._train.random_share(rng, self._batch)
        noise = share(torch.randn(self._batch, *examples.z.shape[1:]))
        return {"evidence": self._evidence(examples, beside(self.module, noise))}

    def _evidence(self, examples: Examples, noise: Tensor | None = None) -> Tensor:
        with torch.no_grad():
            h = self._conditioner(examples.x0, examples.pokes.maps, examples.thing)
        return evidence_loss(examples.z, *self.module(examples.z, h, noise)) / examples.z[0].numel()

    def validate(self) -> dict[str, float]:
        """Negative evidence on held-out clips."""
        rng = np.random.default_rng([VALIDATION_SEED, 9])
        return mean_figures({"held_out_evidence": float(self._evidence(part))} for part in self._held_out.in_order(rng, 64))


def save_twin(work: Path, twin: ConditionalVae) -> None:
    """Write the twin's weights, with its sizes, into a work folder."""
    partial = work / f"{FILE}.part"
    save_file(twin.state_dict(), partial, {"config": json.dumps(to_dict(twin.config))})
    partial.replace(work / FILE)


def load_twin(work: Path) -> ConditionalVae:
    """The twin of a work folder. Raises CheckpointError where there is none, or a damaged one."""
    path = work / FILE
    try:
        with safe_open(path, "pt") as file:
            config = from_dict(CvaeConfig, json.loads(file.metadata()["config"]))
        twin = ConditionalVae(config)
        twin.load_state_dict(load_file(path))
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{path} holds no twin ({error}); train one with 'ipoke train --twin'.") from error
    return twin.eval().requires_grad_(False)
