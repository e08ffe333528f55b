"""Rendering moves the plate's own pixels, exactly where it should, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.plate.image import PlateImage
from backend.plate.motion import Motion, motion_of_flows, motion_of_pictures
from backend.plate.region import model_input
from backend.plate.render import Renderer
from backend.protocol.messages import Region

from .files import noise

S = 64
REGION = Region(120, 40, 256, 320)
SIZE = (480, 400)
LAST = np.array([0.0, 1.0])
KINDS = pytest.mark.parametrize(
    ("dtype", "alpha"), [(dtype, alpha) for dtype in (np.uint8, np.uint16, np.float16, np.float32) for alpha in (False, True)]
)


def plate_of(dtype: type = np.uint8, *, alpha: bool = False, seed: int = 0, size_px: tuple[int, int] = SIZE) -> PlateImage:
    """A smooth random picture, so that shifted pixels can be compared."""
    smooth = cv2.GaussianBlur(noise(*size_px, 4, np.uint16, seed), (0, 0), 6)
    spread = cv2.normalize(smooth.astype(np.float32), None, 0, 1, cv2.NORM_MINMAX)
    spread[..., 3] = noise(*size_px, 1, np.uint16, seed + 1)[..., 0] / 65535
    stored = spread.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(spread * np.iinfo(dtype).max).astype(dtype)
    return PlateImage(np.ascontiguousarray(stored[..., :3]), np.ascontiguousarray(stored[..., 3]) if alpha else None)


def flow_of(x: float, y: float) -> np.ndarray:
    """Backward flow, everywhere the same, in model pixels."""
    return np.stack([np.full((S, S), x), np.full((S, S), y)]).astype(np.float32)


def random_flow(seed: int, most_px: float) -> np.ndarray:
    generator = np.random.default_rng(seed)
    flow = np.stack([cv2.GaussianBlur(generator.normal(0, 1, (S, S)).astype(np.float32), (0, 0), 6) for _ in range(2)])
    return (flow * most_px / np.abs(flow).max()).astype(np.float32)


def renderer_of(plate: PlateImage, flow: np.ndarray, region: Region = REGION, **given) -> Renderer:
    return Renderer(plate, region, motion_of_flows([flow], [None]), **given)


def outside(region: Region = REGION, size_px: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.ones((size_px[1], size_px[0]), bool)
    mask[region.y : region.y + region.h, region.x : region.x + region.w] = False
    return mask


def same(result: PlateImage, plate: PlateImage, where: np.ndarray) -> bool:
    """Whether two images agree in every bit at some places."""
    alike = result.bgr[where].tobytes() == plate.bgr[where].tobytes()
    return alike and (plate.alpha is None or result.alpha[where].tobytes() == plate.alpha[where].tobytes())


EVERYWHERE = np.ones((SIZE[1], SIZE[0]), bool)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
@pytest.mark.parametrize("seed", range(50))
def test_outside_the_region_and_under_the_lock_the_plate_stays_to_the_byte(dtype, seed):
    generator = np.random.default_rng(seed)
    size_px = tuple(int(side) for side in generator.integers(24, 160, 2))
    plate = plate_of(dtype, alpha=bool(seed % 2), seed=seed, size_px=size_px)
    if seed % 3 == 0 and dtype is np.float16:
        plate.bgr[2, 3], plate.bgr[5, 4] = np.nan, np.inf
    x, y = (int(generator.integers(0, side - 16)) for side in size_px)
    region = Region(x, y, *(int(generator.integers(16, side - start + 1)) for side, start in zip(size_px, (x, y), strict=True)))
    lock = np.zeros(plate.bgr.shape[:2], np.float32)
    cv2.circle(lock, (x + region.w // 2, y + region.h // 2), int(generator.integers(3, 30)), 1.0, -1)
    renderer = renderer_of(plate, random_flow(seed, 8), region, lock=lock)
    result = renderer.frame(LAST)
    assert result.bgr.dtype == dtype
    assert same(result, plate, outside(region, size_px) | (lock == 1))


@KINDS
def test_without_motion_the_whole_plate_stays_to_the_byte(dtype, alpha):
    plate = plate_of(dtype, alpha=alpha)
    assert same(renderer_of(plate, flow_of(0, 0)).frame(LAST), plate, EVERYWHERE)
    assert same(renderer_of(plate, random_flow(0, 6)).frame(np.array([1.0, 0.0])), plate, EVERYWHERE)


@KINDS
def test_still_parts_stay_to_the_byte_beside_moving_ones(dtype, alpha):
    plate = plate_of(dtype, alpha=alpha)
    flow = flow_of(3, 0)
    flow[:, :, : S // 2] = 0.05
    result = renderer_of(plate, flow).frame(LAST)
    still, moving = EVERYWHERE & False, EVERYWHERE & False
    still[:, : REGION.x + REGION.w // 2 - 40] = True
    moving[180:220, REGION.x + REGION.w // 2 + 30 : REGION.x + REGION.w - 40] = True
    assert same(result, plate, still)
    assert not same(result, plate, moving)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
def test_backward_flow_fetches_pixels_from_where_it_points(dtype, alpha):
    plate = plate_of(dtype)
    if alpha:
        plate = PlateImage(plate.bgr, np.full(plate.bgr.shape[:2], plate.peak, dtype))
    result = renderer_of(plate, flow_of(2, 1)).frame(LAST)
    rows, columns = slice(150, 250), slice(200, 300)
    shift_x, shift_y = 2 * REGION.w // S, 1 * REGION.h // S
    fetched = plate.bgr[rows.start + shift_y : rows.stop + shift_y, columns.start + shift_x : columns.stop + shift_x]
    tolerance = plate.peak * (0.002 if dtype is np.float16 else 1 / 250)
    np.testing.assert_allclose(result.bgr[rows, columns].astype(float), fetched.astype(float), atol=tolerance)


def test_motion_grows_from_nothing_at_the_regions_border():
    plate = plate_of()
    result = renderer_of(plate, flow_of(4, 4)).frame(LAST)
    change = np.abs(result.bgr.astype(int) - plate.bgr).max(axis=2)
    assert change[REGION.y + 100 : REGION.y + 200, REGION.x].max() <= 2
    assert change[150:250, 200:300].max() > 20


def test_motion_reaches_borders_that_are_the_plates_own():
    plate = plate_of()
    result = renderer_of(plate, flow_of(4, 0), Region(0, 0, *SIZE)).frame(LAST)
    assert (result.bgr[200, :5] != plate.bgr[200, :5]).any()


def card(*, alpha: bool, dtype: type = np.uint8, premultiplied: bool = False) -> PlateImage:
    """A red card of 60 x 60 px on green (hidden under no alpha where there is alpha)."""
    peak = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    bgr = np.zeros((SIZE[1], SIZE[0], 3), dtype)
    mask = np.zeros(bgr.shape[:2], dtype)
    mask[170:230, 220:280] = peak
    bgr[...] = (0, 0, 0) if premultiplied else np.array([0, peak, 0], dtype)
    bgr[170:230, 220:280] = np.array([0, 0, 0.8 * peak]).astype(dtype)
    return PlateImage(bgr, mask if alpha else None, premultiplied)


def card_flow(x: float, y: float) -> np.ndarray:
    """What a model says of a card that moves by (-x, -y): its flow where the card is, then nothing."""
    flow = np.zeros((2, S, S), np.float32)
    left, right = (round((edge - REGION.x) / 4 - x) for edge in (220, 280))
    top, bottom = (round((edge - REGION.y) / 5 - y) for edge in (170, 230))
    flow[:, top:bottom, left:right] = np.array([x, y])[:, None, None]
    return flow


STORED = [(np.uint8, False), (np.uint16, False), (np.uint8, True), (np.float16, True)]


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "premultiplied"), STORED)
def test_alpha_moves_with_the_colour(dtype, premultiplied):
    plate = card(alpha=True, dtype=dtype, premultiplied=premultiplied)
    result = renderer_of(plate, card_flow(5, 0)).frame(LAST)
    rows, columns = np.nonzero(result.alpha > 0.5 * plate.peak)
    assert (rows.min(), rows.max()) == (170, 229)
    assert (columns.min(), columns.max()) == (pytest.approx(200, abs=1), pytest.approx(259, abs=1))
    visible = result.alpha > 0.03 * plate.peak
    assert (result.bgr[visible][:, 1] <= 0.05 * plate.peak).all(), "green from under no alpha bled into the edge"
    solid = result.alpha > 0.3 * plate.peak
    red = result.bgr[solid][:, 2].astype(float) / (result.alpha[solid] / plate.peak if premultiplied else 1)
    np.testing.assert_allclose(red, 0.8 * plate.peak, atol=0.04 * plate.peak)


def clear(plate: PlateImage) -> PlateImage:
    """The plate of a card without it."""
    return PlateImage(np.ascontiguousarray(np.broadcast_to(np.array([0, plate.peak, 0], plate.bgr.dtype), plate.bgr.shape)), None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
def test_what_a_clean_plate_parts_moves_in_front_of_it(dtype):
    plate = card(alpha=False, dtype=dtype)
    result = renderer_of(plate, card_flow(6, 0), clean=clear(plate)).frame(LAST)
    red, green = result.bgr[..., 2] > 0.4 * plate.peak, result.bgr[..., 1] > 0.6 * plate.peak
    assert red[175:225, 200:250].all(), "the card is not where it moved to"
    assert green[175:225, 262:278].all(), "what the card uncovers is not the clean plate"
    assert (red | green).mean() > 0.998, "the edge is torn or smeared"
    assert same(result, plate, ~cv2.dilate((red | (plate.bgr[..., 2] > 0)).astype(np.uint8), np.ones((17, 17))).astype(bool))


@pytest.mark.slow
def test_a_cut_out_moves_out_over_the_border_and_comes_in_with_nothing_mirrored():
    plate = card(alpha=True)
    plate.alpha[...] = 0
    plate.alpha[170:230, :60] = 255
    plate.bgr[170:230, :60] = (0, 0, 204)
    region = Region(0, 40, 320, 320)
    out, back = (renderer_of(plate, flow_of(x, 0), region).frame(LAST) for x in (8, -8))
    assert (np.count_nonzero(out.alpha[200] > 127), np.count_nonzero(back.alpha[200] > 127)) == (20, 60)
    assert not back.alpha[180:220, :38].any()


def test_a_clean_plate_shows_behind():
    plate = card(alpha=False)
    clean = PlateImage(np.full_like(plate.bgr, 0), None)
    clean.bgr[...] = (0, 255, 0)
    clean.bgr[170:230, 220:280] = (255, 0, 0)
    result = renderer_of(plate, card_flow(6, 0), clean=clean).frame(LAST)
    assert (result.bgr[175:225, 266:278] == (255, 0, 0)).all()


@pytest.mark.slow
def test_a_soft_lock_mixes_and_a_full_one_keeps():
    plate = plate_of()
    free = renderer_of(plate, flow_of(4, 2)).frame(LAST)
    lock = np.zeros(plate.bgr.shape[:2], np.float32)
    lock[:, 200:260], lock[:, 260:] = 0.5, 1.0
    half = Renderer(plate, REGION, motion_of_flows([flow_of(4, 2)], [None]), lock=lock).frame(LAST)
    assert same(half, plate, lock == 1)
    soft = (slice(180, 220), slice(205, 255))
    change, free_change = (np.abs(image.bgr[soft].astype(int) - plate.bgr[soft]).mean() for image in (half, free))
    assert 0.1 * free_change < change < 0.9 * free_change


def test_no_number_and_no_end_stay_where_nothing_moves_and_vanish_where_something_does():
    plate = plate_of(np.float32)
    plate.bgr[10, 10], plate.bgr[200, 250, 1], plate.bgr[210, 250] = np.nan, np.inf, np.nan
    result = renderer_of(plate, flow_of(3, 2)).frame(LAST)
    assert np.isnan(result.bgr[10, 10]).all()
    assert np.isfinite(result.bgr[REGION.y + 40 : REGION.y + 280, REGION.x + 40 : REGION.x + 200]).all()


def test_a_bright_float_plate_keeps_its_range():
    plate = plate_of(np.float16)
    plate = PlateImage((plate.bgr.astype(np.float32) * 800).astype(np.float16), None)
    result = renderer_of(plate, flow_of(3, 2)).frame(LAST)
    assert 400 < result.bgr.max() <= plate.bgr.max()
    assert result.bgr.min() >= 0


@KINDS
def test_a_model_that_paints_moves_pixels_and_shades_softly(dtype, alpha):
    plate = plate_of(dtype, alpha=alpha)
    if alpha:
        plate = PlateImage(plate.bgr, np.full(plate.bgr.shape[:2], plate.peak, dtype))
    x0 = model_input(plate, REGION, S)
    rows, columns = np.indices((S, S), dtype=np.float32)
    moved = np.stack([cv2.remap(plane, columns + 2, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in x0])
    darker = np.clip(moved - 0.3, -1, 1)
    result = Renderer(plate, REGION, motion_of_pictures(x0, [darker])).frame(LAST)
    assert same(result, plate, outside())
    middle = (slice(180, 220), slice(220, 270))
    fetched = plate.bgr[180:220, 228:278].astype(float) / plate.peak
    got = result.bgr[middle].astype(float) / plate.peak
    if np.dtype(dtype).kind != "f":
        np.testing.assert_allclose(got.mean(), fetched.mean() - 0.15, atol=0.05)
    assert np.corrcoef(got.ravel(), fetched.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("size_px", [(16, 16), (17, 400), (1025, 33)])
@pytest.mark.parametrize("alpha", [False, True])
def test_odd_sizes_are_rendered(size_px, alpha):
    plate = plate_of(alpha=alpha, size_px=size_px)
    result = renderer_of(plate, random_flow(3, 5), Region(0, 0, *size_px)).frame(LAST)
    assert result.size_px == size_px


def test_the_same_frame_gives_the_same_pixels_however_many_threads():
    plate = plate_of()
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        alone = renderer_of(plate, random_flow(1, 5)).frame(LAST)
        cv2.setNumThreads(4)
        together = renderer_of(plate, random_flow(1, 5)).frame(LAST)
    finally:
        cv2.setNumThreads(threads)
    assert (alone.bgr == together.bgr).all()


def test_a_motion_without_any_reach_is_no_error():
    still = Motion(np.zeros((3, 2, S, S), np.float32), np.ones((3, S, S), np.float32), None)
    plate = plate_of()
    assert same(Renderer(plate, REGION, still).frame(np.array([0.0, 0.5, 0.5])), plate, EVERYWHERE)
