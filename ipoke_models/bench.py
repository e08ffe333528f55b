"""Time and memory of every stage of sampling, with the plain row-by-row solver beside the fast one in the same run.

    python -m ipoke_models.bench [MODEL ...] [--batch N ...] [--threads N] [--json]

MODEL is an installed model, a model folder, or `released-64` / `released-128`: the published sizes with random weights.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .checkpoint import load_networks
from .config import (
    LATENT_PX,
    AutoencoderConfig,
    ConditionerConfig,
    DecoderConfig,
    EncoderConfig,
    FlowConfig,
    ModelConfig,
)
from .errors import ModelError
from .flow import ConditionalFlow, Conditioning, FlowSampler
from .flow.coupling import Coupling
from .flow.masked import MaskedConvolution
from .flow.sampler import CouplingSolver, MaskedSolver, PriorSolver
from .inference import DEFAULT_MODEL, installed_models
from .networks import Networks, without_norms

RELEASED = ("released-64", "released-128")
_MASKED, _COUPLINGS = "masked convolutions", "couplings"
_REPEATS = 3
_CLEAR_PEAK, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_WEIGHT_GAIN = 0.03


@dataclass(frozen=True)
class Row:
    """One measurement. `plain_s` and `ratio` are None where there is nothing to compare with."""

    what: str
    size_px: int
    batch: int
    device: str
    plain_s: float | None
    ours_s: float
    ratio: float | None
    peak_mb: float | None
    """Largest resident memory of the process during our run, weights included; None where the system doesn't tell."""


def released_config(size_px: int) -> ModelConfig:
    """The sizes of the published models: 64 px with 32 latent channels, 128 px with 64."""
    large = size_px == 128
    widths = (32, 64, 64, 64) if large else (32, 64, 64)
    channels = 64 if large else 32
    return ModelConfig(
        autoencoder=AutoencoderConfig(
            size_px=size_px,
            frames=10,
            latent_channels=channels,
            encoder_widths=(64, 128, 256, 256, 256) if large else (64, 128, 256, 256),
            decoder=DecoderConfig(widths=(256, 256, 256, 128, 64) if large else (256, 256, 128, 64)),
        ),
        conditioner=ConditionerConfig(EncoderConfig(3, 3, widths), EncoderConfig(5, 2, widths)),
        flow=FlowConfig(channels=channels, cond_channels=128),
    )


def random_networks(config: ModelConfig) -> Networks:
    """Networks with random weights, small enough in the flow for its inverse to stay finite."""
    with torch.device("meta"):
        networks = Networks(without_norms(config))
    networks = networks.to_empty(device="cpu").eval().requires_grad_(False)
    for name, tensor in networks.state_dict().items():
        if tensor.dtype == torch.int64:
            tensor.copy_(torch.randperm(tensor.numel()))
        elif name.endswith("weight") and tensor.ndim > 1:
            gain = _WEIGHT_GAIN if name.endswith(("mix.weight", "conv3.weight")) else 1.0
            nn.init.normal_(tensor, std=gain / tensor[0].numel() ** 0.5)
        else:
            nn.init.constant_(tensor, 1.0 if "norm" in name and name.endswith("weight") else 0.0)
    return networks


@torch.inference_mode()
def measure(networks: Networks, batch: int) -> Iterator[Row]:
    """All rows for one model and batch."""
    config, device = networks.config, str(next(networks.parameters()).device)

    def row(what: str, ours_s: float, plain_s: float | None = None) -> Row:
        ratio = None if plain_s is None else plain_s / ours_s
        return Row(what, config.size_px, batch, device, plain_s, ours_s, ratio, peak_mb)

    flow, autoencoder = networks.flow, networks.autoencoder
    x0 = torch.rand(1, 3, config.size_px, config.size_px) * 2 - 1
    poke_map = torch.zeros(1, 2, config.size_px, config.size_px)
    r = torch.randn(batch, config.flow.channels, LATENT_PX, LATENT_PX)
    h = networks.conditioner(x0, poke_map)
    # The plain solver comes first: the sampler lays out the weights in another way.
    plain_s = _seconds(lambda: flow.latent(r, h.expand(batch, -1, -1, -1)))
    plain = _plain_parts(flow, r, h.expand(batch, -1, -1, -1))
    _forget_peak()
    sampler = FlowSampler(flow)
    conditioning = sampler.condition(h)
    z = sampler.latent(r, conditioning)
    encoders_s = _seconds(lambda: networks.conditioner(x0, poke_map))
    conditioning_s = _seconds(lambda: sampler.condition(h))
    ours_s, ours = _seconds(lambda: sampler.latent(r, conditioning)), _sampler_parts(sampler, r, conditioning)
    first_s = _seconds(lambda: autoencoder.decode(z, x0, 1))
    all_s = _seconds(lambda: autoencoder.decode(z, x0, config.frames))
    peak_mb = _peak_mb()
    yield row("encoders of still and pokes", encoders_s)
    yield row("flow's share of still and pokes, once", conditioning_s)
    yield row("flow", ours_s, plain_s)
    yield row("flow: masked convolutions", ours[_MASKED], plain[_MASKED])
    yield row("flow: couplings", ours[_COUPLINGS], plain[_COUPLINGS])
    yield row("flow: matrix products of the couplings alone (floor)", _floor_s(sampler, batch))
    yield row("decoder, first frame", first_s)
    yield row("decoder, all frames", all_s)
    yield row("request to first frame", encoders_s + conditioning_s + ours_s + first_s)
    yield row("re-roll to last frame", ours_s + all_s)


