"""Owns what a model's clip says about motion: where every place of the still goes, as key fields over time.

A model that warps gives, for each place of a *frame*, where its colour stood in the still. Here it is turned round: for
each place of the *still*, where it goes. That form has one trajectory a place, so that it can be interpolated in time,
joined and looped, and its edges are the plate's own edges. Where two places of a frame come from one place of the still,
the one that moved farther wins: what moves passes in front.

A model that sees the thing says where its places go: its motion is taken as it is.

For a model that paints, the motion is estimated between its still and its frames, and checked back and forth. What the
estimate leaves of the frame's colours, at low frequency, is its shading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

_FINER = 4
_ORDER_PER_PX = 1.0
_MOST_ORDER = 16.0
_LEAST_TRUST = 1e-3
_PLACES = 200
_CONSISTENT_PX = 0.5
_SHADING_SIGMA = 0.06
_SHADING_STEP = (0.012, 0.03)


@dataclass(frozen=True)
class Motion:
    """Keys 0..T of a clip at the model's size S; key 0 is the still.

    shifts: (T + 1, 2, S, S) model px, what stands at q in the still stands at q + shifts[t, :, q] in frame t.
    trust: (T + 1, S, S) in [0, 1], how far the shift is known rather than filled in.
    shading: (T + 1, 3, S, S) BGR to add in frame t at p, in parts of white; None for models that don't paint.
    whole: whether rest is known too, since the model sees the thing; else it may be that the model only does not know.
    """

    shifts: Field
    trust: Field
    shading: Field | None
    whole: bool = False

    @property
    def size_px(self) -> int:
        """S."""
        return self.shifts.shape[-1]


def motion_of_flows(flows: Sequence[Field], visibilities: Sequence[Field | None]) -> Motion:
    """From backward flows (2, S, S) in model px, frame 1 to T, and visibilities (S, S) in [0, 1]."""
    turned = [_turn_round(flow, visibility) for flow, visibility in zip(flows, visibilities, strict=True)]
    still = (np.zeros_like(turned[0][0]), np.ones_like(turned[0][1]))
    shifts, trust = zip(still, *turned, strict=True)
    return Motion(np.stack(shifts), np.stack(trust), None)


def motion_of_shifts(shifts: Sequence[Field], errors_px: Sequence[Field], mask: Field | None, size_px: int) -> Motion:
    """From shifts (2, s, s) in px of S, frame 1 to T, how far off they may be (s, s), and the mask (S, S) of what they are of.

    Beside the mask, or everything without one, a place goes where the nearest of it goes. No place goes farther than S.
    """
    side = shifts[0].shape[-1]
    known = np.ones((side, side), np.float32)
    if mask is not None:
        known = np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA), np.float32)
    shifts = [np.clip(np.nan_to_num(shift), -size_px, size_px) for shift in shifts]
    errors_px = [np.nan_to_num(error_px, nan=size_px, posinf=size_px) for error_px in errors_px]
    moved = [_enlarged(spread(shift, np.maximum(known, 1e-4)), size_px) for shift in shifts]
    trust = [
        _enlarged(spread(1 / (1 + np.square(error_px))[None], np.maximum(known, 1e-4)), size_px)[0] for error_px in errors_px
    ]
    still = np.zeros_like(moved[0]), np.ones_like(trust[0])
    return Motion(np.stack([still[0], *moved]), np.stack([still[1], *trust]), None, whole=mask is not None)


def motion_of_pictures(x0: Field, frames: Sequence[Field]) -> Motion:
    """From a still (3, S, S) and painted frames 1 to T, RGB in [-1, 1]: dense flow by DIS, and shading."""
    still = _unit(x0)
    zero = (np.zeros((2, *x0.shape[1:]), np.float32), np.ones(x0.shape[1:], np.float32), np.zeros_like(x0))
    shifts, trust, shading = zip(zero, *(_estimate(still, _unit(frame)) for frame in frames), strict=True)
    return Motion(np.stack(shifts), np.stack(trust), np.stack(shading))


def join(motions: Sequence[Motion]) -> Motion:
    """The keys of several clips of one still, one after the other."""
    shadings = [motion.shading for motion in motions if motion.shading is not None]
    shading = np.concatenate(shadings) if len(shadings) == len(motions) else None
    return Motion(
        np.concatenate([motion.shifts for motion in motions]),
        np.concatenate([motion.trust for motion in motions]),
        shading,
        all(motion.whole for motion in motions),
    )


def places_of(motion: Motion) -> NDArray[np.float64]:
    """The keys (K, D) at the places that move most: enough to judge how far and how fast a clip goes."""
    reach_px = np.hypot(motion.shifts[:, 0], motion.shifts[:, 1]).max(axis=0).ravel()
    chosen = np.argsort(-reach_px, kind="stable")[: max(1, int((reach_px > 0.25 * reach_px.max()).sum()))]
    picked = chosen[:: max(1, len(chosen) // _PLACES)]
    return motion.shifts.reshape(len(motion.shifts), 2, -1)[:, :, picked].reshape(len(motion.shifts), -1).astype(np.float64)


def inverse_of(shifts: Field, rounds: int = 28) -> Field:
    """The flow f with f(p) = -shifts(p + f(p)) for smooth shifts (2, H, W) in px, by fixed-point iteration.

    Damped to a quarter, it converges where the still is stretched up to eightfold.
    """
    rows, columns = np.indices(shifts.shape[1:], dtype=np.float32)
    x, y = np.ascontiguousarray(shifts[0]), np.ascontiguousarray(shifts[1])
    flow_x, flow_y = -x, -y
    for _ in range(rounds):
        at_x, at_y = columns + flow_x, rows + flow_y
        flow_x = 0.75 * flow_x - 0.25 * _linear(x, at_x, at_y)
        flow_y = 0.75 * flow_y - 0.25 * _linear(y, at_x, at_y)
    return np.stack([flow_x, flow_y])


def spread(values: Field, weight: Field) -> Field:
    """Values (C, H, W) where the weight (H, W) in [0, 1] is one, and beyond smoothly what is nearest (push-pull)."""
    packed = np.dstack([*(plane * weight for plane in values), weight])
    filled = _push_pull(packed)
    return np.ascontiguousarray((filled[..., :-1] / np.maximum(filled[..., -1:], 1e-6)).transpose(2, 0, 1))


def _turn_round(flow: Field, visibility: Field | None) -> tuple[Field, Field]:
    """Shifts (2, S, S) and trust (S, S): each frame place is laid down where it came from, the fastest on top."""
    size_px = flow.shape[-1]
    fine = _FINER * size_px
    flow = np.clip(np.nan_to_num(flow), -size_px, size_px)
    fine_x, fine_y = (cv2.resize(np.ascontiguousarray(plane), (fine, fine), interpolation=cv2.INTER_LINEAR) for plane in flow)
    seen = np.ones((fine, fine), np.float32)
    if visibility is not None:
        seen = np.clip(cv2.resize(np.ascontiguousarray(visibility), (fine, fine), interpolation=cv2.INTER_LINEAR), 0, 1)
    places = (np.arange(fine, dtype=np.float32) + 0.5) / _FINER - 0.5
    trust = seen * seen + _LEAST_TRUST
    reach_px = np.sqrt(fine_x * fine_x + fine_y * fine_y)
    weight = trust * np.exp(np.minimum(_ORDER_PER_PX * reach_px, _MOST_ORDER))
    planes = (weight + 1j * trust, -weight * (fine_x + 1j * fine_y))
    counted, moved = _lay_down(places + fine_x, places[:, None] + fine_y, planes, size_px)
    shifts = np.stack([moved.real, moved.imag]) / np.maximum(counted.real, 1e-12)
    certain = np.clip(counted.imag / (0.25 * _FINER**2), 0, 1).astype(np.float32)
    return spread(shifts.astype(np.float32), np.maximum(certain, 1e-4)), certain


def _lay_down(x: Field, y: Field, planes: Sequence[NDArray[np.complex64]], size_px: int) -> list[NDArray[np.complex128]]:
    """Sums (S, S) of what planes, two values each as complex numbers, lay down at places x and y: a share on each pixel beside.

    What lies off the picture falls on its border, two pixels wide, which is cut off.
    """
    wide = size_px + 3
    x, y = (np.clip(place, -1, size_px) + 1 for place in (x, y))
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    right_share, low_share = x - left.astype(np.float32), y - top.astype(np.float32)
    corner = (top * wide + left).ravel()
    totals = [np.zeros(wide * wide, np.complex128) for _ in planes]
    for across, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        share = (right_share if across else 1 - right_share) * (low_share if down else 1 - low_share)
        for total, plane in zip(totals, planes, strict=True):
            np.add.at(total[down * wide + across :], corner, (plane * share).ravel().astype(np.complex128))
    inside = slice(1, 1 + size_px)
    return [total.reshape(wide, wide)[inside, inside] for total in totals]


def _estimate(still: Field, frame: Field) -> tuple[Field, Field, Field]:
    """Shifts, trust and shading from two BGR pictures (S, S, 3) in [0, 1]."""
    forward, backward = _dis(still, frame), _dis(frame, still)
    rows, columns = np.indices(still.shape[:2], dtype=np.float32)
    at_x, at_y = columns + forward[0], rows + forward[1]
    back = np.stack([_linear(np.ascontiguousarray(plane), at_x, at_y) for plane in backward])
    error_px = np.hypot(*(forward + back))
    trust = np.exp(-((error_px / _CONSISTENT_PX) ** 2)).astype(np.float32)
    warped = cv2.remap(still, columns + backward[0], rows + backward[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(frame - warped, (0, 0), _SHADING_SIGMA * len(still))
    soft = soft * step(np.abs(soft).max(axis=2), *_SHADING_STEP)[..., None]
    return spread(forward, np.maximum(trust, 1e-3)), trust, np.ascontiguousarray(soft.transpose(2, 0, 1))


def _dis(first: Field, second: Field) -> Field:
    side = _FINER * len(first)
    grey = [cv2.cvtColor(np.rint(image * 255).astype(np.uint8), cv2.COLOR_BGR2GRAY) for image in (first, second)]
    pictures = [cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC) for image in grey]
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = estimator.calc(pictures[0], pictures[1], np.zeros((side, side, 2), np.float32))
    small = cv2.resize(flow, first.shape[1::-1], interpolation=cv2.INTER_AREA) / _FINER
    return np.ascontiguousarray(small.transpose(2, 0, 1), np.float32)


def _push_pull(packed: Field) -> Field:
    if min(packed.shape[:2]) <= 2:
        return np.broadcast_to(packed.mean(axis=(0, 1)), packed.shape).astype(np.float32)
    coarse = _push_pull(cv2.pyrDown(packed))
    level = coarse / np.maximum(coarse[..., -1:], 1e-9)
    fine = cv2.pyrUp(level.astype(np.float32), dstsize=packed.shape[1::-1])
    return np.asarray(packed + (1 - np.clip(packed[..., -1:], 0, 1)) * fine, np.float32)


def step(value: Field, low: float, high: float) -> Field:
    """0 up to `low`, 1 from `high`, smooth between."""
    x = np.clip((value - low) / (high - low), 0, 1).astype(np.float32)
    smooth: Field = x * x * (3 - 2 * x)
    return smooth


def _enlarged(planes: Field, size_px: int) -> Field:
    enlarged = [cv2.resize(plane, (size_px, size_px), interpolation=cv2.INTER_LINEAR) for plane in planes]
    return np.stack(enlarged).astype(np.float32)


def _linear(plane: Field, x: Field, y: Field) -> Field:
    return np.asarray(cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _unit(frame: Field) -> Field:
    """RGB (3, S, S) in [-1, 1] to BGR (S, S, 3) in [0, 1]."""
    return np.ascontiguousarray(np.clip((frame[::-1].transpose(1, 2, 0) + 1.0) * 0.5, 0, 1), np.float32)
