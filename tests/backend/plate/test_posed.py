"""A thing moves as a body: its own pixels, in front of what stands behind it, and not a byte elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.plate.errors import PlateError
from backend.plate.image import PlateImage
from backend.plate.motion import motion_of_flows
from backend.plate.patches import Patches
from backend.plate.posed import PosedRenderer, part_body
from backend.plate.poses import Holds, poses_of
from backend.plate.region import region_of_thing
from backend.plate.stage import Stage
from backend.plate.thing import thing_of_alpha
from backend.protocol.messages import Poke, Region
from ipoke_body import Body

from .test_passes import passes_of, warped_by
from .test_render import EVERYWHERE, KINDS, LAST, SIZE, STORED, card, flow_of, plate_of, random_flow, same

WIDTH, HEIGHT = SIZE


def mask_of(*, soft: bool = True) -> np.ndarray:
    """A pear of a thing in the middle of the plate."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.circle(mask, (240, 150), 40, 1.0, -1)
    cv2.line(mask, (240, 150), (250, 300), 1.0, 24)
    return cv2.GaussianBlur(mask, (0, 0), 1.5) if soft else mask


def pulled(mask: np.ndarray, x_px: float, y_px: float = 0.0) -> tuple[Body, np.ndarray]:
    """The body of a mask and two keys: at rest, and its head pulled by so much."""
    body = Body.of(mask > 0.05)
    tail = np.array([(240 / WIDTH, 150 / HEIGHT)])
    places = np.concatenate([tail, body.ground(tail)])
    shifts = np.zeros((1, 1, len(places), 2))
    shifts[0, 0, 0] = (x_px / WIDTH, y_px / HEIGHT)
    return body, np.concatenate([body.rest[None], body.held(places).poses(shifts)[:, 0]])


def posed(plate: PlateImage, mask: np.ndarray, body: Body, keys: np.ndarray, clean=None, lock=None) -> PosedRenderer:
    return PosedRenderer(plate, part_body(plate, mask, body, clean, lock), body, keys, lock)


def renderer_of(plate: PlateImage, mask: np.ndarray, x_px: float = 60.0, **given) -> PosedRenderer:
    return posed(plate, mask, *pulled(mask, x_px), **given)


def moved_card(plate: PlateImage, x_px: float, mask: np.ndarray | None = None) -> PosedRenderer:
    """The card of `test_render` carried as it is."""
    if mask is None:
        mask = np.zeros((HEIGHT, WIDTH), np.float32)
        mask[170:230, 220:280] = 1
    body = Body.of(mask > 0.05)
    return posed(plate, mask, body, np.stack([body.rest, body.rest + np.array([x_px / WIDTH, 0.0])]))


@pytest.mark.slow
@KINDS
def test_at_rest_the_whole_plate_stays_to_the_byte(dtype, alpha):
    plate = plate_of(dtype, alpha=alpha)
    assert same(renderer_of(plate, mask_of()).frame(np.array([1.0, 0.0])), plate, EVERYWHERE)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
@pytest.mark.parametrize("seed", range(10))
def test_off_the_things_old_and_new_place_and_under_the_lock_the_plate_stays_to_the_byte(dtype, seed):
    plate = plate_of(dtype, alpha=bool(seed % 2), seed=seed)
    if dtype is np.float16:
        plate.bgr[2, 3], plate.bgr[5, 4] = np.nan, np.inf
    lock = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.circle(lock, (280, 160 + 5 * seed), 30, 1.0, -1)
    mask, renderer = mask_of(), renderer_of(plate, mask_of(), 23.0 * seed - 100, lock=lock)
    shown = np.zeros((HEIGHT, WIDTH), bool)
    for trace in renderer.traces(np.array([1.0, 0.0]), LAST, LAST):
        band = trace.band
        shown[band.y : band.y + band.h, band.x : band.x + band.w] = trace.shown > 0
    result = renderer.frame(LAST)
    assert same(result, plate, ((mask == 0) & ~shown) | (lock == 1))
    assert not same(result, plate, EVERYWHERE)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "premultiplied"), STORED)
def test_a_cut_out_moves_with_its_alpha(dtype, premultiplied):
    plate = card(alpha=True, dtype=dtype, premultiplied=premultiplied)
    result = moved_card(plate, -20).frame(LAST)
    rows, columns = np.nonzero(result.alpha > 0.5 * plate.peak)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (170, 229, 200, 259)
    visible = result.alpha > 0.03 * plate.peak
    assert (result.bgr[visible][:, 1] <= 0.05 * plate.peak).all(), "green from under no alpha bled into the edge"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
