"""The door for everyone who uses a model: find, load, sample, invert, replay.

Variant `index` of a still, its pokes and a seed is always the same: its noise comes from its own generator, and variants
are computed in fixed groups, because the rounding of a batched convolution may depend on the size of the batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from .autoencoder import flow_motion_input
from .checkpoint import Manifest, load_networks, read_card, read_manifest
from .config import LATENT_PX, DecoderHead, MotionInput
from .data.batches import motion_input
from .data.optical_flow import estimate_motion
from .data.store import Batch
from .decoder import Modulation
from .errors import Cancelled, ModelError
from .flow import Conditioning, FlowSampler
from .guidance import Guide
from .networks import Networks
from .pokes import check_pokes, paint_pokes, pokes_to_pixels

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_MODEL = "garden-64"
MODELS_VARIABLE = "IPOKE_MODELS"
GROUP = 8
"""Variants computed together: 0..7, 8..15, and so on, also where only one of them is wanted."""
LARGEST_CODE = 60.0
"""A value of z beyond this tells that the inverse of the flow ran away: codes lie about N(0, 1), their tails reach 30."""
MOST_DRAWS = 8


@dataclass(frozen=True)
class ModelInfo:
    """An installed model, as its config.json tells it."""

    name: str
    folder: Path
    size_px: int
    frames: int
    max_pokes: int
    sha256: str
    default: bool


@dataclass(frozen=True)
class StreamedFrame:
    """Frame t (1..T) of n variants: frames (n, 3, S, S) in [-1, 1]; flow and visibility are None for models that paint.

    flow: (n, 2, S, S) px of the working resolution, the frame's pixel p takes x0 at p + flow; visibility: (n, 1, S, S) in
    [0, 1], 1 where that is to be trusted.
    """

    t: int
    frames: Tensor
    flow: Tensor | None
    visibility: Tensor | None


@dataclass(frozen=True)
class _Prepared:
    """What a still (1, 3, S, S) and its pokes say to all of their variants."""

    still: Tensor
    pokes: NDArray[np.float64]
    conditioning: Conditioning
    modulation: Modulation
    guide: Guide | None


def installed_models() -> list[ModelInfo]:
    """Models beside this package and in the folders of IPOKE_MODELS, the default first; damaged ones are left out."""
    roots = [WEIGHTS, *(Path(root) for root in os.environ.get(MODELS_VARIABLE, "").split(os.pathsep) if root)]
    found: dict[str, ModelInfo] = {}
    for folder in sorted(config.parent for root in roots for config in root.glob("*/config.json")):
        try:
            manifest = read_manifest(folder)
        except ModelError:
            continue
        networks = manifest.networks
        found.setdefault(
            manifest.name,
            ModelInfo(
                manifest.name,
                folder,
                networks.size_px,
                networks.frames,
                networks.max_pokes,
                manifest.sha256,
                manifest.name == DEFAULT_MODEL,
            ),
        )
    return sorted(found.values(), key=lambda info: (not info.default, info.name))


def find_model(name_or_folder: str | Path) -> Path:
    """The folder of an installed model, or the folder itself.

    Raises:
        ModelError: there is no such model.
    """
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    known = {info.name: info.folder for info in installed_models()}
    if str(name_or_folder) not in known:
        raise ModelError(f"There is no model '{name_or_folder}'; installed are: {', '.join(known) or 'none'}.")
    return known[str(name_or_folder)]


def load_model(name_or_folder: str | Path = DEFAULT_MODEL, device: str = "cpu") -> Model:
    """Load an installed model by its name, or one from its folder.

    Raises:
        ModelError: there is no such model, or its files are damaged.
    """
    folder = find_model(name_or_folder)
    manifest, networks = load_networks(folder, device)
    return Model(manifest, networks, folder, torch.device(device))


class Model:
    """A loaded model. Stills x0 are (3, S, S) in [-1, 1]; pokes (N, 4) of x, y, dx, dy in fractions of width and height."""

    def __init__(self, manifest: Manifest, networks: Networks, folder: Path, device: torch.device) -> None:
        self.name, self.sha256, self.folder = manifest.name, manifest.sha256, folder
        self.config, self.device = manifest.networks, device
        self.size_px, self.frames, self.max_pokes = self.config.size_px, self.config.frames, self.config.max_pokes
        self.networks = networks
        self._sampler = FlowSampler(networks.flow)
        self._last: _Prepared | None = None

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return read_card(self.folder)

    def sample(
        self, x0: Tensor, pokes: ArrayLike, n: int = 8, seed: int = 0, first: int = 0, *, guided: bool = True
    ) -> Tensor:
        """Variants `first` .. `first + n - 1`: (n, T, 3, S, S) in [-1, 1]."""
        return torch.stack([step.frames for step in self.stream(x0, pokes, n, seed, first, guided=guided)], dim=1)

    @torch.inference_mode()
    def stream(
        self,
        x0: Tensor,
        pokes: ArrayLike,
        n: int = 8,
        seed: int = 0,
        first: int = 0,
        cancelled: Callable[[], bool] = lambda: False,
        group: int = GROUP,
        guided: bool = True,
    ) -> Iterator[StreamedFrame]:
        """The same variants frame by frame, each as soon as it is decoded.

        A smaller `group` needs less memory, and may round differently. Not `guided`, variants are the flow's draws as they come;
        else the codes of models that warp are held to the pokes (`guidance.py`).

        Raises:
            ModelError: the still or the pokes don't fit the model.
            Cancelled: `cancelled()` said so; it is asked between the steps of the flow and between frames.
        """
        if n < 1 or first < 0:
            raise ModelError(f"Ask for at least one variant, counted from 0; got {n} from {first}.")
        prepared = self._prepare(x0, pokes)
        numbers = range(first // group, (first + n - 1) // group + 1)
        wanted = slice(first - group * numbers[0], first - group * numbers[0] + n)
        states = []
        for number in numbers:
            z = self._draw(range(number * group, (number + 1) * group), seed, prepared.conditioning, cancelled)
            if guided and prepared.guide is not None:
                z = prepared.guide(z)
            states.append(self.networks.autoencoder.states(z, self.frames))
        yield from self._rendered(states, prepared, wanted, cancelled)

    @torch.inference_mode()
    def stream_replay(
        self, r: Tensor, x0: Tensor, pokes: ArrayLike, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[StreamedFrame]:
        """The one clip of kinematics r (Cz, 8, 8) on another still, frame by frame; raises as `stream` does."""
        prepared = self._prepare(x0, pokes)
        z = self._sampler.latent(r[None].to(self.device), prepared.conditioning, cancelled)
        yield from self._rendered([self.networks.autoencoder.states(z, self.frames)], prepared, slice(0, 1), cancelled)

    def _prepare(self, x0: Tensor, pokes: ArrayLike) -> _Prepared:
        """Of the last still and pokes it is kept, so that a re-roll doesn't compute it again."""
        checked = check_pokes(pokes, self.max_pokes)
        still = self._still(x0)
        last = self._last
        if last is None or not torch.equal(last.still, still) or not np.array_equal(last.pokes, checked):
            with torch.inference_mode(False), torch.no_grad():
                last = self._last = self._prepared(still.clone(), checked)
        return last

    def _prepared(self, still: Tensor, pokes: NDArray[np.float64]) -> _Prepared:
        autoencoder = self.networks.autoencoder
        conditioning = self._sampler.condition(self.condition(still, self._painted(pokes)[None].to(self.device)))
        modulation = autoencoder.modulate(still)
        guide = None
        if self.config.autoencoder.decoder.head is DecoderHead.WARP:
            base = conditioning.base
            if base is None:
                mean = self._sampler.latent(torch.zeros(1, *self._residual_shape, device=self.device), conditioning)
                base = mean, torch.ones_like(mean)
            guide = Guide(autoencoder, still, modulation, pokes, base[0].clone(), base[1].clone())
        return _Prepared(still, pokes, conditioning, modulation, guide)

    def _rendered(
        self, states: list[Iterator[Tensor]], prepared: _Prepared, wanted: slice, cancelled: Callable[[], bool]
    ) -> Iterator[StreamedFrame]:
        """Frames 1..T of the `wanted` ones of several groups' clips."""
        for t in range(1, self.frames + 1):
            if cancelled():
                raise Cancelled
            parts = [self.networks.autoencoder.render(next(state), prepared.still, prepared.modulation) for state in states]
            frame, flow, visibility = (
                None if fields[0] is None else torch.cat([field for field in fields if field is not None])[wanted].cpu()
                for fields in zip(*((part.frame, part.flow, part.visibility) for part in parts), strict=True)
            )
            assert frame is not None
            yield StreamedFrame(t, frame, flow, visibility)

    @property
    def _residual_shape(self) -> tuple[int, int, int]:
        return self.config.flow.channels, LATENT_PX, LATENT_PX

    def _draw(
        self, variants: range, seed: int, conditioning: Conditioning, cancelled: Callable[[], bool] = lambda: False
    ) -> Tensor:
        """Codes (n, Cz, 8, 8) of these variants. Where the flow's inverse runs away, a variant's next residual is taken.

        On its own the flow moves the poked place too little, and its base shows all variants alike: `variation` lies between.
        """
        generators = [_generator(seed, variant) for variant in variants]

        def residual(generator: torch.Generator) -> Tensor:
            return torch.randn(self._residual_shape, generator=generator)

        r = torch.stack([residual(generator) for generator in generators])
        for _ in range(MOST_DRAWS):
            z = self._sampler.latent(r.to(self.device), conditioning, cancelled)
            lost = ~(z.abs().flatten(1).amax(dim=1) <= LARGEST_CODE)
            if not bool(lost.any()):
                return z if conditioning.base is None else torch.lerp(conditioning.base[0], z, self.config.variation)
            for index in lost.nonzero().flatten().tolist():
                r[index] = residual(generators[index])
        raise ModelError(f"'{self.name}' found no clip in {MOST_DRAWS} draws of seed {seed}; take another seed.")

    @torch.inference_mode()
    def invert(self, clip: Tensor, pokes: ArrayLike) -> Tensor:
        """Residual kinematics r (Cz, 8, 8) of a clip (T+1, 3, S, S) whose first frame is x0."""
        if clip.shape != (self.frames + 1, 3, self.size_px, self.size_px):
            raise ModelError(
                f"'{self.name}' inverts clips of {self.frames + 1} frames at {self.size_px} px, "
                f"({self.frames + 1}, 3, {self.size_px}, {self.size_px}); got {tuple(clip.shape)}."
            )
        clip = clip.to(self.device)
        h = self.condition(clip[:1], self.poke_map(pokes)[None].to(self.device))
        return self.residual(self.encode(clip[None]), h)[0][0]

    @torch.inference_mode()
    def replay(self, r: Tensor, x0: Tensor, pokes: ArrayLike) -> Tensor:
        """Clip (T, 3, S, S) of kinematics r on another still."""
        return torch.cat([step.frames for step in self.stream_replay(r, x0, pokes)])

    def poke_map(self, pokes: ArrayLike) -> Tensor:
        """Pokes as the map that the networks see: (2, S, S), px of the working resolution."""
        return self._painted(check_pokes(pokes, self.max_pokes))

    def _painted(self, pokes: NDArray[np.float64]) -> Tensor:
        places, shifts = pokes_to_pixels(pokes, self.size_px)
        return paint_pokes(places, shifts, self.size_px, self.config.poke_size_px)

    def condition(self, x0: Tensor, poke_map: Tensor) -> Tensor:
        """(B, 3, S, S), (B, 2, S, S) px -> h (B, Ch, 8, 8)."""
        h: Tensor = self.networks.conditioner(x0, poke_map)
        return h

    def latent(self, r: Tensor, h: Tensor) -> Tensor:
        """tau: residual (B, Cz, 8, 8) -> video code (B, Cz, 8, 8), given h."""
        return self._sampler.latent(r, self._sampler.condition(h))

    def residual(self, z: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """tau^-1: video code -> residual (B, Cz, 8, 8), and log|det| (B,)."""
        return self.networks.flow.residual(z, h)

    @torch.inference_mode()
    def guide(self, z: Tensor, x0: Tensor, pokes: ArrayLike) -> Tensor:
        """Codes (B, Cz, 8, 8) held to the pokes on x0 (3, S, S); models that don't warp leave them as they are."""
        guide = self._prepare(x0, pokes).guide
        return z if guide is None else guide(z)

    def decode(self, z: Tensor, x0: Tensor, frames: int | None = None) -> Tensor:
        """(B, Cz, 8, 8), (B, 3, S, S) -> (B, T, 3, S, S) in [-1, 1]; `frames` may exceed the model's own T."""
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
        return self.decode(self.encode_known(batch), batch.frames[:, 0])

    def encode_known(self, batch: Batch) -> Tensor:
        """Mean of z, (B, Cz, 8, 8), of clips whose flow is known."""
        return self.networks.autoencoder.encode(motion_input(batch, self.config.autoencoder))[0]

    def _still(self, x0: Tensor) -> Tensor:
        if x0.shape != (3, self.size_px, self.size_px):
            raise ModelError(f"'{self.name}' takes stills of shape (3, {self.size_px}, {self.size_px}); got {tuple(x0.shape)}.")
        if not bool(torch.isfinite(x0).all()):
            raise ModelError("The still holds NaN or infinite values.")
        return x0[None].float().to(self.device)


def _generator(seed: int, index: int) -> torch.Generator:
    mixed = np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed) & (2**63 - 1))
