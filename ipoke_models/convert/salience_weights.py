"""`python -m ipoke_models.convert.salience_weights u2netp.onnx -o FILE`: the weights of what finds things that stand out.

Reads U²-Net-p as `rembg` publishes it (Qin et al. 2020, xuebinqin/U-2-Net, Apache-2.0): its norms are folded already.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from ..errors import CheckpointError
from ..segmentation.salience import Salience
from .onnx_reader import read_convolutions


def convert(published: Path, target: Path) -> None:
    """Write the weights as safetensors.

    Raises:
        CheckpointError: the file can't be read, or holds another network.
    """
    network = from_published(read_convolutions(published))
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), target)


def from_published(convolutions: Sequence[tuple[Tensor, Tensor]]) -> Salience:
    """The network with kernels and biases in the order in which they are computed.

    Raises:
        CheckpointError: they are of another network.
    """
    network = Salience()
    own = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    if [module.weight.shape for module in own] != [kernel.shape for kernel, _ in convolutions]:
        raise CheckpointError("These are no weights of U²-Net-p; give u2netp.onnx.")
    for module, (kernel, bias) in zip(own, convolutions, strict=True):
        module.weight.data, module.bias = kernel, nn.Parameter(bias)
    return network


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ipoke_models.convert.salience_weights", description=__doc__)
    parser.add_argument("published", type=Path, help="u2netp.onnx")
    parser.add_argument("-o", "--output", type=Path, required=True, help="safetensors file to write")
    options = parser.parse_args(arguments)
    try:
        convert(options.published, options.output)
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Wrote {options.output}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