def test_what_the_thing_uncovers_is_filled_and_what_it_covers_is_hidden(dtype):
    plate = card(alpha=False, dtype=dtype)
    result = moved_card(plate, -24).frame(LAST)
    red, green = result.bgr[..., 2] > 0.4 * plate.peak, result.bgr[..., 1] > 0.6 * plate.peak
    assert red[172:228, 198:254].all()
    assert green[172:228, 258:278].all()
    assert (red | green).mean() > 0.998


def test_a_clean_plate_shows_behind():
    plate = card(alpha=False)
    clean = PlateImage(np.full_like(plate.bgr, 0), None)
    clean.bgr[...] = (0, 255, 0)
    clean.bgr[170:230, 220:280] = (255, 0, 0)
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[170:230, 220:280] = 1
    body = Body.of(mask > 0)
    keys = np.stack([body.rest, body.rest - np.array([24 / WIDTH, 0.0])])
    assert (posed(plate, mask, body, keys, clean).frame(LAST).bgr[175:225, 258:278] == (255, 0, 0)).all()


@pytest.mark.slow
def test_a_thing_that_moves_out_leaves_the_picture_and_shows_nothing_mirrored_when_it_moves_in():
    plate = card(alpha=True)
    plate.alpha[...] = 0
    plate.alpha[170:230, :60] = 255
    plate.bgr[170:230, :60] = (0, 0, 204)
    mask = (plate.alpha / 255).astype(np.float32)
    out, back = moved_card(plate, -40, mask).frame(LAST), moved_card(plate, 40, mask).frame(LAST)
    assert (np.count_nonzero(out.alpha[200] > 127), np.count_nonzero(back.alpha[200] > 127)) == (20, 60)
    assert not back.alpha[180:220, :38].any()


@pytest.mark.slow
def test_the_stmap_makes_the_frame_of_the_plate_and_follows_the_body():
    plate = plate_of(np.uint8)
    mask = mask_of(soft=False)
    renderer = renderer_of(plate, mask)
    frame, passes = renderer.frame(LAST), passes_of(renderer)
    thing = np.zeros((HEIGHT, WIDTH), bool)
    for trace in renderer.traces(np.array([1.0, 0.0]), LAST, LAST):
        band = trace.band
        thing[band.y : band.y + band.h, band.x : band.x + band.w] = trace.shown > 0.99
    difference = np.abs(warped_by(passes, plate.bgr).astype(int) - frame.bgr).max(axis=2)
    assert difference[cv2.erode(thing.astype(np.uint8), np.ones((5, 5))) > 0].max() <= 2
    at = (150, 300)
    assert passes["Vector.X"][at] == pytest.approx(-60, abs=1)
    assert passes["occlusion.V"][150, 205] == 1


def test_of_two_parts_that_meet_the_one_that_moved_farther_is_in_front():
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[170:230, 100:160] = mask[170:230, 300:360] = 1
    plate = card(alpha=False)
    plate.bgr[...] = (0, 255, 0)
    plate.bgr[170:230, 100:160], plate.bgr[170:230, 300:360] = (0, 0, 255), (255, 0, 0)
    body = Body.of(mask > 0)
    left = body.rest[:, 0] < 0.5
    keys = np.stack([body.rest, body.rest])
    keys[1, left, 0] += 120 / WIDTH
    keys[1, ~left, 0] -= 80 / WIDTH
    result = posed(plate, mask, body, keys).frame(LAST)
    assert (result.bgr[200, 225:275] == (0, 0, 255)).all()


def disc_over_a_square(dtype: type, drop_px: int = 20) -> tuple[PosedRenderer, np.ndarray, np.ndarray]:
    """A disc that comes to stand over the right side of a square, and the disc's and the square's matte at rest."""
    disc, square = np.zeros((2, HEIGHT, WIDTH), np.float32)
    cv2.circle(disc, (120, 200), 35, 1.0, -1)
    square[150:250, 260:360] = 1
    disc, square = (cv2.GaussianBlur(mask, (0, 0), 1.5) for mask in (disc, square))
    plate = card(alpha=False, dtype=dtype)
    plate.bgr[...] = 0
    for channel, mask in ((2, disc), (0, square)):
        plate.bgr[..., channel] = mask * 0.8 * plate.peak
    plate.bgr[..., 1] = (1 - np.maximum(disc, square)) * 0.8 * plate.peak
    mask = np.maximum(disc, square)
    body = Body.of(mask > 0.05)
    keys = np.stack([body.rest, body.rest])
    keys[1, body.rest[:, 0] < 0.45, 0] += 240 / WIDTH
    keys[1, body.rest[:, 0] > 0.45, 1] += drop_px / HEIGHT
    return posed(plate, mask, body, keys), np.roll(disc, 240, 1), np.roll(square, drop_px, 0)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
