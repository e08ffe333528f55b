from __future__ import annotations

import math

import numpy as np
import pytest

from blender_addon._vendor.ipoke_body import BodyError
from blender_addon._vendor.protocol.messages import Poke
from blender_addon.core.gestures.plane import Surface, Triangle
from blender_addon.core.things import filling
from blender_addon.core.things.puppet import Puppet, thinned
from blender_addon.core.things.sheet import Sheet

SIDE = 240
TAIL = (0.5, 0.25)
PULL = Poke(*TAIL, 0.2, 0.05)


def flower() -> np.ndarray:
    """A head on a stem that leaves the picture below."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    rows, columns = np.indices(mask.shape)
    mask[np.hypot(rows - 60, columns - 120) < 40] = 1
    mask[60:, 116:125] = 1
    return mask


@pytest.fixture(scope="module")
def puppet() -> Puppet:
    return Puppet(flower(), 150)


def place(puppet: Puppet, at: tuple[float, float]) -> np.ndarray:
    """Where the corner is now that rested nearest to a place."""
    nearest = int(np.hypot(*(puppet.corners.rest - at).T).argmin())
    return puppet.corners.at(puppet.pose)[nearest] - puppet.corners.rest[nearest]


def played(puppet: Puppet, *pokes: Poke, free_ground: bool = False) -> None:
    puppet.rest_again()
    for _ in range(5):
        puppet.follow(pokes, free_ground=free_ground)


def test_the_thing_follows_the_arrow_and_stays_on_its_ground(puppet):
    played(puppet, PULL)
    assert place(puppet, TAIL) == pytest.approx((0.2, 0.05), abs=0.03)
    assert np.abs(place(puppet, (0.5, 1.0))).max() < 0.01


def test_a_free_ground_goes_along(puppet):
    played(puppet, PULL, free_ground=True)
    assert place(puppet, (0.5, 1.0))[0] > 0.1


def test_a_pin_holds_its_place(puppet):
    pin = (0.5, 0.6)
    played(puppet, PULL)
    free = np.hypot(*place(puppet, pin))
    played(puppet, PULL, Poke(*pin, 0.0, 0.0))
    assert np.hypot(*place(puppet, pin)) < 0.01 < free


def test_pins_alone_move_nothing_and_letting_go_brings_everything_back(puppet):
    played(puppet, PULL)
    puppet.follow([Poke(*TAIL, 0.0, 0.0)], free_ground=False)
    assert (puppet.pose == puppet.rest).all()
    played(puppet, PULL)
    puppet.rest_again()
    assert (puppet.pose == puppet.rest).all()


def test_at_rest_every_corner_is_where_it_was_and_the_triangles_cover_the_thing(puppet):
    corners = puppet.corners
    assert corners.at(puppet.rest) == pytest.approx(corners.rest)
    a, b, c = (corners.rest[corners.triangles[:, corner]] for corner in range(3))
    sides = np.cross(np.pad(b - a, ((0, 0), (0, 1))), np.pad(c - a, ((0, 0), (0, 1))))[:, 2]
    assert np.abs(sides).sum() / 2 > flower().mean()


def test_what_moves_farther_is_drawn_later(puppet):
    played(puppet, PULL)
    places = puppet.corners.at(puppet.pose)
    order = puppet.corners.ordered(places)
    moved = np.hypot(*(places - puppet.corners.rest).T)[order].sum(axis=1)
    assert moved[0] < moved[-1]
    assert {tuple(triangle) for triangle in order.tolist()} == {tuple(triangle) for triangle in puppet.corners.triangles.tolist()}


def test_few_pins_of_the_ground_are_shown_and_each_of_them_holds():
    wide = np.zeros((SIDE, SIDE), np.float32)
    wide[100:, 20:220] = 1
    puppet = Puppet(wide, 300)
    held, shown = puppet.ground([TAIL]), puppet.shown_ground([TAIL])
    assert 5 < len(shown) < len(held)
    assert {tuple(at) for at in shown} <= {tuple(at) for at in held.tolist()}
    assert min(math.dist(a, b) for a in shown for b in shown if a != b) >= 0.05


def test_nothing_is_thinned_to_nothing():
    assert thinned(np.empty((0, 2)), (10, 10)) == []


def test_a_mask_that_marks_nothing_has_no_puppet():
    with pytest.raises(BodyError):
        Puppet(np.zeros((20, 20), np.float32))


def square(z: float = 0.0, bend: float = 0.0) -> Surface:
    """Two triangles with the whole plate on them; `bend` lifts one corner out of their plane."""
    corners = [(0.0, 0.0, z), (2.0, 0.0, z), (2.0, 1.0, z), (0.0, 1.0, z + bend)]
    uvs = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    return Surface(
        tuple(Triangle(tuple(corners[i] for i in three), tuple(uvs[i] for i in three)) for three in ((0, 1, 2), (0, 2, 3)))
    )


@pytest.mark.parametrize("bend", [0.0, 0.7])
def test_many_points_are_where_each_of_them_is(bend):
    surface, rng = square(0.3, bend), np.random.default_rng(0)
    points = rng.uniform(-0.2, 1.2, (200, 2))
    told = Sheet.of(surface).at(points)
    assert told == pytest.approx(np.array([surface.place(tuple(point)) for point in points]), abs=1e-6)


def test_a_surface_without_texture_coordinates_has_no_corners():
    assert not len(Sheet.of(Surface(())).corners)


def test_what_is_known_stays_and_the_hole_takes_the_colours_around_it():
    picture = np.zeros((60, 81, 4), np.float32)
    picture[..., 0] = np.linspace(0.2, 0.8, 81)
    known = np.ones((60, 81), np.float32)
    known[20:40, 30:50] = 0
    spoilt = picture.copy()
    spoilt[20:40, 30:50] = 99
    filled = filling.filled(spoilt, known)
    assert (filled[known == 1] == picture[known == 1]).all()
    assert np.abs(filled - picture).max() < 0.1


def test_a_picture_of_which_nothing_is_known_is_black():
    assert not filling.filled(np.ones((8, 8, 4), np.float32), np.zeros((8, 8), np.float32)).any()
