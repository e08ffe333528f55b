"""Every reference vector beside what the converted model says.

python -m tests.models.reference        prints the table of largest differences
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ipoke_models.checkpoint import load_networks
from ipoke_models.convert import convert
from ipoke_models.networks.whole import Networks

TINY = Path(__file__).parent / "vectors" / "tinyA"
_STEP = ("actnorm1", "conv1x1", "units1.0", "units1.1", "coupling1_up", "coupling1_dn")
_STEP += ("actnorm2", "units2.0", "units2.1", "coupling2_up", "coupling2_dn")
_UNIT = {0: "conv1", 1: "conv2", 3: "conv3", 4: "conv4"}


@dataclass(frozen=True)
class Difference:
    """One array: the largest absolute difference, and the most that is accepted."""

    name: str
    found: float
    accepted: float


def vectors() -> dict[str, Tensor]:
    """All arrays, float16 as float32."""
    arrays = np.load(TINY / "vectors.npz")
    return {
        name: torch.from_numpy(arrays[name].astype(np.float32) if arrays[name].dtype == np.float16 else arrays[name])
        for name in arrays.files
    }


def differences(networks: Networks, known: dict[str, Tensor]) -> list[Difference]:
    """Every array of the vectors that is an output."""
    with torch.no_grad():
        outputs = dict(_outputs(networks, known))
    missing = known.keys() - outputs.keys() - {"X", "poke", "poke_coords", "r"}
    assert not missing, f"no output for {sorted(missing)}"
    return [Difference(name, float((output - known[name]).abs().max()), _accepted(name)) for name, output in outputs.items()]


def _accepted(name: str) -> float:
    if "logdet" in name:
        return 1e-3
    return 5e-5 if "frames" in name else 1e-4


def _outputs(networks: Networks, known: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    clip, poke_map = known["X"], known["poke"]
    x0 = clip[:, 0]
    h = networks.conditioner(x0, poke_map)
    yield "img_emb", networks.conditioner.image.encoder(x0)
    yield "poke_emb", networks.conditioner.poke.embed(poke_map, x0)
    yield "cond", h
    yield "img_ae", networks.conditioner.image(x0)
    yield "poke_ae", networks.conditioner.poke(poke_map, x0)
    yield from _autoencoder(networks, known, x0)
    z = networks.flow.latent(known["r"], h)
    yield "z", z
    yield "z_f64", z
    yield "fwd_r", networks.flow.residual(known["z"], h)[0]
    yield "fwd_logdet", networks.flow.residual(known["z"], h)[1]
    yield "fwd_logdet_f64", networks.flow.residual(known["z"], h)[1]
    yield "r_of_mean", networks.flow.residual(known["enc_mean"], h)[0]
    yield "logdet_of_mean", networks.flow.residual(known["enc_mean"], h)[1]
    yield "mean_back", networks.flow.latent(known["r_of_mean"], h)
    yield from _forward_modules(networks, known["z"], h)
    yield from _reverse_modules(networks, known["r"], h)


def _autoencoder(networks: Networks, known: dict[str, Tensor], x0: Tensor) -> Iterator[tuple[str, Tensor]]:
    autoencoder = networks.autoencoder
    mean, logvar = autoencoder.encode(known["X"])
    yield "enc_mean", mean
    yield "enc_mean_f64", mean
    yield "enc_logvar", logvar
    frames = autoencoder.decode(known["z"], x0, known["frames"].shape[1])
    yield "frames", frames
    yield "frames_f64_last", frames[:, -1]
    decoded = autoencoder.decode(known["enc_mean"], x0, known["frames"].shape[1])
    yield "rec_frames_first_last", decoded[:, [0, -1]]
    yield "gru_h1_last", autoencoder.unroll(known["z"], 1)[:, 0]


def _forward_modules(networks: Networks, z: Tensor, h: Tensor) -> Iterator[tuple[str, Tensor]]:
    x = z
    for number, level in enumerate(networks.flow.levels):
        steps = networks.config.flow.num_steps[number]
        for index, part in enumerate(level.parts):
            if (number, index) == (0, 0):
                yield from _first_step(part, x, h)
            x = part(x, h)[0]
            if index <= steps:
                yield (f"fwd/layers.{number}.{index}" if index < steps else f"fwd/priors.{number}"), x
        x = x[:, : -networks.config.flow.split_channels]


def _first_step(step: torch.nn.Module, x: Tensor, h: Tensor) -> Iterator[tuple[str, Tensor]]:
    for name, part in zip(_STEP, step.parts, strict=True):
        if name == "units1.0":
            inner = x
            for index, masked in enumerate(part.parts):
                inner = masked(inner, h)[0]
                if index in _UNIT:
                    yield f"fwd/layers.0.0.{name}.{_UNIT[index]}", inner
        x = part(x, h)[0]
        yield f"fwd/layers.0.0.{name}", x


def _reverse_modules(networks: Networks, r: Tensor, h: Tensor) -> Iterator[tuple[str, Tensor]]:
    flow, split = networks.flow, networks.config.flow.split_channels
    kept = networks.config.flow.level_channels[-1] - split
    x, rest = r[:, :kept], r[:, kept:]
    for number in reversed(range(len(flow.levels))):
        x, rest = torch.cat((x, rest[:, :split]), dim=1), rest[:, split:]
        steps = networks.config.flow.num_steps[number]
        for index in reversed(range(steps + 2)):
            x = flow.levels[number].parts[index].inverse(x, h)  # type: ignore[call-arg]
            if index <= steps:
                yield (f"rev/layers.{number}.{index}" if index < steps else f"rev/priors.{number}"), x


def main() -> None:
    """Converts the checkpoint and prints the table."""
    with tempfile.TemporaryDirectory() as scratch:
        convert(TINY, "tinyA", Path(scratch) / "tinyA")
        _, networks = load_networks(Path(scratch) / "tinyA")
    print("| array | largest difference | accepted |\n|---|---|---|")
    for row in differences(networks, vectors()):
        print(f"| `{row.name}` | {row.found:.1e} | {row.accepted:.0e} |")


if __name__ == "__main__":
    main()
