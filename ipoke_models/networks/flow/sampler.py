"""The fast sampler: the inverse of `ConditionalFlow` on weights laid out for it, without gradients.

What it does other than `ConditionalFlow.latent`, which stays the readable reference:

* everything is a matrix product over rows of pixels, channels last, so a line of a masked convolution is one small product;
* h's share of every masked convolution is computed once by `condition` and serves all lines, variants and re-rolls;
* only lines that exist are read: the first line has no context, the second has one line;
* an affine inverse (y - mu) / (2 sigmoid(l)) costs two operations a line, its numerator being accumulated by the product;
* a line costs six operations on buffers and views that `Workspace` made once, so little but the products is left to pay for.
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

from ...errors import Cancelled
from .blocks import Prior
from .coupling import Coupling
from .masked import MaskedConvolution
from .multiscale import ConditionalFlow
from .transforms import ACTNORM_EPSILON, ActNorm, Chain, Shuffle
from .workspace import Lines, Workspace

_LARGE = 1 << 15
"""Elements from which four quick passes are quicker than the slow one of `torch.nn.functional.elu`."""


@dataclass(frozen=True)
class Conditioning:
    """What h says to every masked convolution, in the order in which they are solved, and to z as a whole."""

    shares: tuple[Tensor, ...]
    base: tuple[Tensor, Tensor] | None
    """Mean and scale of z, (1 or B, Cz, 8, 8) each, where the flow has a base."""

    @property
    def tensors(self) -> list[Tensor]:
        """All of them."""
        return [*self.shares, *(self.base or ())]

    def clone(self) -> Conditioning:
        """The same in memory of its own."""
        base = None if self.base is None else (self.base[0].clone(), self.base[1].clone())
        return Conditioning(tuple(share.clone() for share in self.shares), base)

    def copy_(self, other: Conditioning) -> None:
        """Takes over the values of another one of the same shapes, in few launches."""
        torch._foreach_copy_(self.tensors, other.tensors)


class FlowSampler:
    """z from r, given h. Takes a flow with plain weights (`weight_norm=False`) and re-lays them out in place."""

    @torch.no_grad()
    def __init__(self, flow: ConditionalFlow) -> None:
        if flow.config.weight_norm:
            raise ValueError("The sampler needs a flow with plain weights; load it from a model folder.")
        self._config, self._base = flow.config, flow.base
        self._workspace: Workspace | None = None
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
        if self._workspace is None or not self._workspace.fits(r):
            self._workspace = None  # lets go of the old one first
            self._workspace = Workspace(r)
        return self.latent_in(self._workspace, r, conditioning, cancelled)

    @torch.inference_mode()
    def latent_in(
        self, workspace: Workspace, r: Tensor, conditioning: Conditioning, cancelled: Callable[[], bool] = lambda: False
    ) -> Tensor:
        """`latent` on buffers that the caller keeps."""
        split, kept = self._config.split_channels, self._config.level_channels[-1] - self._config.split_channels
        grid = r.permute(0, 2, 3, 1)
        x, rest = grid[..., :kept], grid[..., kept:]
        shares = iter(conditioning.shares)
        for level in self.levels:
            x, rest = torch.cat((x, rest[..., :split]), dim=-1), rest[..., split:]
            for part in level:
                if cancelled():
                    raise Cancelled
                x = part.solve(x, shares, workspace)
        z = x.permute(0, 3, 1, 2).contiguous()
        return z if conditioning.base is None else torch.addcmul(conditioning.base[0], z, conditioning.base[1])


class Solver(ABC):
    """The inverse of one transform on (B, 8, 8, C)."""

    @abstractmethod
    def solve(self, y: Tensor, shares: Iterator[Tensor], workspace: Workspace) -> Tensor:
        """y (B, 8, 8, C) -> x (B, 8, 8, C); masked convolutions take the next of `shares`, which h said to them.

        The answer may be a view of the workspace, which the next part reads before it writes there.
        """


class AffineSolver(Solver):
    """Activation norm."""

    def __init__(self, norm: ActNorm) -> None:
        self._gain = (1 / (norm.log_scale.exp() + ACTNORM_EPSILON)).flatten()
        self._shift = -norm.bias.flatten() * self._gain

    def solve(self, y: Tensor, shares: Iterator[Tensor], workspace: Workspace) -> Tensor:
        """One multiplication and one addition."""
        return torch.addcmul(self._shift, y, self._gain)


class PermutationSolver(Solver):
    """Channel shuffle."""

    def __init__(self, shuffle: Shuffle) -> None:
        self._order = torch.argsort(shuffle.order)

    def solve(self, y: Tensor, shares: Iterator[Tensor], workspace: Workspace) -> Tensor:
        """One gather."""
        return y.index_select(-1, self._order)


class MaskedSolver(Solver):
    """Masked convolution, line by line."""

    def __init__(self, transform: MaskedConvolution) -> None:
        self._order = transform.order
        self._lines_first = (2, 0, 1, 3) if self._order.axis == 3 else (1, 0, 2, 3)
        whole = _restride(transform.masked, (2, 3, 1, 0) if self._order.axis == 2 else (3, 2, 1, 0)).flatten(0, 2)
        hidden, channels = whole.shape[1], transform.masked.in_channels
        near = whole[: 3 * channels] if self._order.from_far_end else whole[3 * channels :]
        self._into_hidden = (whole[:0], near, whole)  # by the number of lines that are seen
        assert transform.mix.bias is not None
        # The products give -mu / 2 instead of mu, which is exact; adding y / 2 makes it the numerator.
        factor = transform.mix.bias.new_ones(2 * channels)
        factor[:channels] = -0.5
        mix = (transform.mix.weight[:, :, 0, 0].t() * factor).contiguous()
        self._out_of_hidden, self._of_h = mix[:hidden], mix[hidden:]
        self._bias = transform.mix.bias * factor

    @property
    def matrices(self) -> tuple[Tensor, Tensor]:
        """What the rows of a line go through: two lines' windows to hidden, hidden to [-mu / 2 | l]."""
        return self._into_hidden[-1], self._out_of_hidden

    def share(self, context: Tensor) -> Tensor:
        """ELU(h), (1 or B, 8, 8, Ch) -> [-mu / 2 | l] of h alone, (line, 1 or B, across, 2 C)."""
        share = context @ self._of_h + self._bias
        return (share.transpose(1, 2) if self._order.axis == 3 else share).permute(1, 0, 2, 3).contiguous()

    def solve(self, y: Tensor, shares: Iterator[Tensor], workspace: Workspace) -> Tensor:
        """Line by line."""
        lines = workspace.lines(self._order, y.shape[-1], self._out_of_hidden.shape[0])
        lines.parameters.copy_(next(shares).expand_as(lines.parameters))
        lines.targets.add_(y.permute(self._lines_first), alpha=0.5)
        self._solve_lines(lines)
        return lines.solved if self._order.axis == 3 else lines.solved.transpose(1, 2)

    def _solve_lines(self, lines: Lines) -> None:
        """[(y - mu of h) / 2 | l of h] in `lines.parameters` -> x in `lines.solved`."""
        for seen, context, sums, numerator, logit, target in lines.steps:
            if seen:
                torch.mm(context, self._into_hidden[seen], out=lines.hidden)
                sums.addmm_(_elu_(lines.hidden, lines.spare), self._out_of_hidden)
            torch.div(numerator, logit.sigmoid_(), out=lines.answer)
            target.copy_(lines.neighbours)


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

    def solve(self, y: Tensor, shares: Iterator[Tensor], workspace: Workspace) -> Tensor:
        """Three products."""
        given, changed = self._split(y)
        mu, logit = self._parameters(given, workspace).chunk(2, dim=-1)
        return self._merge(given, (changed - mu).div_(logit.sigmoid_().mul_(2)))

    def _parameters(self, given: Tensor, workspace: Workspace) -> Tensor:
        """(B, 8, 8, C) -> [mu | l], (B, 8, 8, 2 C')."""
        first, mid, last = self.products
        before, hidden = workspace.pair(mid.shape[0])
        _elu_(torch.mm(_surroundings(given), first, out=before), spare=hidden)
        _elu_(torch.mm(before, mid, out=hidden), spare=before)
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

    def solve(self, y: Tensor, shares: Iterator[Tensor], workspace: Workspace) -> Tensor:
        """Its parts in turn."""
        last = self._norm.solve(y[..., self._kept :], shares, workspace)
        y = torch.cat((y[..., : self._kept], last), dim=-1)
        return self._shuffle.solve(self.coupling.solve(y, shares, workspace), shares, workspace)


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


def _elu_(x: Tensor, spare: Tensor) -> Tensor:
    """ELU in place; `spare` has its shape. torch's own spends most of its time on digits of exp(x) - 1 that the -1 swallows."""
    if x.is_cuda or x.numel() < _LARGE:
        return F.elu_(x)
    torch.exp(x, out=spare).clamp_max_(1).sub_(1)  # exp(x) - 1 >= x, so the larger one of x and this is ELU
    return torch.maximum(x, spare, out=x)


def _surroundings(grid: Tensor) -> Tensor:
    """(B, H, W, C) -> (B H W, 9 C): the zero-padded 3 x 3 surroundings of each pixel."""
    batch, height, width, channels = grid.shape
    padded = F.pad(grid, (0, 0, 1, 1, 1, 1))
    image, row, column, _ = padded.stride()
    windows = padded.as_strided((batch, height, width, 3, 3 * channels), (image, row, column, row, 1))
    return windows.reshape(-1, 9 * channels)
