"""Rendering moves the plate's own pixels, exactly where it should, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.plate.image import PlateImage
from backend.plate.region import model_input
from backend.plate.render import Renderer
from backend.protocol.messages import Region

from .files import noise

S = 64
REGION = Region(120, 40, 256, 320)
SIZE = (480, 400)
CENTRE = (slice(150, 250), slice(200, 300))


def plate_of(dtype: type = np.uint8, *, alpha: bool = False, seed: int = 0) -> PlateImage:
    """A smooth random picture, so that shifted pixels can be compared."""
    pixels = noise(SIZE[0], SIZE[1], 4, dtype, seed)
    smooth = cv2.GaussianBlur(pixels, (0, 0), 6)
    spread = cv2.normalize(smooth, None, 0, np.iinfo(dtype).max, cv2.NORM_MINMAX)
    return PlateImage(np.ascontiguousarray(spread[..., :3]), np.ascontiguousarray(pixels[..., 3]) if alpha else None)


def renderer_of(plate: PlateImage, region: Region = REGION) -> tuple[Renderer, np.ndarray]:
    x0 = model_input(plate, region, S)
    return Renderer(plate, region, x0), x0


def flow_of(x: float, y: float) -> np.ndarray:
    """Backward flow, everywhere the same, in model pixels."""
    return np.stack([np.full((S, S), x), np.full((S, S), y)]).astype(np.float32)


def seen(value: float = 1.0) -> np.ndarray:
    return np.full((S, S), value, np.float32)


def outside(region: Region = REGION) -> np.ndarray:
    mask = np.ones((SIZE[1], SIZE[0]), bool)
    mask[region.y : region.y + region.h, region.x : region.x + region.w] = False
    return mask


KINDS = pytest.mark.parametrize(("dtype", "alpha"), [(np.uint8, False), (np.uint8, True), (np.uint16, False), (np.uint16, True)])


@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_outside_the_region_the_plate_stays_to_the_byte(dtype, alpha, seed):
    plate = plate_of(dtype, alpha=alpha, seed=seed)
    renderer, x0 = renderer_of(plate)
    generator = np.random.default_rng(seed)
    flow = generator.normal(0, 6, (2, S, S)).astype(np.float32)
    result = renderer.render(generator.uniform(-1, 1, x0.shape).astype(np.float32), flow, seen(0.4))
    assert result.bgr.dtype == dtype
    assert (result.bgr[outside()] == plate.bgr[outside()]).all()
    assert (result.bgr != plate.bgr).any()
    if alpha:
        assert (result.alpha[outside()] == plate.alpha[outside()]).all()


@KINDS
def test_without_motion_the_whole_plate_stays_to_the_byte(dtype, alpha):
    plate = plate_of(dtype, alpha=alpha)
    renderer, x0 = renderer_of(plate)
    result = renderer.render(x0, flow_of(0.1, -0.1), seen())
    assert (result.bgr == plate.bgr).all()
    assert not alpha or (result.alpha == plate.alpha).all()


@KINDS
def test_still_parts_stay_to_the_byte_beside_moving_ones(dtype, alpha):
    plate = plate_of(dtype, alpha=alpha)
    renderer, x0 = renderer_of(plate)
    flow = flow_of(3, 0)
    flow[:, :, : S // 2] = 0.1
    result = renderer.render(x0, flow, seen())
    still = slice(REGION.x, REGION.x + REGION.w // 2 - 4)
    assert (result.bgr[:, still] == plate.bgr[:, still]).all()
    moving = slice(REGION.x + REGION.w // 2 + 8, REGION.x + REGION.w - 30)
    assert (result.bgr[200, moving] != plate.bgr[200, moving]).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_backward_flow_fetches_pixels_from_where_it_points(dtype):
    plate = plate_of(dtype)
    renderer, x0 = renderer_of(plate)
    result = renderer.render(x0, flow_of(2, 1), seen())
    rows, columns = CENTRE
    shift_x, shift_y = 2 * REGION.w // S, 1 * REGION.h // S
    fetched = plate.bgr[rows.start + shift_y : rows.stop + shift_y, columns.start + shift_x : columns.stop + shift_x]
    assert (result.bgr[rows, columns] == fetched).all()


def test_motion_grows_from_nothing_at_the_regions_border():
    plate = plate_of()
    renderer, x0 = renderer_of(plate)
    result = renderer.render(x0, flow_of(4, 4), seen())
    change = np.abs(result.bgr.astype(int) - plate.bgr).max(axis=2)
    first = change[REGION.y + 100 : REGION.y + 200, REGION.x]
    assert first.max() <= 2
    assert change[CENTRE].max() > 20


def test_motion_reaches_borders_that_are_the_plates_own():
    plate = plate_of()
    renderer, x0 = renderer_of(plate, Region(0, 0, *SIZE))
    result = renderer.render(x0, flow_of(4, 0), seen())
    assert (result.bgr[200, :5] != plate.bgr[200, :5]).any()


def test_alpha_moves_with_the_colour():
    plate = plate_of()
    alpha = np.zeros(plate.bgr.shape[:2], np.uint8)
    alpha[170:230, 220:280] = 255
    plate = PlateImage(plate.bgr, alpha)
    renderer, x0 = renderer_of(plate)
    result = renderer.render(x0, flow_of(5, 0), seen())
    rows, columns = np.nonzero(result.alpha > 127)
    assert (rows.min(), rows.max()) == (170, 229)
    assert (columns.min(), columns.max()) == (200, 259)
    assert (result.bgr[200, 205:255] == plate.bgr[200, 225:275]).all()


def test_hidden_colour_does_not_bleed_into_a_moved_edge():
    bgr = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    bgr[:] = (0, 255, 0)
    alpha = np.zeros(bgr.shape[:2], np.uint8)
    bgr[170:230, 220:280] = (0, 0, 200)
    alpha[170:230, 220:280] = 255
    renderer, x0 = renderer_of(PlateImage(bgr, alpha))
    result = renderer.render(x0, flow_of(2.6, 0), seen())
    visible = result.alpha > 8
    assert (result.bgr[visible][:, 1] <= 12).all()


def test_hidden_parts_take_the_models_colour_and_only_they():
    plate = plate_of()
    renderer, x0 = renderer_of(plate)
    frame, visibility = x0.copy(), seen()
    frame[:, 28:36, 28:36] = np.array([1.0, -1.0, -1.0], np.float32)[:, None, None]
    visibility[28:36, 28:36] = 0.0
    result = renderer.render(frame, flow_of(0, 0), visibility)
    middle = (REGION.y + REGION.h // 2, REGION.x + REGION.w // 2)
    assert result.bgr[middle].tolist() == [0, 0, 255]
    far = np.ones(plate.bgr.shape[:2], bool)
    far[REGION.y + 120 : REGION.y + 200, REGION.x + 90 : REGION.x + 170] = False
    assert (result.bgr[far] == plate.bgr[far]).all()


def test_low_visibility_alone_repaints_nothing():
    plate = plate_of()
    renderer, x0 = renderer_of(plate)
    result = renderer.render(x0, flow_of(0, 0), seen(0.0))
    assert (result.bgr == plate.bgr).all()


def test_what_a_cut_out_uncovers_becomes_transparent():
    alpha = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    alpha[100:300, 180:320] = 255
    leaf = np.full((*alpha.shape, 3), (30, 160, 40), np.uint8)
    renderer, x0 = renderer_of(PlateImage(leaf, alpha))
    frame, visibility = x0.copy(), seen()
    frame[:, 28:36, 28:36] = 0.0
    visibility[28:36, 28:36] = 0.0
    result = renderer.render(frame, flow_of(0, 0), visibility)
    assert result.alpha[REGION.y + REGION.h // 2, REGION.x + REGION.w // 2] == 0
    assert result.alpha[120, 200] == 255


@KINDS
def test_a_model_without_flow_changes_colours_softly_and_only_where_it_paints(dtype, alpha):
    plate = plate_of(dtype, alpha=alpha)
    renderer, x0 = renderer_of(plate)
    frame = x0.copy()
    frame[:, 24:40, 24:40] += 0.3
    result = renderer.render(np.clip(frame, -1, 1), None, None)
    assert (result.bgr[outside()] == plate.bgr[outside()]).all()
    corner = (slice(REGION.y, REGION.y + 60), slice(REGION.x, REGION.x + 60))
    assert (result.bgr[corner] == plate.bgr[corner]).all()
    middle = (REGION.y + REGION.h // 2, REGION.x + REGION.w // 2)
    assert result.bgr[middle].astype(int).sum() > plate.bgr[middle].astype(int).sum()
    assert not alpha or (result.alpha == plate.alpha).all()


@pytest.mark.parametrize("size_px", [(16, 16), (17, 400), (1025, 33)])
def test_odd_sizes_are_rendered(size_px):
    plate = PlateImage(noise(*size_px), None)
    region = Region(0, 0, *size_px)
    x0 = model_input(plate, region, S)
    result = Renderer(plate, region, x0).render(x0, flow_of(3, -2), seen(0.5))
    assert result.size_px == size_px


def test_the_same_frame_gives_the_same_pixels_however_many_threads():
    plate = plate_of()
    renderer, x0 = renderer_of(plate)
    generator = np.random.default_rng(1)
    flow = generator.normal(0, 3, (2, S, S)).astype(np.float32)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        alone = renderer.render(x0, flow, seen(0.5))
        cv2.setNumThreads(4)
        together = renderer.render(x0, flow, seen(0.5))
    finally:
        cv2.setNumThreads(threads)
    assert (alone.bgr == together.bgr).all()
