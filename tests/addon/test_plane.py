from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.core.gestures.plane import Ray, Surface, Triangle, Vec2, Vec3, clamped, inside

fractions = st.floats(0.01, 0.99)
angles = st.floats(-math.pi, math.pi)
scales = st.floats(0.05, 20.0)
offsets = st.floats(-50.0, 50.0)
UNIT = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def turned(point: Vec3, x: float, y: float, z: float) -> Vec3:
    px, py, pz = point
    py, pz = py * math.cos(x) - pz * math.sin(x), py * math.sin(x) + pz * math.cos(x)
    px, pz = px * math.cos(y) + pz * math.sin(y), -px * math.sin(y) + pz * math.cos(y)
    px, py = px * math.cos(z) - py * math.sin(z), px * math.sin(z) + py * math.cos(z)
    return px, py, pz


@st.composite
def placements(draw: st.DrawFn):
    """Where a plane may be: size, scale along its axes, a parent's turn and shift, mirrored or turned texture."""
    width, height = draw(st.floats(0.2, 5.0)), draw(st.floats(0.2, 5.0))
    sx, sz = draw(scales), draw(scales)
    turn = draw(angles), draw(angles), draw(angles)
    parent = draw(angles), draw(angles), draw(angles)
    move = draw(offsets), draw(offsets), draw(offsets)
    flip_u, flip_v, quarter = draw(st.booleans()), draw(st.booleans()), draw(st.integers(0, 3))

    def world(u: float, v: float) -> Vec3:
        local = ((u - 0.5) * width * sx, 0.0, (v - 0.5) * height * sz)
        x, y, z = turned(local, *turn)
        x, y, z = turned((x + move[0], y + move[1], z + move[2]), *parent)
        return x, y, z

    def texture(corner: int) -> Vec2:
        u, v = UNIT[(corner + quarter) % 4]
        return (1 - u if flip_u else u), (1 - v if flip_v else v)

    corners = [world(*unit) for unit in UNIT]
    uvs = [texture(corner) for corner in range(4)]
    triangles = tuple(Triangle(tuple(corners[i] for i in ids), tuple(uvs[i] for i in ids)) for ids in ((0, 1, 2), (0, 2, 3)))
    return Surface(triangles)


def towards(surface: Surface, place: Vec3) -> Ray:
    """A slanted ray from outside through a place on the surface."""
    a, b, c = surface.triangles[0].corners
    ab = tuple(q - p for p, q in zip(a, b, strict=True))
    ac = tuple(q - p for p, q in zip(a, c, strict=True))
    normal = (ab[1] * ac[2] - ab[2] * ac[1], ab[2] * ac[0] - ab[0] * ac[2], ab[0] * ac[1] - ab[1] * ac[0])
    length = math.hypot(*normal)
    direction = tuple(-n / length + 0.2 * e / math.hypot(*ab) for n, e in zip(normal, ab, strict=True))
    return Ray(tuple(p - 3 * d for p, d in zip(place, direction, strict=True)), direction)


@given(placements(), fractions, fractions)
def test_a_ray_through_a_plate_point_hits_that_point_however_the_plane_lies(surface, x, y):
    place = surface.place((x, y))
    hit = surface.hit(towards(surface, place))
    assert hit is not None
    assert hit.at == pytest.approx((x, y), abs=1e-6)


@given(placements(), st.floats(-1.0, 2.0), st.floats(-1.0, 2.0))
def test_the_endless_plane_agrees_with_the_surface_and_goes_on_beside_it(surface, x, y):
    ray = towards(surface, surface.place((x, y)))
    assert surface.extend(ray, 0) == pytest.approx((x, y), abs=1e-5)


def upright(width: float = 2.0, height: float = 1.0) -> Surface:
    w, h = width / 2, height / 2
    corners = ((-w, 0.0, -h), (w, 0.0, -h), (w, 0.0, h), (-w, 0.0, h))
    return Surface(tuple(Triangle(tuple(corners[i] for i in ids), tuple(UNIT[i] for i in ids)) for ids in ((0, 1, 2), (0, 2, 3))))


def test_plate_points_count_from_the_top_left():
    assert upright().place((0.0, 0.0)) == pytest.approx((-1.0, 0.0, 0.5))
    assert upright().place((1.0, 1.0)) == pytest.approx((1.0, 0.0, -0.5))


def test_a_ray_beside_the_surface_misses_it():
    assert upright().hit(Ray((5.0, -3.0, 0.0), (0.0, 1.0, 0.0))) is None


def test_a_ray_that_leaves_from_behind_does_not_hit():
    assert upright().hit(Ray((0.0, 1.0, 0.0), (0.0, 1.0, 0.0))) is None


def test_a_ray_along_the_surface_meets_nothing():
    ray = Ray((-5.0, 0.0, 0.1), (1.0, 0.0, 0.0))
    assert upright().hit(ray) is None
    assert upright().extend(ray, 0) is None


def test_the_nearest_of_two_layers_is_hit():
    near = upright().triangles
    far = tuple(Triangle(tuple((x, y + 1.0, z) for x, y, z in t.corners), t.uvs) for t in near)
    hit = Surface(far + near).hit(Ray((0.25, -3.0, 0.1), (0.0, 1.0, 0.0)))
    assert hit is not None
    assert hit.distance == pytest.approx(3.0)


def test_a_surface_without_texture_coordinates_has_no_places():
    flat = Surface((Triangle(upright().triangles[0].corners, ((0.5, 0.5),) * 3),))
    assert flat.place((0.5, 0.5)) is None
    assert Surface(()).place((0.5, 0.5)) is None


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_a_clamped_point_is_inside(x, y):
    assert inside(clamped((x, y)))
