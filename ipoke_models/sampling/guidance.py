"""Codes held to the pokes: a draw of the flow misses the tips by some pixels, the most probable change of z brings it there.

Near a code the poked places move linearly in z, dy = J dz. With scale s of z (the flow's base), the change that makes up for a
miss e and costs least in (dz / s)^2 is dz = -S J' (J S J' + v I)^-1 e with S = diag(s^2): a Gaussian conditioned on a measurement
of variance v (Bishop, Pattern Recognition and Machine Learning, section 2.3.3). All of the object follows, as the decoder knows
it to.

The map is not linear, so this is Gauss and Newton's step. The first one takes J at the mean of z, computed once for all draws,
and is enough for most draws of one poke; the others take their own.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..networks.autoencoder import VideoAutoencoder
from ..networks.decoder import Modulation

TOLERANCE_PX = 0.25
"""Deviation of the measurement, across and down."""
CLOSE_PX = 0.1
"""What is nearer to its tip than this is left as it is. Draws that differ little may fall to either side."""
STEPS = 4
"""Corrections a draw at most; each costs as much as decoding a few frames for every poke."""
LARGEST_STEP = 0.1
"""Root mean square of a correction in units of s: J tells little of what is beyond."""


class Guide:
    """Holds the codes of one still and its pokes to the tips. Not for decoders that paint: they have no motion to read."""

    def __init__(
        self,
        autoencoder: VideoAutoencoder,
        still: Tensor,
        modulation: Modulation,
        pokes: NDArray[np.float64],
        mean: Tensor,
        scale: Tensor,
    ) -> None:
        """Takes x0 as the decoder sees it, (1, 3 or 4, S, S), pokes (N, 4) in fractions, mean and scale of z, (1, Cz, 8, 8)."""
        size_px = still.shape[-1]
        self._autoencoder, self._still, self._modulation = autoencoder, still, modulation
        self._carries = autoencoder.config.decoder.sees_thing
        read = pokes[:, :2] if self._carries else pokes[:, :2] + pokes[:, 2:]
        self._read = torch.from_numpy(2 * read - 1).float().view(1, 1, -1, 2).to(still.device)
        self._shifts = torch.from_numpy(pokes[:, 2:] * size_px).float().to(still.device)
        self._scale = scale.flatten()
        self._jacobian_at_mean = self._jacobian(mean)

    def __call__(self, z: Tensor) -> Tensor:
        """z (B, Cz, 8, 8) -> z (B, Cz, 8, 8) whose last frame shows the tails at the tips, as far as the decoder can.

        A correction that brings a draw no nearer is not made, and half as much tried next.
        """
        misses, share = self.misses(z), z.new_ones(len(z), 1)
        jacobian = self._jacobian_at_mean
        for step in range(STEPS):
            wanting = misses.abs().amax(dim=1, keepdim=True) > CLOSE_PX
            if not bool(wanting.any()):
                break
            if step > 0:
                jacobian = self._jacobian(z)
            trial = z + (share * self._correction(jacobian, misses)).view_as(z)
            after = self.misses(trial)
            nearer = wanting & (after.norm(dim=1, keepdim=True) < misses.norm(dim=1, keepdim=True))
            z = torch.where(nearer[..., None, None], trial, z)
            misses, share = torch.where(nearer, after, misses), torch.where(nearer, 1.0, share / 2)
        return z

    def misses(self, z: Tensor) -> Tensor:
        """How far off its tail is what the last frame shows at each tip, (B, 2 N) px; where decoders say where places go, how far
        off its tip each tail ends."""
        *_, last = self._autoencoder.states(z, self._autoencoder.config.frames)
        motion = self._autoencoder.render(last, self._still, self._modulation).motion
        assert motion is not None
        read = F.grid_sample(motion, self._read.expand(len(z), -1, -1, -1), align_corners=False)[:, :, 0].transpose(1, 2)
        return (read - self._shifts if self._carries else read + self._shifts).flatten(1)

    def _correction(self, jacobian: Tensor, misses: Tensor) -> Tensor:
        """(B or 1, 2 N, D) and (B, 2 N) px -> change of z, (B, D)."""
        scaled = jacobian * self._scale
        measured = scaled @ scaled.mT + TOLERANCE_PX**2 * torch.eye(misses.shape[1], device=misses.device)
        change = -(scaled.mT @ torch.linalg.solve(measured, misses[..., None]))[..., 0]
        length = change.square().mean(dim=1, keepdim=True).sqrt()
        return self._scale * change * (LARGEST_STEP / length.clamp_min(LARGEST_STEP))

    def _jacobian(self, z: Tensor) -> Tensor:
        """Of the misses at each code, (B, 2 N, Cz x 8 x 8)."""
        with torch.inference_mode(False), torch.enable_grad():
            z = z.detach().clone().requires_grad_()
            rows = [torch.autograd.grad(miss.sum(), z, retain_graph=True)[0].flatten(1) for miss in self.misses(z).unbind(dim=1)]
        return torch.stack(rows, dim=1)
