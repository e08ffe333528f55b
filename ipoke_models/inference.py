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
from .flow import FlowSampler
from .networks import Networks
from .pokes import check_pokes, paint_pokes, pokes_to_pixels

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_MODEL = "garden-64"
MODELS_VARIABLE = "IPOKE_MODELS"
GROUP = 8
"""Variants computed together: 0..7, 8..15, and so on, also where only one of them is wanted."""
DRAWS = 16
"""Residuals drawn for each variant of a model that warps; the one that brings the poked places closest to the tips stays."""


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


def load_model(name_or_folder: str | Path = DEFAULT_MODEL, device: str = "cpu") -> Model:
    """Load an installed model by its name, or one from its folder.

    Raises:
        ModelError: there is no such model, or its files are damaged.
    """
    folder = Path(name_or_folder)
    if not folder.is_dir():
        known = {info.name: info.folder for info in installed_models()}
        if str(name_or_folder) not in known:
            raise ModelError(f"There is no model '{name_or_folder}'; installed are: {', '.join(known) or 'none'}.")
        folder = known[str(name_or_folder)]
    manifest, networks = load_networks(folder, device)
    return Model(manifest, networks, folder, torch.device(device))


class Model:
    """A loaded model. Stills x0 are (3, S, S) in [-1, 1]; pokes (N, 4) of x, y, dx, dy in fractions of width and height."""

    def __init__(self, manifest: Manifest, networks: Networks, folder: Path, device: torch.device) -> None:
        self.name, self.sha256, self.folder = manifest.name, manifest.sha256, folder
        self.config, self.device = manifest.networks, device
        self.size_px, self.frames, self.max_pokes = self.config.size_px, self.config.frames, self.config.max_pokes
        self._networks = networks
        self._sampler = FlowSampler(networks.flow)

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return read_card(self.folder)

    def sample(self, x0: Tensor, pokes: ArrayLike, n: int = 8, seed: int = 0, first: int = 0) -> Tensor:
        """Variants `first` .. `first + n - 1`: (n, T, 3, S, S) in [-1, 1]."""
        return torch.stack([step.frames for step in self.stream(x0, pokes, n, seed, first)], dim=1)

    @torch.inference_mode()
    def stream(
        self,
        x0: Tensor,
        pokes: ArrayLike,
        n: int = 8,
        seed: int = 0,
        first: int = 0,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[StreamedFrame]:
        """The same variants frame by frame, each as soon as it is decoded.

        Raises:
            ModelError: the still or the pokes don't fit the model.
            Cancelled: `cancelled()` said so; it is asked between the steps of the flow and between frames.
        """
        if n < 1 or first < 0:
            raise ModelError(f"Ask for at least one variant, counted from 0; got {n} from {first}.")
        still = self._still(x0)
        checked = check_pokes(pokes, self.max_pokes)
        h = self.condition(still, self.poke_map(checked)[None].to(self.device))
        groups = range(first // GROUP, (first + n - 1) // GROUP + 1)
        wanted = slice(first - GROUP * groups[0], first - GROUP * groups[0] + n)
        autoencoder, conditioning = self._networks.autoencoder, self._sampler.condition(h)
        modulation = autoencoder.modulate(still)
        states = []
        for group in groups:
            z = self._sampler.latent(self._group_noise(seed, group), conditioning, cancelled)
            states.append(autoencoder.states(self._closest(z, still, modulation, checked), self.frames))
        for t in range(1, self.frames + 1):
            if cancelled():
                raise Cancelled
            parts = [autoencoder.render(next(state), still, modulation) for state in states]
            frame, flow, visibility = (
                None if fields[0] is None else torch.cat([field for field in fields if field is not None])[wanted].cpu()
                for fields in zip(*((part.frame, part.flow, part.visibility) for part in parts), strict=True)
            )
            assert frame is not None
            yield StreamedFrame(t, frame, flow, visibility)

    def _group_noise(self, seed: int, group: int) -> Tensor:
        """All draws of a group's residuals, (GROUP x draws, Cz, 8, 8), a variant's own side by side."""
        warps = self.config.autoencoder.decoder.head is DecoderHead.WARP
        shape = (DRAWS if warps else 1, self.config.flow.channels, LATENT_PX, LATENT_PX)
        noise = [torch.randn(shape, generator=_generator(seed, GROUP * group + offset)) for offset in range(GROUP)]
        return torch.cat(noise).to(self.device)

    def _closest(self, draws: Tensor, still: Tensor, modulation: Modulation, pokes: NDArray[np.float64]) -> Tensor:
        """Of each variant's draws the one whose last frame shows the tails nearest to the tips: (GROUP, Cz, 8, 8)."""
        if len(draws) == GROUP:
            return draws
        tips = torch.from_numpy(2 * (pokes[:, :2] + pokes[:, 2:]) - 1).float().view(1, 1, -1, 2).to(self.device)
        shifts = torch.from_numpy(pokes[:, 2:] * self.size_px).float().T.view(1, 2, -1).to(self.device)
        *_, last = self._networks.autoencoder.states(draws, self.frames)
        flow = self._networks.autoencoder.render(last, still, modulation).flow
        assert flow is not None
        at_tips = F.grid_sample(flow, tips.expand(len(draws), -1, -1, -1), align_corners=False)[:, :, 0]
        errors = (at_tips + shifts).norm(dim=1).mean(dim=1).nan_to_num(float("inf")).view(GROUP, DRAWS)
        return draws.view(GROUP, DRAWS, *draws.shape[1:])[torch.arange(GROUP), errors.argmin(dim=1)]

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
        still = self._still(x0)
        h = self.condition(still, self.poke_map(pokes)[None].to(self.device))
        return self.decode(self.latent(r[None].to(self.device), h), still)[0]

    def poke_map(self, pokes: ArrayLike) -> Tensor:
        """Pokes as the map that the networks see: (2, S, S), px of the working resolution."""
        places, shifts = pokes_to_pixels(check_pokes(pokes, self.max_pokes), self.size_px)
        return paint_pokes(places, shifts, self.size_px, self.config.poke_size_px)

    def condition(self, x0: Tensor, poke_map: Tensor) -> Tensor:
        """(B, 3, S, S), (B, 2, S, S) px -> h (B, Ch, 8, 8)."""
        h: Tensor = self._networks.conditioner(x0, poke_map)
        return h

    def latent(self, r: Tensor, h: Tensor) -> Tensor:
        """tau: residual (B, Cz, 8, 8) -> video code (B, Cz, 8, 8), given h."""
        return self._sampler.latent(r, self._sampler.condition(h))

    def residual(self, z: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """tau^-1: video code -> residual (B, Cz, 8, 8), and log|det| (B,)."""
        return self._networks.flow.residual(z, h)

    def decode(self, z: Tensor, x0: Tensor, frames: int | None = None) -> Tensor:
        """(B, Cz, 8, 8), (B, 3, S, S) -> (B, T, 3, S, S) in [-1, 1]; `frames` may exceed the model's own T."""
        return self._networks.autoencoder.decode(z, x0, frames or self.frames)

    def encode(self, clips: Tensor) -> Tensor:
        """(B, T+1, 3, S, S) in [-1, 1] -> mean of z, (B, Cz, 8, 8). Models fed with flow estimate it by DIS."""
        settings = self.config.autoencoder
        if settings.motion_input is MotionInput.FRAMES:
            return self._networks.autoencoder.encode(clips)[0]
        flows = torch.stack([estimate_motion(clip) for clip in clips]).to(clips.device)
        halved = F.avg_pool2d(flows.flatten(0, 1), settings.motion_stride)
        halved = halved.view(*flows.shape[:3], *halved.shape[-2:])
        return self._networks.autoencoder.encode(flow_motion_input(clips[:, 0], halved, settings.flow_scale_px))[0]

    @torch.inference_mode()
    def reconstruct(self, batch: Batch) -> Tensor:
        """The autoencoder's copy of true clips with known flow, (B, T, 3, S, S): what no sample can be better than."""
        return self.decode(self.encode_known(batch), batch.frames[:, 0])

    def encode_known(self, batch: Batch) -> Tensor:
        """Mean of z, (B, Cz, 8, 8), of clips whose flow is known."""
        return self._networks.autoencoder.encode(motion_input(batch, self.config.autoencoder))[0]

    def _still(self, x0: Tensor) -> Tensor:
        if x0.shape != (3, self.size_px, self.size_px):
            raise ModelError(f"'{self.name}' takes stills of shape (3, {self.size_px}, {self.size_px}); got {tuple(x0.shape)}.")
        if not bool(torch.isfinite(x0).all()):
            raise ModelError("The still holds NaN or infinite values.")
        return x0[None].float().to(self.device)


def _generator(seed: int, index: int) -> torch.Generator:
    mixed = np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed) & (2**63 - 1))
