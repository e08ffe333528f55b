"""Elastic things: what is held stays, what is pulled arrives, and one poke has many answers."""

import cv2
import numpy as np
import pytest

from ipoke_models.data.procedural.elastic import SUBSTEPS, Handle, Nature, Tissue, swing
from ipoke_models.data.procedural.meshed import Meshed
from ipoke_models.data.procedural.motion import NOWHERE
from ipoke_models.data.procedural.scenes import Patch
from ipoke_models.data.procedural.swinging import Held, swinging

SIZE_PX, FRAMES = 64, 10


def _patch(mask: np.ndarray) -> Patch:
    texture = np.random.default_rng(0).random((*mask.shape, 4)).astype(np.float32)
    texture[..., 3] = 1
    return Patch(texture * mask[..., None].astype(np.float32))


def _post() -> np.ndarray:
    """An upright post, 8 px wide and 48 px high."""
    mask = np.zeros((SIZE_PX, SIZE_PX), bool)
    mask[8:56, 28:36] = True
    return mask


def _tissue() -> Tissue:
    meshed = Meshed.of(_patch(_post()), 50)
    return Tissue.even(meshed.vertices, meshed.mesh.triangles)


def _handle(tissue: Tissue, pull: tuple[float, float], lets_go_at: int = FRAMES) -> Handle:
    """Draws the top by a pull within half of the clip."""
    top = tissue.rest[:, 1] < tissue.rest[:, 1].min() + 4
    time = np.arange(1, FRAMES * SUBSTEPS + 1) / SUBSTEPS
    path = np.minimum(time / FRAMES * 2, 1)[:, None] * np.array(pull)
    return Handle(top / top.sum(), path, (time <= lets_go_at).astype(float))


def _ground(tissue: Tissue) -> np.ndarray:
    return np.eye(len(tissue.rest))[tissue.rest[:, 1] > tissue.rest[:, 1].max() - 6]


def test_what_nobody_pulls_stays_at_rest() -> None:
    tissue = _tissue()
    poses = swing(tissue, _ground(tissue), _handle(tissue, (0, 0)), Nature(8.0, 0.1), FRAMES)
    np.testing.assert_allclose(poses, np.broadcast_to(tissue.rest, poses.shape), atol=1e-6)


def test_a_post_bends_from_its_ground_and_its_top_arrives() -> None:
    tissue = _tissue()
    handle, ground = _handle(tissue, (10, 2)), _ground(tissue)
    moved = swing(tissue, ground, handle, Nature(6.0, 0.3), FRAMES) - tissue.rest
    np.testing.assert_allclose(handle.row @ moved[-1], (10, 2), atol=0.5)
    assert np.abs(ground @ moved).max() < 0.3
    middle = np.abs(tissue.rest[:, 1] - 32) < 6
    assert 1 < moved[-1, middle, 0].mean() < 8


def test_what_is_let_go_swings_back_past_its_rest_unless_it_is_damped() -> None:
    tissue = _tissue()
    handle = _handle(tissue, (10, 2), lets_go_at=5)
    light, damped = (
        (handle.row @ (swing(tissue, _ground(tissue), handle, Nature(6.0, friction), FRAMES) - tissue.rest))[5:, 0]
        for friction in (0.02, 2.0)
    )
    assert light.min() < -2
    assert damped.min() > -0.5


def test_the_slower_a_body_swings_the_longer_its_far_end_stays_behind() -> None:
    tissue = _tissue()
    nothing = np.zeros((0, len(tissue.rest)))
    lags = []
    for period in (2.0, 8.0, 30.0):
        moved = swing(tissue, nothing, _handle(tissue, (12, 0)), Nature(period, 0.1), FRAMES) - tissue.rest
        lags.append(float(np.abs(moved[2, np.argmax(tissue.rest[:, 1]), 0])))
    assert lags[0] > lags[1] > lags[2]


@pytest.mark.parametrize("kind", [Held.GROUND, Held.TOP, Held.TRUNK, Held.PINS, Held.HINGE, Held.NOTHING])
def test_a_thing_moves_and_something_stays_unless_nothing_holds_it(kind: Held) -> None:
    mask = _post()
    stays = []
    for seed in range(4):
        layer = swinging(np.random.default_rng(seed), _patch(mask), SIZE_PX, FRAMES, kind)
        places = np.argwhere(mask)[:, ::-1].astype(np.float32)
        moved = np.linalg.norm(layer.motion.forward(places, FRAMES) - places, axis=-1)
        assert moved.max() > 1
        stays.append(moved.max(axis=0).min() < 0.6)
    assert all(stays) or kind is Held.NOTHING
    assert not all(stays) or kind is not Held.NOTHING


def test_the_same_thing_answers_otherwise_each_time() -> None:
    places = np.argwhere(_post())[:, ::-1].astype(np.float32)
    ends = []
    for seed in range(6):
        layer = swinging(np.random.default_rng(seed), _patch(_post()), SIZE_PX, FRAMES, Held.GROUND)
        moved = layer.motion.forward(places, FRAMES)[-1] - places
        ends.append(moved / np.linalg.norm(moved, axis=-1).max())
    apart = [np.linalg.norm(one - other, axis=-1).mean() for one in ends for other in ends if one is not other]
    assert np.mean(apart) > 0.2


def test_a_mesh_at_rest_shows_every_pixel_where_it_is() -> None:
    mask = cv2.circle(np.zeros((SIZE_PX, SIZE_PX), np.uint8), (30, 34), 17, 1, -1) > 0
    meshed = Meshed.of(_patch(mask), 60)
    poses = np.repeat(meshed.vertices[None], 2, axis=0)
    motion = meshed.motion(poses, np.zeros(len(meshed.mesh.triangles)), SIZE_PX)
    places = np.argwhere(mask)[:, ::-1].astype(np.float32)
    np.testing.assert_allclose(motion.forward(places[None]), [places, places], atol=1e-4)
    np.testing.assert_allclose(motion.inverse(np.repeat(places[None], 2, axis=0)), [places, places], atol=1e-3)
    assert (motion.inverse(np.zeros((2, 1, 2), np.float32)) == NOWHERE).all()


def test_pieces_beside_a_thing_are_left_out_of_it() -> None:
    mask = _post()
    mask[10:14, 50:54] = True
    meshed = Meshed.of(_patch(mask), 40)
    assert not meshed.patch.texture[10:14, 50:54].any()
    assert meshed.patch.texture[30, 32, 3] == 1


def test_of_two_fingers_that_share_triangles_each_shows_its_own_pixels() -> None:
    mask = np.zeros((SIZE_PX, SIZE_PX), bool)
    mask[10:50, 20:26], mask[10:50, 28:34], mask[44:54, 20:34] = True, True, True
    meshed = Meshed.of(_patch(mask), 40)
    left = meshed.vertices.copy()
    finger = np.unique(meshed.mesh.triangles[np.unique(meshed.owner[10:36, 20:26])])
    left[finger, 0] -= 12
    motion = meshed.motion(left[None], np.zeros(len(meshed.mesh.triangles)), SIZE_PX)
    seen = motion.inverse(np.float32([[[11, 15], [31, 15], [23, 15]]]))
    np.testing.assert_allclose(seen[0, :2], [[23, 15], [31, 15]], atol=0.1)
    assert seen[0, 2, 0] == NOWHERE
