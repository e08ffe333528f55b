"""Stage 1 with critics (paper, section 3.2): one looks at single frames, one at the motion of a run of frames.

At each step the decoder is told what the critics think of what it decoded; then the critics learn from the same frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data.store import ClipStore
from ..networks.autoencoder import VideoAutoencoder
from ..networks.discriminators import ClipDiscriminator, PatchDiscriminator
from .objectives import feature_matching, generator_loss, gradient_penalty, hinge_loss
from .perceptual import PerceptualDistance
from .processes import beside, share
from .video import Decoded, VideoLoss, VideoStage


@dataclass(frozen=True)
class CriticsLoss:
    """Weights of what the critics add, their sizes, and their learning rate over the stage's."""

    frame: float = 1.0
    clip: float = 1.0
    matching: float = 1.0
    penalty: float = 1.0
    clip_frames: int = 10
    """Frames that the critic of clips sees: a true one, and the decoded ones that follow."""
    frame_widths: tuple[int, ...] = (64, 128, 256, 512)
    clip_widths: tuple[int, ...] = (64, 128, 256, 512)
    groups: int = 16
    rate: float = 1.0


@dataclass(frozen=True)
class _Shown:
    """One frame of each clip, (B, 3, S, S), and runs of frames, (B, K, 3, S, S): true ones and decoded ones."""

    true_frames: Tensor
    frames: Tensor
    true_clips: Tensor
    clips: Tensor


class AdversarialVideoStage(VideoStage):
    """The video autoencoder, and critics whose opinion is part of its loss; it decodes frames that follow one another."""

    def __init__(
        self,
        module: VideoAutoencoder,
        stores: tuple[ClipStore, ClipStore],
        loss: VideoLoss,
        critics: CriticsLoss,
        batch: int,
        seed: int,
        perceptual: PerceptualDistance | None = None,
    ) -> None:
        super().__init__(module, *stores, loss, batch, seed, perceptual)
        self._weights, self.critics_rate = critics, critics.rate
        self._frame_critic = PatchDiscriminator(widths=critics.frame_widths)
        self._clip_critic = ClipDiscriminator(critics.clip_widths, critics.groups)
        self.critics = nn.ModuleDict({"frame": self._frame_critic, "clip": self._clip_critic})
        self.critics.to(next(module.parameters()).device)
        self._shown: _Shown | None = None

    def losses(self, step: int) -> dict[str, Tensor]:
        """Terms of the autoencoder's loss on fresh clips, which the critics then learn from."""
        rng = np.random.default_rng([self._seed, 1, step])
        decoded = self._decode(rng)
        shown = self._show(decoded, rng)
        self._shown = _Shown(shown.true_frames, shown.frames.detach(), shown.true_clips, shown.clips.detach())
        self.critics.requires_grad_(False)
        return {**self._reconstruction(decoded), **self._opinion(shown)}

    def _choose(self, rng: np.random.Generator, frames: int) -> NDArray[np.int64]:
        count = self._loss.decoded_frames
        return rng.integers(frames - count + 1) + np.arange(count)

    def _show(self, decoded: Decoded, rng: np.random.Generator) -> _Shown:
        """Which frame the critic of frames sees is drawn for each clip, of the true and of the decoded ones."""
        picks = torch.from_numpy(rng.integers(self._loss.decoded_frames, size=(self._batch, 2)))
        picks = beside(self.module, share(picks))
        rows = torch.arange(len(picks), device=picks.device)
        frames, truth = decoded.rendered.frame, decoded.truth
        before = decoded.batch.frames[:, decoded.chosen[:1]]
        runs = (torch.cat((before, run), dim=1)[:, : self._weights.clip_frames] for run in (truth, frames))
        return _Shown(truth[rows, picks[:, 0]], frames[rows, picks[:, 1]], *runs)

    def _opinion(self, shown: _Shown) -> dict[str, Tensor]:
        weights = self._weights
        score, features = self._clip_critic(shown.clips)
        with torch.no_grad():
            _, true_features = self._clip_critic(shown.true_clips)
        return {
            "frame_critic": weights.frame * generator_loss(self._frame_critic(shown.frames)),
            "clip_critic": weights.clip * generator_loss(score),
            "matching": weights.matching * feature_matching(true_features, features),
        }

    def critic_losses(self, step: int) -> dict[str, Tensor]:
        """How well the critics tell true frames and clips from those that `losses` decoded at this step."""
        shown = self._shown
        assert shown is not None
        self.critics.requires_grad_(True)
        true_clips = shown.true_clips.requires_grad_()
        true_score, _ = self._clip_critic(true_clips)
        score, _ = self._clip_critic(shown.clips)
        return {
            "frame_hinge": hinge_loss(self._frame_critic(shown.true_frames), self._frame_critic(shown.frames)),
            "clip_hinge": hinge_loss(true_score, score),
            "penalty": self._weights.penalty * gradient_penalty(true_score, true_clips),
        }
