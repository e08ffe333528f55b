"""The door for everyone who uses a model: load, sample, invert, replay.

Variant `index` of a still, its pokes and a seed is always the same: its noise comes from its own generator
(`sampling/residuals.py`), codes are held to the pokes and decoded two by two, so that every product has the same shapes however
many variants are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ipoke_values import LARGEST_VARIATION, Sampling

from .checkpoint import Manifest, load_networks, read_card
from .config import LATENT_PX, DecoderHead, MotionInput
from .data.batch import Batch, motion_input
from .data.optical_flow import estimate_motion
from .data.things import seen_still, seen_with
from .errors import Cancelled, ModelError
from .installed import DEFAULT_MODEL, find_model
from .networks.autoencoder import flow_motion_input
from .networks.decoder import Modulation, Rendered
from .networks.flow import Conditioning, FlowSampler
from .networks.whole import Networks
from .sampling.guidance import Guide
from .sampling.pokes import check_pokes, paint_pokes, pokes_to_pixels
from .sampling.residuals import GROUP, draw_group, gentle
from .sampling.things import Thing, paint_thing

PAIR = 2
"""Variants guided and decoded together. Memory does not grow with their number, and two cost each no more time than eight."""
FEATURE_GRID = 4
SEED_0 = Sampling(seed=0)


@dataclass(frozen=True)
class StreamedFrame:
    """Frame t (1..T) of n variants: frames (n, 3, S, S) in [-1, 1]; flow and visibility are None for models that paint.

    flow: (n, 2, S, S) px of the working resolution, the frame's pixel p takes x0 at p + flow; visibility: (n, 1, S, S) in
    [0, 1], 1 where that is to be trusted. residual: (n, Cz, 8, 8), the kinematics of the clips; None where they were guided.
    shift: (n, 2, s, s) px of the working resolution, what is at p of the thing in x0 goes to p + shift; error_px: (n, 1, s, s),
    how far off each component is to be expected; None for models that don't say where places go.
    """

    t: int
    frames: Tensor
    flow: Tensor | None
    visibility: Tensor | None
    residual: Tensor | None
    shift: Tensor | None = None
    error_px: Tensor | None = None


@dataclass(frozen=True)
class _Prepared:
    """What a still (1, 3, S, S), its pokes and the thing they stand on say to all of their variants.

    thing: (1, 2, S, S); None for models that don't see it. seen: (1, 3 or 4, S, S), the still as the decoder sees it.
    """

    still: Tensor
    pokes: NDArray[np.float64]
    thing: Tensor | None
    seen: Tensor
    h: Tensor
    conditioning: Conditioning
    modulation: Modulation


def load_model(name_or_folder: str | Path = DEFAULT_MODEL, device: str = "cpu") -> Model:
    """Load an installed model by its name, or one from its folder.

    Raises:
        ModelError: there is no such model, or its files are damaged.
    """
    folder = find_model(name_or_folder)
    manifest, networks = load_networks(folder, device)
    return Model(manifest, networks, folder, torch.device(device))


class Model:
    """A loaded model. Stills x0 are (3, S, S) in [-1, 1]; pokes (N, 4) of x, y, dx, dy in fractions of width and height.

    Models that see the thing that pokes stand on are told of it; none, and it is all of the still. The others don't look at it.
    """

    def __init__(self, manifest: Manifest, networks: Networks, folder: Path, device: torch.device) -> None:
        self.name, self.sha256, self.folder = manifest.name, manifest.sha256, folder
        self.config, self.device = manifest.networks, device
        self.size_px, self.frames, self.max_pokes = self.config.size_px, self.config.frames, self.config.max_pokes
        self.networks = networks
        self._sampler = FlowSampler(networks.flow)
        self._last: _Prepared | None = None
        self._guide: tuple[_Prepared, Guide] | None = None

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return read_card(self.folder)

    def sample(
        self,
        x0: Tensor,
        pokes: ArrayLike,
        n: int = 8,
        sampling: Sampling = SEED_0,
        first: int = 0,
        *,
        guided: bool = True,
        thing: Thing | None = None,
    ) -> Tensor:
        """Variants `first` .. `first + n - 1`: (n, T, 3, S, S) in [-1, 1]; arguments and errors as of `stream`."""
        steps = self.stream(x0, pokes, n, sampling, first, guided=guided, thing=thing)
        return torch.stack([step.frames for step in steps], dim=1)

    @torch.inference_mode()
    def stream(
        self,
        x0: Tensor,
        pokes: ArrayLike,
        n: int = 8,
        sampling: Sampling = SEED_0,
        first: int = 0,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        guided: bool = True,
        thing: Thing | None = None,
    ) -> Iterator[StreamedFrame]:
        """Variants `first` .. `first + n - 1` frame by frame, t = 1..T, each as soon as it is decoded.

        Args:
            x0: the still, (3, S, S) in [-1, 1], RGB.
            pokes: (N, 4) of x, y, dx, dy in fractions of width and height, 1 <= N <= `max_pokes`; tails and tips in [0, 1].
            n: how many variants, 1 or more.
            sampling: how they are drawn (`sampling/residuals.py`); its variation in (0, 1.5], None for the model's own.
            first: index of the first, 0 or more.
            cancelled: asked between the steps of the flow and between frames.
            guided: whether the codes of models that don't paint are held to the pokes (`sampling/guidance.py`); else variants
                are the flow's draws as they come.
            thing: what the pokes stand on; models that don't see it leave it.

        Raises:
            ModelError: the still, the pokes, the thing or the variation don't fit the model.
            Cancelled: `cancelled()` said so.
        """
        if n < 1 or first < 0:
            raise ModelError(f"Ask for at least one variant, counted from 0; got {n} from {first}.")
        prepared = self._prepare(x0, pokes, thing)
        pairs = range(first // PAIR, (first + n - 1) // PAIR + 1)
        wanted = slice(first - PAIR * pairs[0], first - PAIR * pairs[0] + n)
        drawn = list(self._codes(pairs, sampling, prepared, cancelled, guided=guided))
        states = [self.networks.autoencoder.states(z, self.frames) for z, _ in drawn]
        residuals = [r for _, r in drawn if r is not None]
        residual = torch.cat(residuals)[wanted].cpu() if residuals else None
        yield from self._rendered(states, prepared, wanted, cancelled, residual)

    @torch.inference_mode()
    def variant_residual(
        self,
        x0: Tensor,
        pokes: ArrayLike,
        sampling: Sampling,
        index: int,
        *,
        guided: bool = True,
        thing: Thing | None = None,
    ) -> Tensor:
        """Residual kinematics r (Cz, 8, 8) of a variant as it is shown: where it is `guided`, of its code held to the pokes.

        Replayed on its own still with its own pokes, r is that variant again, but for the rounding of the flow there and back.
        Arguments as of `stream`.
        """
        prepared = self._prepare(x0, pokes, thing)
        number = index // PAIR
        ((pair, _),) = self._codes(range(number, number + 1), sampling, prepared, guided=guided)
        place = index % PAIR
        r = self.residual(pair[place : place + 1], prepared.h)[0][0]
        if not bool(torch.isfinite(r).all()):
            raise ModelError(f"Variant {index} of seed {sampling.seed} has no finite kinematics; take another variant.")
        return r

    @torch.inference_mode()
    def stream_replay(
        self,
        r: Tensor,
        x0: Tensor,
        pokes: ArrayLike,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        thing: Thing | None = None,
    ) -> Iterator[StreamedFrame]:
        """The one clip of kinematics r (Cz, 8, 8) on another still, frame by frame; raises as `stream` does.

        Where the flow's inverse runs away there, r is replayed more gently, at as much of its strength as the still bears.
        """
        if r.shape != self._residual_shape:
            raise ModelError(f"'{self.name}' replays kinematics of shape {self._residual_shape}; got {tuple(r.shape)}.")
        prepared = self._prepare(x0, pokes, thing)

        def solve(residual: Tensor) -> Tensor:
            return self._sampler.latent(residual[None].to(self.device), prepared.conditioning, cancelled)

        z = gentle(solve, r, self.name)
        yield from self._rendered([self.networks.autoencoder.states(z, self.frames)], prepared, slice(0, 1), cancelled, r[None])

    def _prepare(self, x0: Tensor, pokes: ArrayLike, thing: Thing | None = None) -> _Prepared:
        """Of the last still, pokes and thing it is kept, so that a re-roll doesn't compute it again."""
        checked = check_pokes(pokes, self.max_pokes)
        still, shown = self._still(x0), self.shown(thing)
        last = self._last
        if last is None or not _alike(last, still, checked, shown):
            with torch.inference_mode(False), torch.no_grad():
                last = self._last = self._prepared(still.clone(), checked, None if shown is None else shown.clone())
        return last

    def _prepared(self, still: Tensor, pokes: NDArray[np.float64], thing: Tensor | None) -> _Prepared:
        h = self.condition(still, self._painted(pokes)[None].to(self.device), thing)
        seen = seen_with(still, thing)
        return _Prepared(still, pokes, thing, seen, h, self._sampler.condition(h), self.networks.autoencoder.modulate(seen))

    def shown(self, thing: Thing | None) -> Tensor | None:
        """The thing as the networks see it, (1, 2, S, S); None where they don't."""
        if not self.config.sees_thing:
            return None
        return paint_thing(thing, self.size_px, self.config.poke_size_px)[None].to(self.device)

    def _guide_of(self, prepared: _Prepared) -> Guide | None:
        """None for models that paint. Of the last still and pokes it is kept."""
        if self.config.autoencoder.decoder.head is DecoderHead.RGB:
            return None
        if self._guide is None or self._guide[0] is not prepared:
            with torch.inference_mode(False), torch.no_grad():
                self._guide = prepared, self._new_guide(prepared)
        return self._guide[1]

    def _new_guide(self, prepared: _Prepared) -> Guide:
        base = prepared.conditioning.base
        if base is None:
            mean = self._sampler.latent(torch.zeros(1, *self._residual_shape, device=self.device), prepared.conditioning)
            base = mean, torch.ones_like(mean)
        mean, scale = base[0].clone(), base[1].clone()
        return Guide(self.networks.autoencoder, prepared.seen, prepared.modulation, prepared.pokes, mean, scale)

    def _variation(self, wanted: float | None) -> float:
        """The model's own where none is wanted; raises ModelError."""
        own = self.config.variation
        if wanted is None or wanted == own:
            return own
        if not 0 < wanted <= LARGEST_VARIATION:
            raise ModelError(
                "variation must lie above 0, where all variants would be alike, and be at most "
                f"{LARGEST_VARIATION:g}; got {wanted:g}."
            )
        if self.config.flow.base_hidden == 0:
            raise ModelError(f"'{self.name}' has no mean to draw its variants towards, its variation is always 1; leave it out.")
        return wanted

    def _codes(
        self,
        pairs: range,
        sampling: Sampling,
        prepared: _Prepared,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        guided: bool = True,
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Codes (2, Cz, 8, 8) of these pairs of variants, and their residuals where they are not guided.

        On its own the flow moves the poked place too little, and its base shows all variants alike: `variation` lies between.
        """
        variation, conditioning = self._variation(sampling.variation), prepared.conditioning
        guide = self._guide_of(prepared) if guided else None

        def solve(r: Tensor) -> Tensor:
            return self._sampler.latent(r.to(self.device), conditioning, cancelled)

        for group, inside in groupby(pairs, key=lambda pair: pair * PAIR // GROUP):
            r, z = draw_group(solve, self._residual_shape, group, sampling)
            if conditioning.base is not None:
                z = torch.lerp(conditioning.base[0], z, variation)
            for pair in inside:
                mine = slice(pair * PAIR - group * GROUP, pair * PAIR - group * GROUP + PAIR)
                if guided:
                    yield (z[mine] if guide is None else guide(z[mine])), None
                else:
                    yield z[mine], r[mine] if variation == 1 else self.residual(z[mine], prepared.h.expand(PAIR, -1, -1, -1))[0]

    def _rendered(
        self,
        states: list[Iterator[Tensor]],
        prepared: _Prepared,
        wanted: slice,
        cancelled: Callable[[], bool],
        residual: Tensor | None,
    ) -> Iterator[StreamedFrame]:
        """Frames 1..T of the `wanted` ones of several pairs' clips."""
        for t in range(1, self.frames + 1):
            if cancelled():
                raise Cancelled
            parts = [self.networks.autoencoder.render(next(state), prepared.seen, prepared.modulation) for state in states]
            frame, flow, visibility, shift, log_error = (
                None if fields[0] is None else torch.cat([field for field in fields if field is not None])[wanted].cpu()
                for fields in zip(*map(_said, parts), strict=True)
            )
            assert frame is not None
            yield StreamedFrame(t, frame, flow, visibility, residual, shift, None if log_error is None else log_error.exp())

    @property
    def _residual_shape(self) -> tuple[int, int, int]:
        return self.config.flow.channels, LATENT_PX, LATENT_PX

    @torch.inference_mode()
    def invert(self, clip: Tensor, pokes: ArrayLike, thing: Thing | None = None) -> Tensor:
        """Residual kinematics r (Cz, 8, 8) of a clip (T+1, 3, S, S) whose first frame is x0."""
        if clip.shape != (self.frames + 1, 3, self.size_px, self.size_px):
            raise ModelError(
                f"'{self.name}' inverts clips of {self.frames + 1} frames at {self.size_px} px, "
                f"({self.frames + 1}, 3, {self.size_px}, {self.size_px}); got {tuple(clip.shape)}."
            )
        clip = clip.to(self.device)
        h = self.condition(clip[:1], self.poke_map(pokes)[None].to(self.device), self.shown(thing))
        return self.residual(self.encode(clip[None]), h)[0][0]

    @torch.inference_mode()
    def replay(self, r: Tensor, x0: Tensor, pokes: ArrayLike, thing: Thing | None = None) -> Tensor:
        """Clip (T, 3, S, S) of kinematics r on another still."""
        return torch.cat([step.frames for step in self.stream_replay(r, x0, pokes, thing=thing)])

    def poke_map(self, pokes: ArrayLike) -> Tensor:
        """Pokes as the map that the networks see: (2, S, S), px of the working resolution."""
        return self._painted(check_pokes(pokes, self.max_pokes))

    def _painted(self, pokes: NDArray[np.float64]) -> Tensor:
        places, shifts = pokes_to_pixels(pokes, self.size_px)
        return paint_pokes(places, shifts, self.size_px, self.config.poke_size_px)

    def condition(self, x0: Tensor, poke_map: Tensor, thing: Tensor | None = None) -> Tensor:
        """(B, 3, S, S), (B, 2, S, S) px, mask and pins (B, 2, S, S) for models that see them -> h (B, Ch, 8, 8)."""
        h: Tensor = self.networks.conditioner(x0, poke_map, thing)
        return h

    def latent(self, r: Tensor, h: Tensor) -> Tensor:
        """tau: residual (B, Cz, 8, 8) -> video code (B, Cz, 8, 8), given h."""
        return self._sampler.latent(r, self._sampler.condition(h))

    def residual(self, z: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """tau^-1: video code -> residual (B, Cz, 8, 8), and log|det| (B,)."""
        return self.networks.flow.residual(z, h)

    @torch.inference_mode()
    def guide(self, z: Tensor, x0: Tensor, pokes: ArrayLike, thing: Thing | None = None) -> Tensor:
        """Codes (B, Cz, 8, 8) held to the pokes on x0 (3, S, S); models that paint leave them as they are."""
        guide = self._guide_of(self._prepare(x0, pokes, thing))
        return z if guide is None else guide(z)

    @torch.inference_mode()
    def features(self, x0: Tensor) -> Tensor:
        """What the image encoder sees on a still (3, S, S), averaged over 4 x 4 places: (F,). Alike for like poses."""
        conditioner = self.networks.conditioner
        shown = self.shown(None)
        shown = None if shown is None else conditioner.shrunk(shown)
        embedding = conditioner.image.embed(conditioner.shrunk(self._still(x0)), shown)
        return F.adaptive_avg_pool2d(embedding, FEATURE_GRID).flatten()

    def decode(self, z: Tensor, x0: Tensor, frames: int | None = None) -> Tensor:
        """(B, Cz, 8, 8), x0 as the decoder sees it (B, 3 or 4, S, S) -> (B, T, 3, S, S) in [-1, 1]; `frames` may exceed T."""
        return self.networks.autoencoder.decode(z, x0, frames or self.frames)

    def encode(self, clips: Tensor) -> Tensor:
        """(B, T+1, 3, S, S) in [-1, 1] -> mean of z, (B, Cz, 8, 8). Models fed with flow estimate it by DIS."""
        settings = self.config.autoencoder
        if settings.motion_input is MotionInput.FRAMES:
            return self.networks.autoencoder.encode(clips)[0]
        flows = torch.stack([estimate_motion(clip) for clip in clips]).to(clips.device)
        halved = F.avg_pool2d(flows.flatten(0, 1), settings.motion_stride)
        halved = halved.view(*flows.shape[:3], *halved.shape[-2:])
        return self.networks.autoencoder.encode(flow_motion_input(clips[:, 0], halved, settings.flow_scale_px))[0]

    @torch.inference_mode()
    def reconstruct(self, batch: Batch) -> Tensor:
        """The autoencoder's copy of true clips with known flow, (B, T, 3, S, S): what no sample can be better than."""
        return self.decode(self.encode_known(batch), seen_still(batch, self.config.autoencoder.decoder))

    def encode_known(self, batch: Batch) -> Tensor:
        """Mean of z, (B, Cz, 8, 8), of clips whose flow is known."""
        return self.networks.autoencoder.encode(motion_input(batch, self.config.autoencoder))[0]

    def _still(self, x0: Tensor) -> Tensor:
        if x0.shape != (3, self.size_px, self.size_px):
            raise ModelError(f"'{self.name}' takes stills of shape (3, {self.size_px}, {self.size_px}); got {tuple(x0.shape)}.")
        if not bool(torch.isfinite(x0).all()):
            raise ModelError("The still holds NaN or infinite values.")
        return x0[None].float().to(self.device)


def _said(rendered: Rendered) -> tuple[Tensor | None, ...]:
    return rendered.frame, rendered.flow, rendered.visibility, rendered.shift, rendered.log_error


def _alike(last: _Prepared, still: Tensor, pokes: NDArray[np.float64], thing: Tensor | None) -> bool:
    same = torch.equal(last.still, still) and np.array_equal(last.pokes, pokes)
    return same and (thing is None or (last.thing is not None and torch.equal(last.thing, thing)))
