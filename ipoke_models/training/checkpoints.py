"""Checkpoints of a stage in its work folder: safetensors, written in one step, the last two kept.

WORK/video-0000250.safetensors    module.*, average.*, optimizer.N.*; with critics also critics.* and critics_optimizer.N.*
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from ..errors import CheckpointError
from ..weights_file import open_weights, read_weights

KEPT_CHECKPOINTS = 2
_KIND = {"kind": "ipoke-checkpoint-1"}


@dataclass(frozen=True)
class State:
    """Everything that a stage changes, by the prefix under which a checkpoint holds it."""

    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]

    def save(self, folder: Path, name: str, step: int) -> None:
        """Write the checkpoint of this step and remove those written before the last two."""
        tensors: dict[str, Tensor] = {}
        for prefix, module in self.modules.items():
            tensors |= {f"{prefix}.{key}": value for key, value in module.state_dict().items()}
        for prefix, optimizer in self.optimizers.items():
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= {f"{prefix}.{index}.{key}": value for key, value in state.items()}
        final = folder / f"{name}-{step:07d}.safetensors"
        partial = final.with_suffix(".part")
        save_file({key: value.detach().to("cpu", copy=True).contiguous() for key, value in tensors.items()}, partial, _KIND)
        partial.replace(final)
        for old in _found(folder, name)[:-KEPT_CHECKPOINTS]:
            if _is_ours(old):
                old.unlink()

    def resume(self, folder: Path, name: str) -> int:
        """Load the last checkpoint that can be read; returns its step, 0 where there is none.

        Raises:
            CheckpointError: it holds other networks.
        """
        for path in reversed(_found(folder, name)):
            try:
                tensors = read_weights(path)
            except CheckpointError as error:
                print(f"{path} is damaged, going on from the one before it. {error}", file=sys.stderr)
                continue
            try:
                self._load(tensors)
            except (RuntimeError, ValueError) as error:
                raise CheckpointError(f"{path} holds other networks than the preset's; name another --work folder.") from error
            return int(path.stem.rpartition("-")[2])
        return 0

    def _load(self, tensors: Mapping[str, Tensor]) -> None:
        for prefix, module in self.modules.items():
            module.load_state_dict(_below(tensors, f"{prefix}."))
        for prefix, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _below(tensors, f"{prefix}.").items():
                index, _, entry = key.partition(".")
                state.setdefault(int(index), {})[entry] = value
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _found(folder: Path, name: str) -> list[Path]:
    """Files that are named as checkpoints are, by their steps."""
    named = re.compile(re.escape(name) + r"-\d{7,}\.safetensors")
    return sorted(path for path in folder.glob(f"{name}-*.safetensors") if named.fullmatch(path.name))


def _is_ours(path: Path) -> bool:
    try:
        with open_weights(path) as file:
            return not path.is_symlink() and file.metadata == _KIND
    except CheckpointError:
        return False


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
