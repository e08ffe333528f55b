"""Codes held to the pokes: a draw of the flow misses the tips by some pixels, the most probable change of z brings it there.

Around the mean of z, the poked places move linearly in z, y = J z. With scale s of z (the flow's base), the change that makes up
for a miss e and costs least in (dz / s)^2 is dz = -S J' (J S J' + v I)^-1 e with S = diag(s^2): a Gaussian conditioned on a
measurement of variance v (Bishop, Pattern Recognition and Machine Learning, section 2.3.3). All of the object follows, as the
decoder knows it to.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .autoencoder import VideoAutoencoder
from .decoder import Modulation

TOLERANCE_PX = 0.25
"""Deviation of the measurement: how far from a tip is as good as there."""
STEPS = 2
"""Corrections a draw, since J is that of the mean and the map is not quite linear."""


class Guide:
    """Holds the codes of one still and its pokes to the tips. For warp decoders alone: others have no flow to read."""

    def __init__(
        self,
        autoencoder: VideoAutoencoder,
        still: Tensor,
        modulation: Modulation,
        pokes: NDArray[np.float64],
        mean: Tensor,
        scale: Tensor,
    ) -> None:
        """Takes x0 (1, 3, S, S), pokes (N, 4) in fractions, and mean and scale of z, (1, Cz, 8, 8) each."""
        size_px = still.shape[-1]
        self._autoencoder, self._still, self._modulation = autoencoder, still, modulation
        self._tips = torch.from_numpy(2 * (pokes[:, :2] + pokes[:, 2:]) - 1).float().view(1, 1, -1, 2).to(still.device)
        self._shifts = torch.from_numpy(pokes[:, 2:] * size_px).float().to(still.device)
        jacobian = self._jacobian(mean)
        spread = jacobian * scale.square().flatten()
        measured = spread @ jacobian.T + TOLERANCE_PX**2 * torch.eye(len(jacobian), device=still.device)
        self._gain = torch.linalg.solve(measured, spread)

    def __call__(self, z: Tensor) -> Tensor:
        """z (B, Cz, 8, 8) -> z (B, Cz, 8, 8) whose last frame shows the tails at the tips, as far as the decoder can."""
        for _ in range(STEPS):
            z = z - (self.misses(z) @ self._gain).view_as(z)
        return z

    def misses(self, z: Tensor) -> Tensor:
        """How far off its tail is what the last frame shows at each tip, (B, 2 N) px."""
        *_, last = self._autoencoder.states(z, self._autoencoder.config.frames)
        flow = self._autoencoder.render(last, self._still, self._modulation).flow
        assert flow is not None
        at_tips = F.grid_sample(flow, self._tips.expand(len(z), -1, -1, -1), align_corners=False)[:, :, 0]
        return (at_tips.transpose(1, 2) + self._shifts).flatten(1)

    def _jacobian(self, mean: Tensor) -> Tensor:
        """Of the misses at the mean, (2 N, Cz x 8 x 8)."""
        with torch.enable_grad():
            z = mean.detach().requires_grad_()
            misses = self.misses(z)[0]
            rows = [torch.autograd.grad(miss, z, retain_graph=True)[0].flatten() for miss in misses]
        return torch.stack(rows)
