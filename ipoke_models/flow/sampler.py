"""The fast sampler: the inverse of `ConditionalFlow` on weights laid out for it, without gradients.

What it does other than `ConditionalFlow.latent`, which stays the readable reference:

* everything is a matrix product over rows of pixels, channels last, so a line of a masked convolution is one small product;
* h's share of every masked convolution is computed once by `condition` and serves all lines, variants and re-rolls;
* only lines that exist are read: the first line has no context, the second has one line;
* an affine inverse (y - mu) / (2 sigmoid(l)) costs two operations a line, its numerator being accumulated by the product.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import Cancelled
from .blocks import Prior
from .coupling import Coupling
from .masked import REACH, MaskedConvolution
from .multiscale import ConditionalFlow
from .transforms import ACTNORM_EPSILON, ActNorm, Chain, Shuffle


@dataclass(frozen=True)
class Conditioning:
    """What h says to every masked convolution, in the order in which they are solved, and to z as a whole."""

    shares: tuple[Tensor, ...]
    base: tuple[Tensor, Tensor] | None
    """Mean and scale of z, (1 or B, Cz, 8, 8) each, where the flow has a base."""


class FlowSampler:
    """z from r, given h. Takes a flow with plain weights (`weight_norm=False`) and re-lays them out in place."""

    @torch.no_grad()
    def __init__(self, flow: ConditionalFlow) -> None:
        if flow.config.weight_norm:
            raise ValueError("The sampler needs a flow with plain weights; load it from a model folder.")
        self._config, self._base = flow.config, flow.base
        self.levels = [[_solver(part) for part in _inverse_order(level)] for level in reversed(flow.levels)]

    @torch.inference_mode()
    def condition(self, h: Tensor) -> Conditioning:
        """h (1 or B, Ch, 8, 8) -> its part in the sampler, to be used for any number of residuals."""
        context = F.elu(h).permute(0, 2, 3, 1)
        masked = (part for level in self.levels for part in level if isinstance(part, MaskedSolver))
        base = None
        if self._base is not None:
            mean, log_scale = self._base(h)
            base = mean, log_scale.exp()
        return Conditioning(tuple(part.share(context) for part in masked), base)

    @torch.inference_mode()
    def latent(self, r: Tensor, conditioning: Conditioning, cancelled: Callable[[], bool] = lambda: False) -> Tensor:
        """r (B, Cz, 8, 8) -> z (B, Cz, 8, 8).

        Raises:
            Cancelled: `cancelled()` said so; it is asked between the parts of the flow.
        """
        split, kept = self._config.split_channels, self._config.level_channels[-1] - self._config.split_channels
        grid = r.permute(0, 2, 3, 1)
        x, rest = grid[..., :kept], grid[..., kept:]
        shares = iter(conditioning.shares)
        for level in self.levels:
            x, rest = torch.cat((x, rest[..., :split]), dim=-1), rest[..., split:]
            for part in level:
                if cancelled():
                    raise Cancelled
                x = part.solve(x, shares)
        z = x.permute(0, 3, 1, 2).contiguous()
        return z if conditioning.base is None else torch.addcmul(conditioning.base[0], z, conditioning.base[1])


class Solver(ABC):
    """The inverse of one transform on (B, 8, 8, C)."""

    @abstractmethod
    def solve(self, y: Tensor, shares: Iterator[Tensor]) -> Tensor:
        """y (B, 8, 8, C) -> x (B, 8, 8, C); masked convolutions take the next of `shares`, which h said to them."""


class AffineSolver(Solver):
    """Activation norm."""

    def __init__(self, norm: ActNorm) -> None:
        self._gain = (1 / (norm.log_scale.exp() + ACTNORM_EPSILON)).flatten()
        self._shift = -norm.bias.flatten() * self._gain

    def solve(self, y: Tensor, shares: Iterator[Tensor]) -> Tensor:
        """One multiplication and one addition."""
        return torch.addcmul(self._shift, y, self._gain)


class PermutationSolver(Solver):
    """Channel shuffle."""

    def __init__(self, shuffle: Shuffle) -> None:
        self._order = torch.argsort(shuffle.order)

    def solve(self, y: Tensor, shares: Iterator[Tensor]) -> Tensor:
        """One gather."""
        return y.index_select(-1, self._order)


class MaskedSolver(Solver):
    """Masked convolution, line by line."""

    def __init__(self, transform: MaskedConvolution) -> None:
        self._order = transform.order
        lines_first = (2, 3, 1, 0) if self._order.axis == 2 else (3, 2, 1, 0)
        self._into_hidden = _restride(transform.masked, lines_first).flatten(0, 2)
        hidden, channels = self._into_hidden.shape[1], transform.masked.in_channels
        assert transform.mix.bias is not None
        # The products give -mu / 2 instead of mu, which is exact; adding y / 2 makes it the numerator.
        factor = transform.mix.bias.new_ones(2 * channels)
        factor[:channels] = -0.5
        mix = (transform.mix.weight[:, :, 0, 0].t() * factor).contiguous()
        self._out_of_hidden, self._of_h = mix[:hidden], mix[hidden:]
        self._bias = transform.mix.bias * factor

    def share(self, context: Tensor) -> Tensor:
        """ELU(h), (1 or B, 8, 8, Ch) -> [-mu / 2 | l] of h alone, (line, 1 or B, across, 2 C)."""
        share = context @ self._of_h + self._bias
        return (share.transpose(1, 2) if self._order.axis == 3 else share).permute(1, 0, 2, 3).contiguous()

    def solve(self, y: Tensor, shares: Iterator[Tensor]) -> Tensor:
        """Line by line."""
        lines_first = (2, 0, 1, 3) if self._order.axis == 3 else (1, 0, 2, 3)
        parameters = next(shares).expand(-1, y.shape[0], -1, -1).clone()
        channels = y.shape[-1]
        parameters[..., :channels].add_(y.permute(lines_first), alpha=0.5)
        solved = self._solve_lines(parameters)
        return solved.permute((1, 2, 0, 3) if self._order.axis == 3 else (1, 0, 2, 3))

    def _solve_lines(self, parameters: Tensor) -> Tensor:
        """[(y - mu of h) / 2 | l of h], (line, B, across, 2 C) -> x (line, B, across, C)."""
        count, batch, across, twice = parameters.shape
        channels, rows, reversed_ = twice // 2, batch * across, self._order.from_far_end
        padded = parameters.new_zeros(count + REACH, batch, across + 2, channels)
        first = 0 if reversed_ else REACH
        solved = padded[first : first + count, :, 1:-1]
        stride = padded.stride()
        windows = padded.as_strided(
            (count + 1, batch, across, REACH, 3 * channels), (stride[0], stride[1], stride[2], stride[0], 1)
        )
        numerators, logits = (half.unbind() for half in parameters.chunk(2, dim=-1))
        sums, answers, contexts = parameters.view(count, rows, twice).unbind(), solved.unbind(), windows.unbind()
        gathered = parameters.new_empty(batch, across, REACH, 3 * channels)
        flat, hidden = gathered.view(rows, -1), parameters.new_empty(rows, self._into_hidden.shape[1])
        near = slice(0, 3 * channels) if reversed_ else slice(3 * channels, None)
        for step, line in enumerate(reversed(range(count)) if reversed_ else range(count)):
            if step > 0:
                gathered.copy_(contexts[line + 1 if reversed_ else line])
                seen = near if step == 1 else slice(None)
                torch.mm(flat[:, seen], self._into_hidden[seen], out=hidden)
                sums[line].addmm_(F.elu_(hidden), self._out_of_hidden)
            torch.div(numerators[line], logits[line].sigmoid_(), out=answers[line])
        return solved


class CouplingSolver(Solver):
    """Affine coupling, its convolutions as matrix products."""

    def __init__(self, transform: Coupling) -> None:
        self._transform = transform
        network = transform.network
        assert network.conv3.bias is not None
        self._bias = network.conv3.bias
        self.products = (
            _restride(network.conv1, (2, 3, 1, 0)).flatten(0, 2),
            network.conv2.weight[:, :, 0, 0].t(),
            _restride(network.conv3, (1, 2, 3, 0)).flatten(1),
        )
        """The matrices that rows of pixels go through: nine neighbours to hidden, hidden to hidden, hidden to nine taps."""

    def solve(self, y: Tensor, shares: Iterator[Tensor]) -> Tensor:
        """Three products."""
        given, changed = self._split(y)
        mu, logit = self._parameters(given).chunk(2, dim=-1)
        return self._merge(given, (changed - mu).div_(logit.sigmoid_().mul_(2)))

    def _parameters(self, given: Tensor) -> Tensor:
        """(B, 8, 8, C) -> [mu | l], (B, 8, 8, 2 C')."""
        first, mid, last = self.products
        hidden = F.elu_(F.elu_(_surroundings(given) @ first) @ mid)
        # Products with all nine taps at each pixel, then added up where each of them belongs.
        taps = (hidden @ last).view(*given.shape[:3], 9, -1)
        height, width = given.shape[1:3]
        sums = self._bias.expand(given.shape[0], height + 2, width + 2, -1).clone()
        for tap, (down, right) in zip(taps.unbind(3), itertools.product((2, 1, 0), repeat=2), strict=True):
            sums[:, down : down + height, right : right + width].add_(tap)
        return sums[:, 1:-1, 1:-1]

    def _split(self, y: Tensor) -> tuple[Tensor, Tensor]:
        if self._transform.interleaved:
            first, second = y[..., 0::2], y[..., 1::2]
        else:
            first, second = y[..., : self._transform.first], y[..., self._transform.first :]
        return (first, second) if self._transform.up else (second, first)

    def _merge(self, given: Tensor, changed: Tensor) -> Tensor:
        first, second = (given, changed) if self._transform.up else (changed, given)
        if self._transform.interleaved:
            return torch.stack((first, second), dim=-1).flatten(-2)
        return torch.cat((first, second), dim=-1)


class PriorSolver(Solver):
    """Norm of the last channels, coupling, shuffle."""

    def __init__(self, transform: Prior) -> None:
        self._kept = transform.kept
        self._norm, self.coupling = AffineSolver(transform.norm), CouplingSolver(transform.coupling)
        self._shuffle = PermutationSolver(transform.shuffle)

    def solve(self, y: Tensor, shares: Iterator[Tensor]) -> Tensor:
        """Its parts in turn."""
        last = self._norm.solve(y[..., self._kept :], shares)
        y = torch.cat((y[..., : self._kept], last), dim=-1)
        return self._shuffle.solve(self.coupling.solve(y, shares), shares)


def _inverse_order(chain: nn.Module) -> Iterator[nn.Module]:
    for part in reversed(cast(Chain, chain).parts):
        if isinstance(part, Chain):
            yield from _inverse_order(part)
        else:
            yield part


def _solver(transform: nn.Module) -> Solver:
    match transform:
        case ActNorm():
            return AffineSolver(transform)
        case Shuffle():
            return PermutationSolver(transform)
        case MaskedConvolution():
            return MaskedSolver(transform)
        case Coupling():
            return CouplingSolver(transform)
        case Prior():
            return PriorSolver(transform)
    raise TypeError(f"The sampler has no inverse of {type(transform).__name__}.")


def _restride(conv: nn.Conv2d, order: tuple[int, int, int, int]) -> Tensor:
    """The weight with its dimensions in another order, contiguous; the layer keeps the same memory under its own shape."""
    laid_out = conv.weight.permute(order).contiguous()
    back = [order.index(dimension) for dimension in range(4)]
    conv.weight = nn.Parameter(laid_out.permute(back), requires_grad=False)
    return laid_out


def _surroundings(grid: Tensor) -> Tensor:
    """(B, H, W, C) -> (B H W, 9 C): the zero-padded 3 x 3 surroundings of each pixel."""
    batch, height, width, channels = grid.shape
    padded = F.pad(grid, (0, 0, 1, 1, 1, 1))
    image, row, column, _ = padded.stride()
    windows = padded.as_strided((batch, height, width, 3, 3 * channels), (image, row, column, row, 1))
    return windows.reshape(-1, 9 * channels)
