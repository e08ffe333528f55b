"""Passes: a compositor that follows them gets the frame."""

from __future__ import annotations

import io

import cv2
import numpy as np
import OpenEXR
import pytest

from backend.plate.passes import Instant, encode_passes
from backend.protocol.messages import Region

from .test_render import SIZE, card, card_flow, clear, flow_of, outside, plate_of, random_flow, renderer_of

STILL, LAST = np.array([1.0, 0.0]), np.array([0.0, 1.0])
WIDTH, HEIGHT = SIZE


def passes_of(renderer, before=STILL, now=LAST, after=LAST) -> dict[str, np.ndarray]:
    file = OpenEXR.File(io.BytesIO(encode_passes([Instant(renderer, before, now, after)])), True)
    return {name: np.asarray(channel.pixels) for name, channel in file.channels().items()}


def warped_by(passes: dict[str, np.ndarray], bgr: np.ndarray) -> np.ndarray:
    x = passes["STMap.R"] * WIDTH - 0.5
    y = (1 - passes["STMap.G"]) * HEIGHT - 0.5
    return cv2.remap(bgr, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("seed", range(3))
def test_the_stmap_makes_the_frame_of_the_plate(dtype, seed):
    plate = plate_of(dtype, seed=seed)
    renderer = renderer_of(plate, random_flow(seed, 6))
    frame, passes = renderer.frame(LAST), passes_of(renderer)
    known = passes["occlusion.V"] == 0
    assert known.mean() > 0.9
    difference = np.abs(warped_by(passes, plate.bgr).astype(int) - frame.bgr)[known] / plate.peak
    assert difference.max() < 2 / 255
    assert (frame.bgr != plate.bgr).any()


def test_the_stmap_points_to_the_pixel_itself_where_nothing_moves():
    passes = passes_of(renderer_of(plate_of(), random_flow(0, 6)))
    rows, columns = np.indices((HEIGHT, WIDTH))
    np.testing.assert_allclose(passes["STMap.R"][outside()], ((columns + 0.5) / WIDTH)[outside()], rtol=1e-6)
    np.testing.assert_allclose(passes["STMap.G"][outside()], (1 - (rows + 0.5) / HEIGHT)[outside()], atol=1e-6)
    assert not any(passes[f"Vector.{name}"][outside()].any() for name in "XYZW")


def test_vectors_are_blenders():
    """Measured with Cycles: what came 3 px from the left and 5 px from below has X -3 and Y -5."""
    renderer = renderer_of(plate_of(), flow_of(-3 / 4, 5 / 5))
    passes = passes_of(renderer, before=STILL, now=LAST, after=2 * LAST - STILL)
    middle = (slice(180, 220), slice(220, 260))
    for name, expected in {"X": -3, "Y": -5, "Z": -3, "W": -5}.items():
        np.testing.assert_allclose(passes[f"Vector.{name}"][middle], expected, atol=0.1)


def test_what_was_hidden_is_marked_where_it_comes_out():
    occlusion = passes_of(renderer_of(plate := card(alpha=False), card_flow(6, 0), clean=clear(plate)))["occlusion.V"]
    assert (occlusion[180:220, 264:276] > 0.95).all()
    assert (occlusion[180:220, 205:240] == 0).all()


def test_the_matte_goes_along_with_what_moves():
    matte = passes_of(renderer_of(plate := card(alpha=False), card_flow(6, 0), clean=clear(plate)))["matte.V"]
    assert (matte[180:220, 205:240] > 0.99).all()
    assert (matte[180:220, 264:276] < 0.05).all(), "where it has gone away from"
    assert not matte[:50].any()


def test_every_channel_covers_the_plate():
    passes = passes_of(renderer_of(plate_of(), flow_of(2, 0), Region(0, 0, *SIZE)))
    assert set(passes) == {
        *(f"Vector.{name}" for name in "XYZW"),
        "STMap.R",
        "STMap.G",
        *(f"{name}.V" for name in ("occlusion", "confidence", "matte")),
    }
    assert all(plane.shape == (HEIGHT, WIDTH) and np.isfinite(plane).all() for plane in passes.values())
    assert passes["confidence.V"].max() <= 1
