"""A body for other programs: the same parts as its renderer draws, and pictures that make the plate again at rest."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.plate.image import PlateImage, display_of, linear_of
from backend.plate.patches import Patches
from backend.plate.posed import PosedRenderer, part_body
from backend.plate.posed_mesh import PosedMesh, pictures_of
from backend.protocol.messages import Region
from ipoke_body import Body

from .test_posed import mask_of, pulled
from .test_render import KINDS, LAST, SIZE, plate_of

WIDTH, HEIGHT = SIZE
WHOLE = Region(0, 0, WIDTH, HEIGHT)


def drawn(mesh: PosedMesh, pose: np.ndarray) -> np.ndarray:
    """(H, W): where the triangles of a mesh lie."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    for triangle in (mesh.carried(pose[None])[0] * SIZE)[mesh.triangles]:
        cv2.fillConvexPoly(canvas, np.rint((triangle - 0.5) * 16).astype(np.int32), 255, cv2.LINE_8, 4)
    return canvas > 0


def fingers() -> np.ndarray:
    """Two fingers on a hand, with a gap between them that is far narrower than a triangle of its body."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[220:300, 180:300] = 1
    mask[80:220, 190:238] = mask[80:220, 242:290] = 1
    return mask


@pytest.mark.parametrize("mask", [mask_of(soft=False), fingers()], ids=["pear", "fingers"])
def test_its_triangles_lie_where_the_renderer_draws_the_body(mask):
    body = Body.of(mask > 0.05)
    tail = np.array([(214 / WIDTH, 100 / HEIGHT)])
    pinned = np.concatenate([tail, [(266 / WIDTH, 100 / HEIGHT)], body.ground(tail)])
    shifts = np.zeros((1, 1, len(pinned), 2))
    shifts[0, 0, 0] = (-60 / WIDTH, 10 / HEIGHT)
    pose = body.held(pinned).poses(shifts)[0, 0]
    wanted = Patches.of(body, SIZE).painted(pose * SIZE, WHOLE).top >= 0
    assert (drawn(PosedMesh.of(body), pose) ^ wanted).mean() < 2e-4


def test_where_parts_share_a_place_each_carries_its_own_pixels_alone():
    body = Body.of(fingers() > 0)
    assert len(PosedMesh.of(body).triangles) > len(body.mesh.triangles)


def test_at_rest_its_vertices_are_the_bodys():
    body, keys = pulled(mask_of(), 60)
    mesh = PosedMesh.of(body)
    assert mesh.carried(keys).shape == (2, len(mesh.weights), 2)
    np.testing.assert_allclose(mesh.weights.sum(axis=1), 1)
    plain = mesh.weights[:, 0] == 1
    np.testing.assert_allclose(mesh.carried(keys)[1][plain], keys[1][mesh.carriers[plain, 0]])


def over(front: np.ndarray, back: np.ndarray) -> np.ndarray:
    return front + (1 - front[..., 3:]) * back


def stored(light: np.ndarray, plate: PlateImage) -> np.ndarray:
    """Premultiplied linear light (H, W, 4) on the plate's own scale."""
    if plate.is_float:
        return light
    alpha = light[..., 3:]
    return np.dstack([display_of(light[..., :3] / np.maximum(alpha, 1e-6)) * alpha, alpha]) * plate.peak


def linear(image: PlateImage) -> np.ndarray:
    alpha = np.full(image.bgr.shape[:2], image.peak) if image.alpha is None else image.alpha
    alpha = alpha.astype(np.float32)[..., None] / np.float32(image.peak)
    colour = image.bgr.astype(np.float32) / np.float32(image.peak)
    if not image.is_float:
        straight = colour / np.maximum(alpha, 1e-6) if image.premultiplied else colour
        colour = linear_of(np.clip(straight, 0, 1)) * alpha
    return np.dstack([colour, alpha])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("cut_out", [False, True])
def test_the_thing_over_the_background_is_the_plate_again_off_the_things_edge(dtype, cut_out):
    plate, mask = plate_of(dtype, alpha=False), mask_of()
    if cut_out:
        alpha = mask * plate.peak
        colour = plate.bgr * mask[..., None] if plate.is_float else plate.bgr
        plate = replace(plate, bgr=colour.astype(dtype), alpha=alpha.astype(dtype), premultiplied=plate.is_float)
        mask = cv2.blur(cv2.dilate(mask, np.ones((9, 9))), (5, 5))
    thing, background = pictures_of(plate, part_body(plate, mask, Body.of(mask > 0.05)))
    assert thing.size_px == background.size_px == plate.size_px
    assert thing.depth_bits == background.depth_bits == plate.depth_bits
    nothing = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    found = stored(over(linear(thing), linear(background)), plate)
    wanted = stored(over(linear(plate), nothing), plate)
    step = 0.01 if plate.is_float else 1.5 if dtype == np.uint8 else 40
    edge = (cv2.blur(mask, (15, 15)) > 0) & (cv2.erode(mask, np.ones((15, 15))) < 1)
    assert np.abs(found - wanted)[~edge].max() <= step


@pytest.mark.slow
@KINDS
def test_the_background_is_the_plate_to_the_byte_off_the_thing(dtype, alpha):
    plate, mask = plate_of(dtype, alpha=alpha), mask_of()
    thing, background = pictures_of(plate, part_body(plate, mask, Body.of(mask > 0.05)))
    off = cv2.dilate(mask, np.ones((9, 9))) == 0
    assert (background.bgr[off] == plate.bgr[off]).all()
    assert (background.bgr[mask > 0.9] != plate.bgr[mask > 0.9]).any()
    assert not thing.alpha[off].any()


@pytest.mark.slow
@pytest.mark.parametrize("x_px", [-120, 70, 200])
def test_what_a_frame_uncovers_is_the_background_to_the_byte_however_far_it_moves(x_px):
    plate, mask = plate_of(np.uint8, alpha=False), mask_of()
    body, keys = pulled(mask, x_px)
    _, background = pictures_of(plate, part_body(plate, mask, body))
    renderer = PosedRenderer(plate, part_body(plate, mask, body), body, keys)
    uncovered = np.zeros((HEIGHT, WIDTH), bool)
    for trace in renderer.traces(np.array([1.0, 0.0]), LAST, LAST):
        band = trace.band
        uncovered[band.y : band.y + band.h, band.x : band.x + band.w] = (trace.shown == 0) & (trace.still > 0.9)
    uncovered = cv2.erode(uncovered.astype(np.uint8), np.ones((5, 5))) > 0  # off the soft edge of what has moved
    assert uncovered.sum() > 1000
    assert (renderer.frame(LAST).bgr[uncovered] == background.bgr[uncovered]).all()


def test_a_clean_plate_stands_behind_and_what_is_locked_stays():
    plate, mask = plate_of(np.uint8, alpha=False), mask_of()
    clean = PlateImage(np.full_like(plate.bgr, 77), None)
    lock = np.zeros((HEIGHT, WIDTH), np.float32)
    lock[:150] = 1
    thing, background = pictures_of(plate, part_body(plate, mask, Body.of(mask > 0.05), clean, lock))
    inside = (mask == 1) & (cv2.dilate(lock, np.ones((21, 21))) == 0)  # off the lock's edge, which is the thing's then
    assert (background.bgr[inside] == 77).all()
    assert (thing.alpha[inside] == 255).all()
    assert not thing.alpha[:150].any()
    assert (background.bgr[:150] == plate.bgr[:150]).all()
