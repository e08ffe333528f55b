"""What the processes of one training share. Without torchrun there is one, and all of this changes nothing.

Every process draws the same batch from (seed, step), and reads and computes its share of it: clips index, index + count, ...
Gradients are averaged over processes, so that means over shares of equal size are means over the batch.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..errors import ModelError
from ..records import Record, map_tensors


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def index() -> int:
    """Which of them this one is; the first one writes logs and checkpoints."""
    return dist.get_rank() if count() > 1 else 0


def part() -> slice:
    """This process's clips of a batch."""
    return slice(index(), None, count())


def require_divisible(batch: int) -> None:
    """Raises ModelError where the shares of a batch would differ in size."""
    if batch % count():
        raise ModelError(f"A batch of {batch} can't be shared by {count()} processes alike; start a divisor of {batch}.")


def share(tensor: Tensor) -> Tensor:
    """This process's share of a tensor: (B, ...) -> (B / count, ...)."""
    return tensor[part()]


def beside(module: nn.Module, record: Record) -> Record:
    """A tensor, or every tensor in a dataclass, on the device of the module."""
    device = next(module.parameters()).device
    return map_tensors(record, lambda tensor: tensor.to(device))


def average(value: Tensor) -> Tensor:
    """Mean of a tensor over all processes; no gradient flows through it."""
    if count() == 1:
        return value.detach()
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / count()


def any_process(flag: bool, device: torch.device) -> bool:
    """Whether any process says so."""
    return flag if count() == 1 else bool(average(torch.tensor(float(flag), device=device)) > 0)
