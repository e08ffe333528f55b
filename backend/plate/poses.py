"""What a model's motion makes of a body: the poses of its clip. No torch, no sockets.

A model that sees the thing says where all of its places go, and draws the body there as surely as it knows. Of one that does
not, the body follows what surely moves, and its turn about each tail goes on along the thing, fading: there such a model says
rest only because it does not know the thing. Tails go on the model's own way, turned and scaled to end at their tips exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_body import Body

from ..protocol.messages import Region
from .manner import Manner
from .motion import Motion

Points = NDArray[np.float64]

TARGET_WEIGHT = 0.05
"""How strongly a vertex is drawn to where the model moves it most surely, beside edges of weight 0.58."""
TOLD_WEIGHT = 0.03
"""The same where the model sees the thing, and rest is said as motion is."""
TURN_WEIGHT = 0.05
"""How strongly a vertex beside a tail is drawn to where the model's turn about the tail takes it."""
GROUND_WEIGHT = 0.4
"""How strongly what a thing stands on holds it, vertex by vertex; so it slides before it tears."""
_LIFTED = 0.05  # of that, for what is pulled straight up: the ground pushes, and does not pull
_FIRM, _STIFF, _TURN_RAD = 1.0, 0.5, 0.15  # what one standard deviation of a manner does: factors e^x, and an angle
_SEEN, _FADED = 0.5, 0.4  # of the thing's extent along it from a tail: where its turn is read, and where it has faded to 1 / e
_SLIDES = 0.5  # of the extent: how far from a tail the border lets go along it to 1 / e
_EXTENT = 90  # percentile of the distances from the nearest tail
_MOST_TURN_RAD = 0.7
_LEAST_WAY = 0.25  # of an arrow: a way that ends nearer to its start has no direction to be turned from


def _nowhere() -> Points:
    return np.empty((0, 2))


@dataclass(frozen=True)
class Holds:
    """What holds a thing, (N, 2) places each: pins stay where they are, what it stands on gives way before it tears.

    Where it leaves the picture, at its `border`, it slides along that and farther out, but not in: what would come is unknown.
    """

    pins: Points = field(default_factory=_nowhere)
    border: Points = field(default_factory=_nowhere)
    ground: Points = field(default_factory=_nowhere)


def poses_of(
    body: Body,
    motion: Motion,
    region: Region,
    size_px: tuple[int, int],
    arrows: Points,
    holds: Holds,
    manner: Manner = Manner(),  # noqa: B008, it is frozen
) -> Points:
    """Key poses (T + 1, V, 2) in fractions of the plate: the still's, then one for each frame of the clip.

    `arrows` (N, 4) are x, y, dx, dy in fractions of the plate of `size_px`.
    """
    size, tails = np.array(size_px, np.float64), arrows[:, :2]
    ways = _read(motion, tails, region, size)[0]
    ways = np.stack([_ended(way, goal, size) for way, goal in zip(ways.swapaxes(0, 1), arrows[:, 2:], strict=True)], axis=1)
    moved, trust = _read(motion, body.rest, region, size)
    reach = np.hypot(*(moved * size).T).max(axis=1)
    sure = trust * (reach / max(float(reach.max()), 1e-12)) ** 2
    along = _along(body, tails)
    pull = arrows[:, 2:].sum(axis=0) * size
    rise = max(0.0, -float(pull[1])) / max(float(np.hypot(*pull)), 1e-12)
    stands = GROUND_WEIGHT * _LIFTED**rise * np.exp(_FIRM * manner.firm) * body.weights(holds.ground).max(axis=0, initial=0)
    if motion.whole:
        pulls = [(TOLD_WEIGHT * trust, moved)]
    else:
        pulls = [(TARGET_WEIGHT * sure, moved), (stands, np.zeros_like(moved))]
        for tail, way, far in zip(tails, ways.swapaxes(0, 1), along, strict=True):
            turned = _turned(moved, (body.rest - tail) * size, sure * np.exp(-((far / _SEEN) ** 2)), manner, size)
            pulls.append((TURN_WEIGHT * np.exp(-((far / _FADED) ** 2)), way[:, None] + turned))
    targets, weight = _joined(pulls)
    stiffness = np.exp(_STIFF * manner.stiff * (1 - 2 * along.min(axis=0).clip(0, 1)))
    places = np.concatenate([tails, holds.border, holds.pins])
    slid = _slid(ways, body, holds.border, np.exp(-((along / _SLIDES) ** 2)) @ body.weights(holds.border).T)
    shifts = np.zeros((len(ways) - 1, 1, len(places), 2))
    shifts[:, 0, : len(tails) + len(holds.border)] = np.concatenate([ways, slid], axis=1)[1:]
    poses = body.stiffened(stiffness).held(places, weight).poses(shifts, (body.rest + targets[1:])[:, None])
    return np.concatenate([body.rest[None], poses[:, 0]])


