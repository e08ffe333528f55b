"""What shows a job at a glance: arrows where they were drawn, rows of frames, videos that play."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.plate.image import PlateImage, encode_png
from backend.plate.preview import CONTACT_SHEET, PreviewMaker, draw_arrows, on_checkerboard, video_name
from backend.protocol.messages import Poke, Region

GREY = 90


def flat(width: int, height: int, *, alpha: bool = False) -> PlateImage:
    mask = np.zeros((height, width), np.uint8) if alpha else None
    return PlateImage(np.full((height, width, 3), GREY, np.uint8), mask)


def is_orange(pixel: np.ndarray) -> bool:
    blue, _, red = pixel.astype(int)
    return red > 150 and blue < 120


@pytest.mark.parametrize("size_px", [(400, 300), (300, 400), (4000, 1000)])
def test_arrows_go_from_tail_to_tip(size_px):
    poke = Poke(0.25, 0.75, 0.5, -0.5)
    picture = draw_arrows(flat(*size_px), [poke], [Region(0, 0, *size_px)], 400)
    height, width = picture.shape[:2]
    assert max(width, height) == 400
    for along in (0.02, 0.5, 0.9):
        x, y = (poke.x + along * poke.dx) * width, (poke.y + along * poke.dy) * height
        around = picture[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].reshape(-1, 3)
        assert any(is_orange(pixel) for pixel in around), along
    assert (picture[height // 10, width // 10] == GREY).all()


def test_the_region_is_outlined():
    picture = draw_arrows(flat(400, 200), [Poke(0.5, 0.5, 0.1, 0.0)], [Region(100, 0, 200, 200)], 400)
    assert picture[50, 100].min() > 200
    assert picture[50, 299].min() > 200
    assert (picture[50, 50] == GREY).all()


def test_transparent_parts_show_a_checkerboard():
    shown = on_checkerboard(flat(64, 64, alpha=True))
    assert len(np.unique(shown)) == 2


@pytest.mark.parametrize("size_px", [(64, 64), (333, 251), (700, 100)])
def test_a_job_gets_a_sheet_and_a_video_a_variant(tmp_path, size_px):
    plate = flat(*size_px)

    def write(name: str, data: bytes) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    maker = PreviewMaker(write, plate, [Poke(0.5, 0.5, 0.1, 0.1)])
    for variant in (3, 4):
        for t in (2, 1, 3):
            maker.frame(variant, t, encode_png(PlateImage(np.full_like(plate.bgr, 60 * t), None), 8))
        maker.variant_done(variant)
    maker.finish([Region(0, 0, *size_px)])
    assert sorted(path.name for path in tmp_path.iterdir()) == [CONTACT_SHEET, video_name(3), video_name(4)]
    video = cv2.VideoCapture(str(tmp_path / video_name(3)))
    levels = [int(video.read()[1].mean()) for _ in range(3)]
    video.release()
    assert levels == pytest.approx([60, 120, 180], abs=12)