def test_around_the_edge_of_a_part_in_front_the_part_behind_it_shows(dtype):
    renderer, disc, square = disc_over_a_square(dtype)
    result = renderer.frame(LAST)
    behind = (1 - disc) * (1 - square)
    wanted = 0.8 * np.dstack([square * (1 - disc), behind, disc])
    np.testing.assert_allclose(result.bgr.astype(np.float32) / renderer.plate.peak, wanted, atol=0.05)


@pytest.mark.slow
def test_the_stmap_shows_the_part_behind_around_the_edge_of_the_one_in_front():
    renderer, disc, square = disc_over_a_square(np.uint8)
    passes = passes_of(renderer)
    difference = np.abs(warped_by(passes, renderer.plate.bgr).astype(int) - renderer.frame(LAST).bgr).max(axis=2)
    assert difference[((disc == 0) | (disc > 0.99)) & (square > 0.99)].max() <= 2
    behind = (disc == 0) & (square > 0.99)
    np.testing.assert_allclose(passes["Vector.Y"][behind], 20, atol=0.1)


@pytest.mark.slow
def test_a_part_that_stays_keeps_its_bytes_around_the_edge_of_one_in_front_of_it():
    renderer, disc, square = disc_over_a_square(np.float16, drop_px=0)
    stays = (square > 0) & (cv2.dilate(disc, np.ones((7, 7))) == 0)
    assert same(renderer.frame(LAST), renderer.plate, stays)


@pytest.mark.slow
def test_fingers_that_share_a_place_keep_their_own_pixels():
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[100:300, 200:238] = mask[100:300, 241:280] = mask[260:300, 200:280] = 1
    plate = card(alpha=False)
    plate.bgr[...] = (0, 255, 0)
    plate.bgr[100:260, 200:238], plate.bgr[100:260, 241:280] = (0, 0, 255), (255, 0, 0)
    plate.bgr[260:300, 200:280] = (255, 255, 255)
    body = Body.of(mask > 0, 150)
    tail = np.array([(215 / WIDTH, 110 / HEIGHT)])
    places = np.concatenate([tail, body.ground(tail), [(265 / WIDTH, 110 / HEIGHT)]])
    shifts = np.zeros((1, 1, len(places), 2))
    shifts[0, 0, 0, 0] = -60 / WIDTH
    keys = np.concatenate([body.rest[None], body.held(places).poses(shifts)[:, 0]])
    result = posed(plate, mask, body, keys).frame(LAST)
    row = result.bgr[112]
    assert (row[245:276] == (255, 0, 0)).all(), "the finger that stays lost pixels"
    assert np.count_nonzero((row == (0, 0, 255)).all(axis=1)) == pytest.approx(38, abs=4)
    assert not (row[205:240] == (0, 0, 255)).all(axis=1).any(), "a piece of the finger stayed behind"


def test_poses_meet_the_arrows_exactly_at_the_last_frame():
    mask, size = mask_of(), SIZE
    body = Body.of(mask > 0.05)
    region = region_of_thing(mask, [Poke(0.5, 0.375, 0.1, 0.05)])
    motion = motion_of_flows([random_flow(seed, 6) for seed in range(4)], [None] * 4)
    arrows = np.array([(0.5, 0.375, 0.1, 0.05), (0.51, 0.6, -0.02, 0.0)])
    pins = np.array([(0.52, 0.74)])
    poses = poses_of(body, motion, region, size, arrows, Holds(pins))
    triangles, weights = body.mesh.located(np.concatenate([arrows[:, :2], pins]) * size)
    shown = (poses[:, body.mesh.triangles[triangles]] * weights[..., None]).sum(axis=2)
    np.testing.assert_allclose(shown[-1], [*(arrows[:, :2] + arrows[:, 2:]), pins[0]], atol=1e-6)
    np.testing.assert_allclose(shown[:, 2], np.broadcast_to(pins[0], (5, 2)), atol=1e-6)
    np.testing.assert_allclose(poses[0], body.rest, atol=1e-12)


