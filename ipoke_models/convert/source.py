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

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of a tensor that must be there."""
        self._require(key)
        return tuple(self._left[key].shape)

    def take(self, key: str) -> Tensor:
        """A tensor as it is, which is no longer held here. Floating values come as float32."""
        self._require(key)
        self.taken.add(key)
        value = self._left.pop(key)
        return value.float() if value.is_floating_point() else value

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
        return direction * (gain / direction.flatten(1).norm(dim=1).view_as(gain))

    def spectral_weight(self, prefix: str, transposed: bool) -> Tensor:
        """The weight of a spectral-normed layer; `transposed` for transposed convolutions, normed over dimension 1."""
        weight = self.take(f"{prefix}.weight_orig")
        left, right = self.take(f"{prefix}.weight_u"), self.take(f"{prefix}.weight_v")
        matrix = (weight.transpose(0, 1) if transposed else weight).flatten(1)
        if matrix.shape != (left.numel(), right.numel()):
            raise CheckpointError(f"{prefix}: weight_u and weight_v do not fit weight_orig {tuple(weight.shape)}.")
        return weight / torch.dot(left, matrix @ right)

    def permutation(self, prefix: str) -> Tensor:
        """The order of a channel shuffle, checked against its inverse."""
        forward, backward = self.take(f"{prefix}.forward_shuffle_idx"), self.take(f"{prefix}.backward_shuffle_idx")
        if not torch.equal(torch.sort(forward).values, torch.arange(forward.numel())):
            raise CheckpointError(f"{prefix}.forward_shuffle_idx is no permutation.")
        if not torch.equal(torch.argsort(forward), backward):
            raise CheckpointError(f"{prefix}.backward_shuffle_idx is not the inverse of forward_shuffle_idx.")
        return forward

    def _require(self, key: str) -> None:
        if key in self.taken:
            raise CheckpointError(f"the checkpoint's {key} would be used twice, so its layout is not the released one.")
        if key not in self._left:
            raise CheckpointError(f"the checkpoint has no {key}, which the released layout holds.")
