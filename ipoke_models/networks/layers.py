"""Building blocks that the encoders and decoders share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

Activation = Callable[[Tensor], Tensor]


def spectral(layer: nn.Module, enabled: bool) -> nn.Module:
    """The layer, with its weight divided by its largest singular value where enabled."""
    return parametrizations.spectral_norm(layer) if enabled else layer


@torch.no_grad()
def folded_state(module: nn.Module) -> dict[str, Tensor]:
    """The state of `module` built without norms: every normed weight as the plain one that it yields now."""
    state = {name: value for name, value in module.state_dict().items() if ".parametrizations." not in name}
    for name, child in module.named_modules():
        if parametrize.is_parametrized(child, "weight"):
            was_training = child.training
            child.eval()
            state[f"{name}.weight"] = child.weight.detach().clone()
            child.train(was_training)
    return state


@torch.no_grad()
def load_folded(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give `module`, with norms or without, the weights of `folded_state`; normed ones yield what was folded.

    A row of zeros tells no direction: a weight norm keeps the one that it has, since it can't divide by a length of zero.
    """
    for name, value in state.items():
        owner, _, leaf = name.rpartition(".")
        child = module.get_submodule(owner)
        if parametrize.is_parametrized(child, leaf):
            _set_normed(child, leaf, value)
        else:
            getattr(child, leaf).copy_(value)


def _set_normed(child: nn.Module, leaf: str, value: Tensor) -> None:
    normed = dict(child.get_submodule(f"parametrizations.{leaf}").named_parameters())
    before = {name: parameter.clone() for name, parameter in normed.items()}
    setattr(child, leaf, value)
    if "original1" in normed:  # a weight norm: lengths of rows, and their directions
        length, direction = normed["original0"], normed["original1"]
        direction.copy_(torch.where(length == 0, before["original1"], direction))


class ResBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: y = conv2(act(conv1(x))) + shortcut(x), the first one changing the scale.

    `stride` 2 halves and `up` doubles the resolution. The shortcut is the identity where shape and channels stay,
    else a 3x3 convolution with instance norm and the activation. Transposed convolutions are followed by ReLU, plain
    ones by ELU: so it is in the released system.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, up: bool = False, groups: int | None, spectral_norm: bool
    ) -> None:
        super().__init__()
        self.activation: nn.Module = nn.ReLU() if up else nn.ELU()
        self.conv1 = spectral(_scaling_conv(in_channels, out_channels, stride, up), spectral_norm)
        self.norm1 = nn.GroupNorm(groups, out_channels) if groups else nn.Identity()
        self.conv2 = spectral(nn.Conv2d(out_channels, out_channels, 3, padding=1), spectral_norm)
        self.norm2 = nn.GroupNorm(groups, out_channels) if groups else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if up or stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                spectral(_scaling_conv(in_channels, out_channels, stride, up), spectral_norm),
                nn.InstanceNorm2d(out_channels),
                self.activation,
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, H, W) -> (B, Cout, H', W')."""
        main = self.activation(self.norm1(self.conv1(x)))
        main = self.norm2(self.conv2(main))
        return main + self.shortcut(x)


class NormalisedBlock(nn.Module):
    """y = conv2(SiLU(norm2(conv1(SiLU(norm1(x)))))), the first 3x3 convolution with `stride`; what adds it to x is outside."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, groups: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(groups, in_channels), nn.GroupNorm(groups, out_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, H, W) -> (B, Cout, H', W')."""
        y: Tensor = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y)))
        return y


class ResBlock3d(nn.Module):
    """Two 3x3x3 convolutions beside a shortcut, in space and time (3D-ResNet-18): y = ReLU(conv2(ReLU(conv1(x))) + shortcut(x)).

    All convolutions are without bias and followed by group norm. The shortcut is the identity where `stride` is 1.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: tuple[int, int, int], groups: int, spectral_norm: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = spectral(nn.Conv3d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False), spectral_norm)
        self.norm1 = nn.GroupNorm(groups, out_channels)
        self.conv2 = spectral(nn.Conv3d(out_channels, out_channels, 3, padding=1, bias=False), spectral_norm)
        self.norm2 = nn.GroupNorm(groups, out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != (1, 1, 1):
            conv = nn.Conv3d(in_channels, out_channels, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(spectral(conv, spectral_norm), nn.GroupNorm(groups, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, T, H, W) -> (B, Cout, T', H', W')."""
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


def _scaling_conv(in_channels: int, out_channels: int, stride: int, up: bool) -> nn.Module:
    if up:
        return nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1)
    return nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
