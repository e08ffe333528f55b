"""The sampler recorded once for each shape and played back: on CUDA one graph instead of some 40,000 launches.

Off unless it is asked for by name: on one H200 it gave the sampler's own numbers, up to 6.6 times faster
(docs/measurements/sampling.md), but no server has played it beside other work. What is not CUDA's, the fixed inputs and outputs
around a record, is tested on the CPU with a recorder that runs the work again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .sampler import Conditioning, FlowSampler
from .workspace import Workspace

Recorder = Callable[[Callable[[], Tensor]], tuple[Tensor, Callable[[], None]]]
"""Runs some work on fixed memory; gives its result and what makes the result anew from that memory's new values."""

_WARM_UPS = 3


def cuda_graph(work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
    """Records `work` as a CUDA graph."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UPS):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = work()
    return result, graph.replay


@dataclass(frozen=True)
class _Record:
    r: Tensor
    conditioning: Conditioning
    workspace: Workspace  # a record writes to it for as long as it lives
    z: Tensor
    play: Callable[[], None]


class RecordedSampler:
    """`FlowSampler.latent` from a record of (shape of r, batch of h); records are made at first use and kept."""

    def __init__(self, sampler: FlowSampler, recorder: Recorder = cuda_graph) -> None:
        self._sampler, self._recorder = sampler, recorder
        self._records: dict[tuple[torch.Size, torch.Size], _Record] = {}

    @torch.inference_mode()
    def latent(self, r: Tensor, conditioning: Conditioning) -> Tensor:
        """r (B, Cz, 8, 8) -> z (B, Cz, 8, 8). It can't be cancelled half-way."""
        key = (r.shape, conditioning.shares[0].shape)
        if key not in self._records:
            self._records[key] = self._record(r.clone(), conditioning.clone())
        record = self._records[key]
        record.r.copy_(r)
        record.conditioning.copy_(conditioning)
        record.play()
        return record.z.clone()

    def _record(self, r: Tensor, conditioning: Conditioning) -> _Record:
        workspace = Workspace(r)
        z, play = self._recorder(lambda: self._sampler.latent_in(workspace, r, conditioning))
        return _Record(r, conditioning, workspace, z, play)
