"""The memory that the fast sampler works in: buffers and their views, made once for residuals of one shape."""

from __future__ import annotations

from torch import Tensor

from ...config import LATENT_PX
from .masked import REACH, Order


class Lines:
    """Buffers of a masked convolution's solver, with every view that its loop takes."""

    def __init__(self, like: Tensor, order: Order, channels: int, hidden: int) -> None:
        batch, count, across = like.shape[0], LATENT_PX, LATENT_PX
        rows, window = batch * across, 3 * channels
        self.parameters = like.new_empty(count, batch, across, 2 * channels)
        self.targets = self.parameters[..., :channels]
        # For each pixel all lines one after the other, each as the pixel with its two neighbours: the lines that a line sees
        # are side by side, so products read them without a copy.
        surroundings = like.new_zeros(batch, across, count, window)
        matrix = surroundings.view(rows, -1)
        self.solved = surroundings[..., channels : 2 * channels]
        line = like.new_zeros(batch, across + 2, channels)
        stride = line.stride()
        self.answer = line[:, 1:-1]
        self.neighbours = line.as_strided((batch, across, window), (stride[0], stride[1], 1))
        self.hidden, self.spare = like.new_empty(rows, hidden), like.new_empty(rows, hidden)
        self.steps: list[tuple[int, Tensor, Tensor, Tensor, Tensor, Tensor]] = []
        for step in range(count):
            number = count - 1 - step if order.from_far_end else step
            seen = min(step, REACH)
            start = number + 1 if order.from_far_end else number - seen
            context = matrix[:, start * window : (start + seen) * window]
            numerator, logit = self.parameters[number].chunk(2, dim=-1)
            sums = self.parameters[number].view(rows, -1)
            self.steps.append((seen, context, sums, numerator, logit, surroundings[:, :, number]))


class Workspace:
    """Buffers for residuals of one shape, made when they are first asked for and used again by every part."""

    def __init__(self, like: Tensor) -> None:
        self._like = like.new_empty(()).expand(like.shape)
        self._lines: dict[tuple[Order, int, int], Lines] = {}
        self._pairs: dict[int, tuple[Tensor, Tensor]] = {}

    def fits(self, r: Tensor) -> bool:
        """Whether the buffers are for such residuals."""
        return (self._like.shape, self._like.dtype, self._like.device) == (r.shape, r.dtype, r.device)

    def lines(self, order: Order, channels: int, hidden: int) -> Lines:
        """For masked convolutions of one size."""
        key = (order, channels, hidden)
        if key not in self._lines:
            self._lines[key] = Lines(self._like, order, channels, hidden)
        return self._lines[key]

    def pair(self, channels: int) -> tuple[Tensor, Tensor]:
        """Two buffers of (pixels of all samples, channels)."""
        if channels not in self._pairs:
            rows = self._like.shape[0] * LATENT_PX * LATENT_PX
            self._pairs[channels] = self._like.new_empty(rows, channels), self._like.new_empty(rows, channels)
        return self._pairs[channels]
