"""A checkpoint's tensors, each to be taken once or dropped with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..errors import CheckpointError


class Tensors:
    """Hands out tensors by name; `taken` are those that were used, `left` those that were not."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._left = dict(tensors)
        self.taken: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._left

    @property
    def left(self) -> list[str]:
        """Names not taken yet, sorted."""
        return sorted(self._left)

    def size(self, key: str, dimension: int) -> int:
        """The size along one dimension of a tensor that must be there."""
        self._require(key)
        shape = tuple(self._left[key].shape)
        if dimension >= len(shape) or shape[dimension] == 0:
            raise CheckpointError(f"the checkpoint's {key} has shape {shape}, from which no size can be read.")
        return shape[dimension]

    def take(self, key: str) -> Tensor:
        """Weights, which are no longer held here, as float32."""
        value = self._pop(key)
        if not value.is_floating_point():
            raise CheckpointError(f"the checkpoint's {key} is of type {_type(value)}, but a weight is a floating number.")
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"the checkpoint's {key} holds values that are not finite; the model can't be used.")
        return value.float()

    def require_set(self, suffix: str) -> None:
        """Raises where a flag whose name ends in `suffix` is 0."""
        unset = [key for key, value in self._left.items() if key.endswith(suffix) and not bool(value.all())]
        if unset:
            raise CheckpointError(f"the checkpoint's {min(unset)} is 0, so that layer was never trained; give a trained one.")

    def drop(self, belongs: Callable[[str], bool]) -> tuple[str, ...]:
        """Lets go of all that are left for which `belongs`."""
        dropped = tuple(key for key in self.left if belongs(key))
        for key in dropped:
            del self._left[key]
        return dropped

    def weight_normed(self, prefix: str) -> Tensor:
        """The weight g v / |v| of a weight-normed layer, |v| for each output channel."""
        gain, direction = self.take(f"{prefix}.weight_g"), self.take(f"{prefix}.weight_v")
        if gain.shape != (direction.shape[0], *[1] * (direction.ndim - 1)):
            raise CheckpointError(f"{prefix}: weight_g {tuple(gain.shape)} does not fit weight_v {tuple(direction.shape)}.")
        norm = direction.flatten(1).norm(dim=1).view_as(gain)
        if not bool((norm > 0).all()):
            raise CheckpointError(f"{prefix}.weight_v has a direction of length 0; the checkpoint is damaged.")
        return direction * (gain / norm)

    def spectral_weight(self, prefix: str, transposed: bool) -> Tensor:
        """The weight of a spectral-normed layer; `transposed` for transposed convolutions, normed over dimension 1."""
        weight = self.take(f"{prefix}.weight_orig")
        left, right = self.take(f"{prefix}.weight_u"), self.take(f"{prefix}.weight_v")
        matrix = (weight.transpose(0, 1) if transposed else weight).flatten(1)
        if matrix.shape != (left.numel(), right.numel()):
            raise CheckpointError(f"{prefix}: weight_u and weight_v do not fit weight_orig {tuple(weight.shape)}.")
        largest = torch.dot(left, matrix @ right)
        if not bool(largest.isfinite() and largest != 0):
            raise CheckpointError(f"{prefix}: weight_u and weight_v give a norm of {float(largest)}; the checkpoint is damaged.")
        return weight / largest

    def permutation(self, prefix: str) -> Tensor:
        """The order of a channel shuffle, checked against its inverse."""
        forward, backward = (self._indices(f"{prefix}.{way}_shuffle_idx") for way in ("forward", "backward"))
        if not torch.equal(torch.sort(forward).values, torch.arange(forward.numel())):
            raise CheckpointError(f"{prefix}.forward_shuffle_idx is no permutation.")
        if not torch.equal(torch.argsort(forward), backward):
            raise CheckpointError(f"{prefix}.backward_shuffle_idx is not the inverse of forward_shuffle_idx.")
        return forward

    def _indices(self, key: str) -> Tensor:
        value = self._pop(key)
        if value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
            raise CheckpointError(f"the checkpoint's {key} is of type {_type(value)}, but an order of channels is whole numbers.")
        return value.long()

    def _pop(self, key: str) -> Tensor:
        self._require(key)
        self.taken.add(key)
        return self._left.pop(key)

    def _require(self, key: str) -> None:
        if key in self.taken:
            raise CheckpointError(f"the checkpoint's {key} would be used twice, so its layout is not the released one.")
        if key not in self._left:
            raise CheckpointError(f"the checkpoint has no {key}, which the released layout holds.")


def _type(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")
