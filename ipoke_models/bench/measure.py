"""All rows of one model: the plain row-by-row solver first, then what ships, in the same process."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ipoke_values import Sampling

from ..checkpoint import Manifest, load_networks
from ..config import LATENT_PX
from ..installed import installed_models
from ..model import Model
from ..networks.flow import FlowSampler, RecordedSampler
from ..networks.flow.coupling import Coupling
from ..networks.flow.masked import MaskedConvolution
from ..networks.flow.sampler import CouplingSolver, MaskedSolver, PriorSolver, Solver
from ..networks.whole import Networks
from ..sampling.residuals import GROUP
from .released import RELEASED, random_networks, released_config
from .timing import clocked, forget_peak, peak_mb, roofline_s, seconds, seconds_by_kind

FLOW, MASKED, COUPLINGS = "flow", "flow: masked convolutions", "flow: couplings"
FLOW_RECORDED = "flow, recorded as one CUDA graph"
FLOOR = "flow: matrix products of the couplings alone (floor)"
ROOFLINE = "flow: at the speed of one large product and copy (roofline)"
REQUEST_FIRST, REQUEST_LAST = "request to first frame", "request to last frame"
REROLL_FIRST, REROLL_LAST = "re-roll to first frame", "re-roll to last frame"
_LEAST_REQUESTS, _MOST_REQUESTS, _ENOUGH_S = 4, 8, 20.0
_POKES = ((0.5, 0.5, 0.1, -0.05),)
_NOT_STORED = "0" * 64


@dataclass(frozen=True)
class Row:
    """One measurement, medians. Fields are None where there is nothing to compare with, or where the system doesn't tell."""

    what: str
    size_px: int
    batch: int
    device: str
    plain_s: float | None
    ours_s: float
    ratio: float | None
    peak_mb: float | None = None
    """Largest memory during our run, weights included."""
    plain_peak_mb: float | None = None
    weights_mb: float | None = None


@dataclass(frozen=True)
class _Plain:
    flow_s: float
    parts_s: dict[str, float]
    peak_mb: float | None


def measure(name: str, batches: Sequence[int], device: str, threads: int) -> list[Row]:
    """All rows of an installed model, a model folder, or one of `RELEASED`.

    Raises:
        ModelError: there is no such model.
    """
    torch.set_num_threads(threads)
    return list(_rows(name, batches, device))


def _rows(name: str, batches: Sequence[int], device: str) -> Iterator[Row]:
    torch.manual_seed(0)
    manifest, networks = _loaded(name, device)
    # The plain solver comes first: the sampler lays out the weights in another way.
    plain = {batch: _plain(networks, batch, device) for batch in batches}
    sampler = FlowSampler(networks.flow)
    for batch in batches:
        yield from _stages(networks, sampler, batch, device, plain[batch])
    del sampler
    yield from _requests(Model(manifest, networks, Path(name), torch.device(device)), device)


def _loaded(name: str, device: str) -> tuple[Manifest, Networks]:
    if name in RELEASED:
        networks = random_networks(released_config(int(name.rpartition("-")[2])), device)
        return Manifest(name, networks.config, _NOT_STORED), networks
    folders = {info.name: info.folder for info in installed_models()}
    return load_networks(folders.get(name, Path(name)), device)


