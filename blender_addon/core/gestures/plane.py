"""The way between a ray in the scene and a point on the plate, for any mesh that shows an image. No bpy.

A surface is a list of triangles in world space with texture coordinates, so rotation, scale, parents, aspect and
flipped texture coordinates are all in the numbers already. Plate points are fractions, x right and y down: y = 1 - v.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Vec2 = tuple[float, float]
Vec3 = tuple[float, float, float]

PARALLEL = 1e-12
ON_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Ray:
    """A half line; `direction` need not have unit length."""

    origin: Vec3
    direction: Vec3


@dataclass(frozen=True, slots=True)
class Triangle:
    """Three corners in world space and their texture coordinates."""

    corners: tuple[Vec3, Vec3, Vec3]
    uvs: tuple[Vec2, Vec2, Vec2]


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a ray meets the surface: which triangle, how far along the ray, and the plate point."""

    triangle: int
    distance: float
    at: Vec2


@dataclass(frozen=True, slots=True)
class Surface:
    """The visible surface of a plate."""

    triangles: tuple[Triangle, ...]

    def hit(self, ray: Ray) -> Hit | None:
        """Return the nearest point in front of the ray's origin, or None when it misses."""
        return min(self._hits(ray), key=lambda found: found.distance, default=None)

    def extend(self, ray: Ray, triangle: int) -> Vec2 | None:
        """Return the plate point under the ray on the endless plane of one triangle, or None when it is parallel."""
        chosen = self.triangles[triangle]
        met = _meet(ray, chosen)
        return None if met is None or met[2] < 0 else _plate_point(chosen, met[0], met[1])

    def place(self, at: Vec2) -> Vec3 | None:
        """Return where in the scene a plate point lies; beside the surface, its nearest triangle is extended."""
        best: tuple[float, Triangle, float, float] | None = None
        for triangle in self.triangles:
            weights = _weights(triangle, (at[0], 1.0 - at[1]))
            if weights is None:
                continue
            s, t = weights
            outside = max(-s, -t, s + t - 1.0)
            if best is None or outside < best[0]:
                best = (outside, triangle, s, t)
        if best is None:
            return None
        _, triangle, s, t = best
        a, b, c = triangle.corners
        return _add(a, _add(_scale(_subtract(b, a), s), _scale(_subtract(c, a), t)))

    def _hits(self, ray: Ray) -> Iterator[Hit]:
        for index, triangle in enumerate(self.triangles):
            met = _meet(ray, triangle)
            if met is None:
                continue
            s, t, distance = met
            if distance >= 0 and s >= -ON_EDGE and t >= -ON_EDGE and s + t <= 1 + ON_EDGE:
                yield Hit(index, distance, _plate_point(triangle, s, t))


def inside(at: Vec2) -> bool:
    """Tell whether a plate point lies on the plate."""
    return -ON_EDGE <= at[0] <= 1 + ON_EDGE and -ON_EDGE <= at[1] <= 1 + ON_EDGE


def clamped(at: Vec2) -> Vec2:
    """Return the nearest point of the plate."""
    return min(max(at[0], 0.0), 1.0), min(max(at[1], 0.0), 1.0)


def _meet(ray: Ray, triangle: Triangle) -> tuple[float, float, float] | None:
    """Solve origin + d * direction = a + s * (b - a) + t * (c - a) for (s, t, d) (Moeller and Trumbore 1997)."""
    a, b, c = triangle.corners
    ab, ac = _subtract(b, a), _subtract(c, a)
    p = _cross(ray.direction, ac)
    determinant = _dot(ab, p)
    scale = _length(ab) * _length(ac) * _length(ray.direction)
    if abs(determinant) <= PARALLEL * scale:
        return None
    from_a = _subtract(ray.origin, a)
    q = _cross(from_a, ab)
    return _dot(from_a, p) / determinant, _dot(ray.direction, q) / determinant, _dot(ac, q) / determinant


def _plate_point(triangle: Triangle, s: float, t: float) -> Vec2:
    (ua, va), (ub, vb), (uc, vc) = triangle.uvs
    return ua + s * (ub - ua) + t * (uc - ua), 1.0 - (va + s * (vb - va) + t * (vc - va))


def _weights(triangle: Triangle, uv: Vec2) -> Vec2 | None:
    (ua, va), (ub, vb), (uc, vc) = triangle.uvs
    determinant = (ub - ua) * (vc - va) - (uc - ua) * (vb - va)
    if abs(determinant) <= PARALLEL:
        return None
    u, v = uv[0] - ua, uv[1] - va
    return (u * (vc - va) - v * (uc - ua)) / determinant, (v * (ub - ua) - u * (vb - va)) / determinant


def _add(a: Vec3, b: Vec3) -> Vec3:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _subtract(a: Vec3, b: Vec3) -> Vec3:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _scale(a: Vec3, factor: float) -> Vec3:
    return a[0] * factor, a[1] * factor, a[2] * factor


def _dot(a: Vec3, b: Vec3) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vec3, b: Vec3) -> Vec3:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _length(a: Vec3) -> float:
    return _dot(a, a) ** 0.5
