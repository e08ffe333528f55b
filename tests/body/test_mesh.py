"""The mesh of a body: it follows the mask, and parts that only lie near each other share nothing."""

from __future__ import annotations

import numpy as np
import pytest

from ipoke_body.components import connected
from ipoke_body.mesh import NOWHERE, mesh_of
from ipoke_body.thickness import thickness_of

from . import shapes


@pytest.mark.parametrize("wanted", [100, 300, 800])
def test_a_mesh_has_about_as_many_vertices_as_asked_for(wanted):
    assert len(mesh_of(shapes.flower(), wanted).vertices) == pytest.approx(wanted, rel=0.12)


def test_fingers_that_are_near_in_the_picture_meet_in_the_palm_alone():
    mesh = mesh_of(shapes.hand())
    left, right = (np.unique(mesh.triangles[owners(mesh, rows=(60, 205), columns=c)]) for c in ((140, 199), (202, 261)))
    assert not set(left) & set(right)
    first, second = mesh.edges.T
    assert len(set(connected(len(mesh.vertices), first, second))) == 1


def owners(mesh, rows, columns):
    (top, bottom), (left, right) = ((int(a / mesh.pixel) + 1, int(b / mesh.pixel)) for a, b in (rows, columns))
    inside = mesh.owner[top:bottom, left:right]
    return np.unique(inside[inside != NOWHERE])


@pytest.mark.parametrize("mask", shapes.strange().values(), ids=shapes.strange())
def test_every_pixel_lies_in_its_triangle(mask):
    mesh = mesh_of(mask, 200)
    rows, columns = np.nonzero(mesh.owner != NOWHERE)
    weights = mesh.barycentric(mesh.owner[rows, columns], (np.column_stack([columns, rows]) + 0.5) * mesh.pixel)
    assert weights.min() > -1e-9
    assert np.allclose(weights.sum(axis=1), 1)


@pytest.mark.parametrize("mask", shapes.strange().values(), ids=shapes.strange())
def test_no_triangle_is_flat_turned_over_or_there_twice(mask):
    triangles = mesh_of(mask, 200)
    a, b, c = (triangles.vertices[triangles.triangles[:, corner]] for corner in range(3))
    area = np.cross(np.column_stack([b - a, np.zeros(len(a))]), np.column_stack([c - a, np.zeros(len(a))]))[:, 2]
    assert np.allclose(area, area[0])
    assert area[0] > 0
    assert len(np.unique(np.sort(triangles.triangles, axis=1), axis=0)) == len(triangles.triangles)


def test_a_place_off_the_thing_belongs_to_its_nearest_part():
    mesh = mesh_of(shapes.flower())
    triangles, weights = mesh.located(np.array([[200.0, 20.0], [200.0, 110.0]]))
    places = (mesh.vertices[mesh.triangles[triangles]] * weights[..., None]).sum(axis=1)
    assert places[0] == pytest.approx([200, 50], abs=3)
    assert places[1] == pytest.approx([200, 110], abs=1e-9)


def test_an_empty_mask_has_no_mesh():
    with pytest.raises(ValueError, match="empty"):
        mesh_of(np.zeros((5, 5), bool))


def test_thickness_is_the_width_of_the_part():
    thick = thickness_of(shapes.flower())
    assert thick[300, 205] == pytest.approx(9, abs=2)
    assert thick[110, 200] == pytest.approx(2 * 60, rel=0.15)
    assert thick[0, 0] == 0
