"""A plate's thing while it is played with: how its body lies under the arrows, pins and the ground of a moment. No bpy.

Places are fractions of the plate's width and height, the first row on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._vendor.ipoke_body import VERTICES, Body, HeldBody
from ..._vendor.ipoke_values.names import THING_LEAST
from ..._vendor.protocol.messages import Poke
from ..gestures.plane import Vec2

Points = Any  # numpy's array types are not there for a type checker inside Blender

ROUNDS = 8
"""Of the solver, an event. Each goes on from where the last one ended, so it comes to rest while the mouse does."""
GROUND_APART = 0.05
"""Of the plate's long side: pins of the ground that are nearer to each other are shown as one."""


class Puppet:
    """The body of a thing, and what holds it at present."""

    def __init__(self, mask: Points, vertices: int = VERTICES) -> None:
        """The body of a mask (H, W) in [0, 1]; raises BodyError for one that marks nothing."""
        self._body = Body.of(mask > THING_LEAST, vertices)
        self._ground: tuple[bytes, Points] | None = None
        self._held: tuple[bytes, HeldBody] | None = None
        self.rest: Points = self._body.rest
        self.pose: Points = self.rest
        self.corners = Corners(self._body)

    def ground(self, tails: Sequence[Vec2]) -> Points:
        """Places (G, 2) that are held by themselves, none near the tails of arrows."""
        places = np.array(tails, np.float64).reshape(-1, 2)
        if self._ground is None or self._ground[0] != places.tobytes():
            self._ground = places.tobytes(), self._body.ground(places)
        return self._ground[1]

    def shown_ground(self, tails: Sequence[Vec2]) -> list[Vec2]:
        """The few of these places that are shown."""
        return thinned(self.ground(tails), self._body.size_px)

    def follow(self, pokes: Sequence[Poke], *, free_ground: bool) -> None:
        """Let the body lie as arrows and pins hold it; at rest where no arrow pulls."""
        arrows = [poke for poke in pokes if not poke.is_pin]
        if not arrows:
            self.pose, self._held = self.rest, None
            return
        tails = [(poke.x, poke.y) for poke in arrows]
        pins = [(poke.x, poke.y) for poke in pokes if poke.is_pin]
        ground = np.empty((0, 2)) if free_ground else self.ground(tails)
        places = np.concatenate([np.array([*tails, *pins]), ground])
        shifts = np.zeros((1, 1, len(places), 2))
        shifts[0, 0, : len(arrows)] = [(poke.dx, poke.dy) for poke in arrows]
        held = self._holding(places)
        self.pose = held.poses(shifts, start=self.pose[None], rounds=ROUNDS)[0, 0]

    def rest_again(self) -> None:
        """Let go: the next play begins with the body at rest."""
        self.pose = self.rest

    def _holding(self, places: Points) -> HeldBody:
        if self._held is None or self._held[0] != places.tobytes():
            self._held = places.tobytes(), self._body.held(places)
        return self._held[1]


class Corners:
    """What of a body is drawn, as triangles whose corners lie in triangles of the mesh.

    `rest` (C, 2) are the corners at rest, `triangles` (N, 3) triangles of corners.
    """

    def __init__(self, body: Body) -> None:
        mesh = body.mesh
        polygons = mesh.patches
        counts = np.array([len(polygon) for polygon in polygons])
        owners = np.repeat(np.arange(len(polygons)), counts)
        places = np.concatenate(polygons)
        self._vertices = mesh.triangles[owners]
        self._weights = mesh.barycentric(owners, places)
        self.rest: Points = places / body.size_px
        firsts = np.cumsum(counts) - counts
        fans = [
            (first, first + i, first + i + 1) for first, count in zip(firsts, counts, strict=True) for i in range(1, count - 1)
        ]
        self.triangles: Points = np.array(fans, np.int32)

    def at(self, pose: Points) -> Points:
        """(C, 2): where a pose (V, 2) has them."""
        return np.einsum("cvk,cv->ck", pose[self._vertices], self._weights)

    def ordered(self, places: Points) -> Points:
        """(N, 3): the triangles, those that have moved farthest in front, so last; `places` (C, 2) are the corners."""
        moved = places - self.rest
        far = (moved * moved).sum(axis=1)[self.triangles].sum(axis=1)
        return self.triangles[np.argsort(far, kind="stable")]


def thinned(places: Points, size_px: tuple[int, int]) -> list[Vec2]:
    """Some of the places (G, 2), none nearer to another than `GROUND_APART`."""
    least_px = GROUND_APART * max(size_px)
    kept: list[Vec2] = []
    for x, y in places.tolist():
        if all(np.hypot((x - a) * size_px[0], (y - b) * size_px[1]) >= least_px for a, b in kept):
            kept.append((x, y))
    return kept
