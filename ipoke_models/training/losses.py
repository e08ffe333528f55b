"""What stages have in common: the loss of those that predict flow, and the figures they are judged by."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from . import processes

_LEAST_WEIGHT = 1e-6
"""Sum of weights below which a loss is none: a share of a batch may have no place that counts."""
MOVING_PX = 0.3
MOVING_WEIGHT = 4.0
SQUARE_WEIGHT = 0.25
"""Share of the squared error (px^2): the absolute error alone pulls uncertain motion to zero."""
JUDGED_PX = 1.0
VALIDATION_CLIPS = 192
"""Held-out clips that a stage is validated with, at most."""
VALIDATION_SEED = 12
"""What validation draws pokes and noise from, whatever the training's own seed: other pokes on the same 192 clips change a base's
likelihood by up to 0.17 a dimension, more than training does."""


def flow_loss(
    flow: Tensor,
    truth: Tensor,
    trusted: Tensor | None = None,
    moving: float = MOVING_WEIGHT,
    square: float | Tensor = SQUARE_WEIGHT,
    weight: float | Tensor = 1.0,
) -> Tensor:
    """Mean of `weight` (|e| + `square` e^2) over both components, in px; moving places count 1 + `moving` times, untrusted ones
    not at all.

    flow, truth: (..., 2, H, W) px; trusted: (..., 1, H, W) in {0, 1}, or None for everywhere; square and weight may be tensors
    that broadcast to it. Where several processes share a batch, the mean is over the places of all of them.
    """
    error = flow - truth
    emphasis = 1 + moving * (truth.norm(dim=-3, keepdim=True) > MOVING_PX)
    if trusted is not None:
        emphasis = emphasis * trusted
    return (
        (weight * emphasis * (error.abs() + square * error.square())).sum()
        / processes.average(emphasis.sum()).clamp_min(_LEAST_WEIGHT)
        / 2
    )


def laplace_nll(motion: Tensor, log_error: Tensor, truth: Tensor, trusted: Tensor) -> Tensor:
    """Mean of |e| / b + log b over trusted places: how likely the truth is where each component is taken to be off by b px.

    motion, truth: (..., 2, H, W) px; log_error, log b, and trusted: (..., 1, H, W).
    """
    error = (motion - truth).abs().mean(dim=-3, keepdim=True)
    return (trusted * (error * (-log_error).exp() + log_error)).sum() / processes.average(trusted.sum()).clamp_min(_LEAST_WEIGHT)


def flow_figures(flow: Tensor, truth: Tensor, trusted: Tensor | None = None) -> dict[str, float]:
    """Mean end-point error on trusted places that move by more than 1 px, beside that of standing still."""
    moving = truth.norm(dim=-3) > JUDGED_PX
    if trusted is not None:
        moving = moving & (trusted.squeeze(-3) > 0)
    return {
        "flow_error_px": float((flow - truth).norm(dim=-3)[moving].mean()),
        "flow_still_px": float(truth.norm(dim=-3)[moving].mean()),
    }


def mean_figures(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """Average dictionaries with the same keys."""
    listed = list(rows)
    return {key: sum(row[key] for row in listed) / len(listed) for key in listed[0]}