def _along(body: Body, tails: Points) -> Points:
    """(N, V): how far the vertices are from tails along the thing, 1 at its far end; infinite where it is parted."""
    distance = body.distances(tails)
    nearest = distance.min(axis=0)
    extent = float(np.percentile(nearest[np.isfinite(nearest)], _EXTENT))
    return distance / max(extent, 1.0)


def _slid(ways: Points, body: Body, places: Points, near: Points) -> Points:
    """Shifts (T + 1, B, 2) of places at the border: along with the tails' ways, as near (N, B) as they are, but for inwards."""
    shifts = np.einsum("tnc,nb->tbc", ways, near / np.maximum(near.sum(axis=0), 1))
    margin = body.edge_px / np.array(body.size_px)
    inwards = ((places < margin) & (shifts > 0)) | ((places > 1 - margin) & (shifts < 0))
    return np.where(inwards, 0.0, shifts)


def _turned(moved: Points, sides: Points, sure: Points, manner: Manner, size: Points) -> Points:
    """Shifts (T + 1, V, 2) of the places at `sides` (V, 2) px of a tail, that its surroundings' turn about it gives them.

    The turn is that of the similarity that fits best how the surroundings are `moved`, each as far as it counts, `sure` (V,).
    """
    at, shift = sides @ (1, 1j), moved * size @ (1, 1j)
    share = sure / max(float(sure.sum()), 1e-12)
    away = at - share @ at
    fitted = (shift - (shift @ share)[:, None]) @ (share * away.conj()) / max(float(share @ np.abs(away) ** 2), 1e-12)
    pace = np.abs(shift @ share)
    turn = np.angle(1 + fitted) + _TURN_RAD * manner.turn * pace / max(float(pace.max()), 1e-12)
    turned = (np.exp(1j * np.clip(turn, -_MOST_TURN_RAD, _MOST_TURN_RAD)) - 1)[:, None] * at
    return np.stack([turned.real, turned.imag], axis=-1) / size


def _joined(pulls: list[tuple[Points, Points]]) -> tuple[Points, Points]:
    """Shifts (T + 1, V, 2) and weights (V,) that pull as several such pairs do together."""
    weight = np.sum([weight for weight, _ in pulls], axis=0)
    shifts = np.sum([weight[:, None] * shifts for weight, shifts in pulls], axis=0)
    return shifts / np.maximum(weight, 1e-12)[:, None], weight


def _read(motion: Motion, places: Points, region: Region, size: Points) -> tuple[Points, Points]:
    """Shifts (T + 1, N, 2) in fractions of the plate at places (N, 2), and how far they are known (N,); 0 off the region."""
    corner, extent = np.array([region.x, region.y]), np.array([region.w, region.h])
    inside = (places * size - corner) / extent
    at_x, at_y = ((inside[:, axis] * motion.size_px - 0.5).astype(np.float32)[:, None] for axis in (0, 1))

    def seen(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.remap(plane, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))[:, 0]

    shifts = np.array([[seen(np.ascontiguousarray(plane)) for plane in shift] for shift in motion.shifts], np.float64)
    known = np.mean([seen(plane) for plane in motion.trust], axis=0)
    on = ((inside >= 0) & (inside <= 1)).all(axis=1)
    moved = shifts.transpose(0, 2, 1) * extent / motion.size_px / size
    return np.where(on[None, :, None], moved, 0.0), known * on


def _ended(way: Points, goal: Points, size: Points) -> Points:
    """The way (T + 1, 2) of a tail, turned and scaled so that it ends at `goal` (2,)."""
    steps, end = way * size @ (1, 1j), complex(*(goal * size))
    if abs(steps[-1]) >= _LEAST_WAY * abs(end):
        ended = steps * (end / steps[-1])
    else:
        ended = steps + (end - steps[-1]) * np.linspace(0, 1, len(steps))
    return np.column_stack([ended.real, ended.imag]) / size