def test_a_tail_takes_the_models_own_way_to_its_tip():
    mask = mask_of()
    body = Body.of(mask > 0.05)
    region = Region(80, 40, 320, 320)
    bow = [flow_of(-x, -y) for x, y in ((2, 4), (6, 4), (8, 0))]
    poses = poses_of(body, motion_of_flows(bow, [None] * 3), region, SIZE, np.array([(0.5, 0.375, 80 / WIDTH, 0.0)]), Holds())
    triangles, weights = body.mesh.located(np.array([(240, 150)]))
    corners = poses[:, body.mesh.triangles[triangles[0]]]
    way = (corners * weights[0][:, None]).sum(axis=1) * SIZE - (240, 150)
    np.testing.assert_allclose(way, [(0, 0), (20, 40), (60, 40), (80, 0)], atol=0.7)


@pytest.mark.slow
def test_a_preview_moves_the_same_body_as_a_bake():
    mask = cv2.resize(mask_of(), (1440, 1200), interpolation=cv2.INTER_LINEAR)
    plate = PlateImage(cv2.resize(plate_of().bgr, (1440, 1200)), None)
    region = Region(200, 100, 1000, 1000)
    stage = Stage(plate, region, None, None, mask, np.array([(0.5, 0.375, 0.1, 0.05)]))
    small = stage.shrunk(512)
    assert small.plate.size_px == (512, 427)
    np.testing.assert_array_equal(small.body.rest, stage.body.rest)
    motion = motion_of_flows([random_flow(1, 6)], [None])
    poses = [one.course([motion]).keys for one in (stage, small)]
    np.testing.assert_allclose(*poses, atol=0.2)


def test_a_small_thing_on_a_large_plate_is_seen_as_large():
    mask = np.zeros((2000, 3000), np.float32)
    mask[1000:1150, 2000:2100] = 1
    region = region_of_thing(mask, [Poke(2050 / 3000, 1050 / 2000, 0.01, 0.0)])
    assert region.w < 300
    assert region.x <= 2000
    assert region.y <= 1000
    assert min(region.x + region.w - 2100, region.y + region.h - 1150) >= 0


@pytest.mark.parametrize(("mirror", "flip"), [((-1, 1), 2), ((1, -1), 1)])
def test_motion_to_every_side_draws_the_body_alike(mirror, flip):
    mask = np.zeros((400, 400), np.float32)
    cv2.circle(mask, (200, 200), 90, 1.0, -1)
    body, region, flow = Body.of(mask > 0), Region(0, 0, 400, 400), random_flow(3, 6)
    turned = np.flip(flow, flip) * np.array(mirror, np.float32)[:, None, None]
    arrow, other = np.array([(0.5, 0.5, 0.05, 0.05)]), np.array([(0.5, 0.5, 0.05 * mirror[0], 0.05 * mirror[1])])
    ends = [
        poses_of(body, motion_of_flows([np.ascontiguousarray(one)], [None]), region, (400, 400), way, Holds())[-1]
        for one, way in ((flow, arrow), (turned, other))
    ]
    moved = [np.hypot(*(end - body.rest).T).mean() for end in ends]
    assert moved[0] == pytest.approx(moved[1], rel=0.1)


def test_a_triangle_that_the_pose_makes_flat_shows_nothing():
    mask = mask_of()
    body = Body.of(mask > 0.05)
    keys = np.stack([body.rest, body.rest])
    keys[1, body.mesh.triangles[0]] = keys[1, body.mesh.triangles[0]].mean(axis=0)
    patches = Patches.of(body, SIZE)
    assert not (patches.painted(keys[1] * SIZE, Region(0, 0, WIDTH, HEIGHT)).top == 0).any()


def test_a_thing_too_faint_for_a_body_is_a_sentence():
    mask = np.zeros((2048, 2048), np.float32)
    mask[1000, 1000] = 0.5
    stage = Stage(plate_of(), Region(0, 0, 64, 64), None, None, mask, np.array([(0.5, 0.5, 0.1, 0.0)]))
    with pytest.raises(PlateError, match="too small or too faint"):
        stage.body  # noqa: B018


def test_a_plate_that_is_faint_everywhere_has_no_thing_of_its_alpha():
    plate = PlateImage(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8))
    plate.alpha[10:20, 10:20] = 10
    assert thing_of_alpha(plate, np.array([[0.2, 0.2]])) is None