def _seconds(work: Callable[[], object]) -> float:
    """The quickest of a few runs."""
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _plain_parts(flow: ConditionalFlow, r: Tensor, h: Tensor) -> dict[str, float]:
    owners: list[tuple[object, str]] = [(module, _MASKED) for module in flow.modules() if isinstance(module, MaskedConvolution)]
    owners += [(module, _COUPLINGS) for module in flow.modules() if isinstance(module, Coupling)]
    return _seconds_by_kind(owners, "inverse", lambda: flow.latent(r, h))


def _sampler_parts(sampler: FlowSampler, r: Tensor, conditioning: Conditioning) -> dict[str, float]:
    parts = [part for level in sampler.levels for part in level]
    owners: list[tuple[object, str]] = [(part, _MASKED) for part in parts if isinstance(part, MaskedSolver)]
    owners += [(part, _COUPLINGS) for part in _couplings(sampler)]
    return _seconds_by_kind(owners, "solve", lambda: sampler.latent(r, conditioning))


def _couplings(sampler: FlowSampler) -> list[CouplingSolver]:
    parts = [part for level in sampler.levels for part in level]
    return [part for part in parts if isinstance(part, CouplingSolver)] + [
        part.coupling for part in parts if isinstance(part, PriorSolver)
    ]


def _seconds_by_kind(owners: Sequence[tuple[object, str]], method: str, work: Callable[[], object]) -> dict[str, float]:
    """Time that `work` spends in a method of each kind of object."""
    spent: dict[str, float] = defaultdict(float)

    def timed(call: Callable[..., Tensor], kind: str) -> Callable[..., Tensor]:
        def timed_call(*arguments: object) -> Tensor:
            start = time.perf_counter()
            result = call(*arguments)
            spent[kind] += time.perf_counter() - start
            return result

        return timed_call

    for owner, kind in owners:
        setattr(owner, method, timed(getattr(owner, method), kind))
    work()
    for owner, _ in owners:
        delattr(owner, method)
    return spent


def _floor_s(sampler: FlowSampler, batch: int) -> float:
    """Time of the matrix products that the couplings can't do without."""
    matrices = [coupling.products for coupling in _couplings(sampler)]
    rows = batch * LATENT_PX * LATENT_PX
    pixels = {first.shape[0]: torch.randn(rows, first.shape[0]) for first, _, _ in matrices}

    def multiply() -> None:
        for first, mid, last in matrices:
            pixels[first.shape[0]] @ first @ mid @ last

    return _seconds(multiply)


def _forget_peak() -> None:
    """Starts the count of `_peak_mb` anew, where the system can."""
    with contextlib.suppress(OSError):
        _CLEAR_PEAK.write_text("5")


def _peak_mb() -> float | None:
    with contextlib.suppress(OSError):
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    return None


def _networks(name: str) -> Networks:
    if name in RELEASED:
        return random_networks(released_config(int(name.rpartition("-")[2])))
    folders = {info.name: info.folder for info in installed_models()}
    return load_networks(folders.get(name, Path(name)))[1]


def _print_table(name: str, rows: list[Row]) -> None:
    print(f"\n{name}, {rows[0].size_px} px, batch {rows[0].batch}, {rows[0].device}, {torch.get_num_threads()} threads")
    print("| stage | plain s | ours s | ratio | peak MB |\n|---|---|---|---|---|")
    for row in rows:
        cells = (_cell(row.plain_s, 3), _cell(row.ours_s, 3), _cell(row.ratio, 1), _cell(row.peak_mb, 0))
        print(f"| {row.what} | {' | '.join(cells)} |")


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m ipoke_models.bench", description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", default=[DEFAULT_MODEL], metavar="MODEL", help=f"or {', '.join(RELEASED)}")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8], help="numbers of variants (default: 1 8)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    everything: list[Row] = []
    try:
        for name in options.models:
            networks = _networks(name)
            for batch in options.batch:
                rows = list(measure(networks, batch))
                everything += rows
                if not options.json:
                    _print_table(name, rows)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"rows": [asdict(row) for row in everything]}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