def _inputs(networks: Networks, batch: int, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Still, poke map, residuals."""
    side = networks.config.size_px
    still = torch.rand(1, 3, side, side, device=device) * 2 - 1
    r = torch.randn(batch, networks.config.flow.channels, LATENT_PX, LATENT_PX, device=device)
    return still, torch.zeros(1, 2, side, side, device=device), r


@torch.inference_mode()
def _plain(networks: Networks, batch: int, device: str) -> _Plain:
    flow = networks.flow
    x0, poke_map, r = _inputs(networks, batch, device)
    h = networks.conditioner(x0, poke_map).expand(batch, -1, -1, -1)
    forget_peak(device)
    flow_s = seconds(lambda: flow.latent(r, h), device)
    peak = peak_mb(device)
    kinds = ((MaskedConvolution, MASKED), (Coupling, COUPLINGS))
    owners = [(module, kind) for owner, kind in kinds for module in flow.modules() if isinstance(module, owner)]
    return _Plain(flow_s, seconds_by_kind(owners, "inverse", lambda: flow.latent(r, h), device), peak)


@torch.inference_mode()
def _stages(networks: Networks, sampler: FlowSampler, batch: int, device: str, plain: _Plain) -> Iterator[Row]:
    x0, poke_map, r = _inputs(networks, batch, device)
    autoencoder, frames = networks.autoencoder, networks.config.frames
    h = networks.conditioner(x0, poke_map)
    conditioning = sampler.condition(h)
    z = sampler.latent(r, conditioning)

    def row(what: str, work: Callable[[], object], plain_s: float | None = None) -> Row:
        ours_s = seconds(work, device)
        return _row(networks, what, batch, device, ours_s, plain_s)

    yield row("encoders of still and pokes", lambda: networks.conditioner(x0, poke_map))
    yield row("flow's share of still and pokes, once", lambda: sampler.condition(h))
    forget_peak(device)
    flow = row(FLOW, lambda: sampler.latent(r, conditioning), plain.flow_s)
    weights_mb = sum(tensor.nbytes for tensor in networks.state_dict().values()) / 2**20
    yield replace(flow, peak_mb=peak_mb(device), plain_peak_mb=plain.peak_mb, weights_mb=weights_mb)
    if device == "cuda":
        recorded = RecordedSampler(sampler)
        yield row(FLOW_RECORDED, lambda: recorded.latent(r, conditioning), plain.flow_s)
        del recorded
    parts = seconds_by_kind(_owners(sampler), "solve", lambda: sampler.latent(r, conditioning), device)
    for kind in (MASKED, COUPLINGS):
        yield _row(networks, kind, batch, device, parts[kind], plain.parts_s[kind])
    yield row(FLOOR, _products(sampler, batch, device))
    yield _row(networks, ROOFLINE, batch, device, roofline_s(*_work(sampler, batch), device))
    yield row("decoder, first frame", lambda: autoencoder.decode(z, x0, 1))
    yield row("decoder, all frames", lambda: autoencoder.decode(z, x0, frames))


def _requests(model: Model, device: str) -> Iterator[Row]:
    """`Model.stream` as a user meets it: a new still each time, then the same still with another seed."""
    spent: dict[str, list[float]] = {what: [] for what in (REQUEST_FIRST, REQUEST_LAST, REROLL_FIRST, REROLL_LAST)}
    still = torch.rand(3, model.size_px, model.size_px) * 2 - 1
    for number in range(_MOST_REQUESTS):
        if number >= _LEAST_REQUESTS and sum(spent[REQUEST_LAST]) > _ENOUGH_S:
            break
        still = still.roll(1, dims=2)
        for seed, first, last in ((0, REQUEST_FIRST, REQUEST_LAST), (1, REROLL_FIRST, REROLL_LAST)):
            stream = model.stream(still, _POKES, GROUP, Sampling(seed))
            first_s = clocked(partial(next, stream), device)
            spent[first].append(first_s)
            spent[last].append(first_s + clocked(partial(list, stream), device))
    for what, times in spent.items():
        yield _row(model.networks, what, GROUP, device, statistics.median(times[1:]))  # the first request warms up


def _row(networks: Networks, what: str, batch: int, device: str, ours_s: float, plain_s: float | None = None) -> Row:
    ratio = None if plain_s is None else plain_s / ours_s
    return Row(what, networks.config.size_px, batch, device, plain_s, ours_s, ratio)


def _owners(sampler: FlowSampler) -> list[tuple[object, str]]:
    masked: list[tuple[object, str]] = [(part, MASKED) for part in _parts(sampler) if isinstance(part, MaskedSolver)]
    return masked + [(part, COUPLINGS) for part in _couplings(sampler)]


def _parts(sampler: FlowSampler) -> list[Solver]:
    return [part for level in sampler.levels for part in level]


def _couplings(sampler: FlowSampler) -> list[CouplingSolver]:
    parts = _parts(sampler)
    inside = [part.coupling for part in parts if isinstance(part, PriorSolver)]
    return [part for part in parts if isinstance(part, CouplingSolver)] + inside


def _products(sampler: FlowSampler, batch: int, device: str) -> Callable[[], None]:
    """The matrix products that the couplings can't do without, into memory that is there."""
    matrices = [coupling.products for coupling in _couplings(sampler)]
    rows = batch * LATENT_PX * LATENT_PX
    pixels = {first.shape[0]: torch.randn(rows, first.shape[0], device=device) for first, _, _ in matrices}
    hidden = {mid.shape: torch.empty(2, rows, mid.shape[0], device=device) for _, mid, _ in matrices}

    def multiply() -> None:
        for first, mid, last in matrices:
            before, after = hidden[mid.shape]
            torch.mm(pixels[first.shape[0]], first, out=before)
            torch.mm(before, mid, out=after)
            torch.mm(after, last)

    return multiply


def _work(sampler: FlowSampler, batch: int) -> tuple[float, float]:
    """Floating-point operations of the flow's products, and bytes of the matrices, each read once."""
    couplings = sum(matrix.numel() for coupling in _couplings(sampler) for matrix in coupling.products)
    masked = [part for part in _parts(sampler) if isinstance(part, MaskedSolver)]
    # The first line has no context, and the second sees one line of the two.
    into = sum(part.matrices[0].numel() for part in masked) * (LATENT_PX - 1.5)
    out_of = sum(part.matrices[1].numel() for part in masked) * (LATENT_PX - 1)
    products = couplings * LATENT_PX * LATENT_PX + (into + out_of) * LATENT_PX
    matrices = couplings + sum(matrix.numel() for part in masked for matrix in part.matrices)
    return 2 * batch * products, 4 * matrices
