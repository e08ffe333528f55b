"""Owns the pictures that show a job at a glance: a contact sheet with the arrows drawn on it, and a video per variant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from ipoke_media.image import read_image

from ..protocol.messages import Poke, Region
from .errors import PlateError
from .image import Pixels, PlateImage, decode_image, displayed, shrink

CONTACT_SHEET = "contact_sheet.png"

_VIDEO_SIDE_PX = 640
_VIDEO_LEAST_PX = 256
_VIDEO_RATE = 10
_VIDEO_ROUNDS = 3
_CELL_PX = 220
_COLUMNS = 6
_GAP_PX = 8
_TEXT_PX = 22
_PAPER = (38, 38, 38)
_INK = (225, 225, 225)
_ARROW = (40, 120, 255)
_CHECKER_PX = 16


def video_name(variant: int) -> str:
    """File of a variant's preview."""
    return f"preview_{variant:02d}.mp4"


class PreviewMaker:
    """Gathers small copies of a job's frames while they arrive; hands each file it makes to `write`, by its name."""

    def __init__(self, write: Callable[[str, bytes], Path], plate: PlateImage, pokes: Sequence[Poke]) -> None:
        self._write = write
        self._plate = plate
        self._pokes = pokes
        self._frames: dict[int, dict[int, Pixels]] = {}
        self._rows: dict[int, list[Pixels]] = {}

    def frame(self, variant: int, t: int, data: bytes) -> None:
        """Take a small copy of frame `t` (1..T)."""
        small = on_checkerboard(shrink(decode_image(data, upright=False), _VIDEO_SIDE_PX))
        # Kept as JPEG: a clip may have hundreds of frames.
        self._frames.setdefault(variant, {})[t] = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 96])[1]

    def variant_done(self, variant: int) -> Path:
        """Write the variant's video and keep a row for the contact sheet."""
        kept = sorted(self._frames.pop(variant).items())
        frames = [np.ascontiguousarray(read_image(data.tobytes()).rgb[..., ::-1]) for _, data in kept]
        chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _COLUMNS)).round().astype(int))
        self._rows[variant] = [_fitted(frames[index], _CELL_PX) for index in chosen]
        return self._write(video_name(variant), _encode_video(frames))

    def finish(self, regions: Sequence[Region]) -> Path:
        """Write the contact sheet of the variants that are done."""
        head = draw_arrows(self._plate, self._pokes, regions, _COLUMNS // 2 * _CELL_PX)
        blocks = [head, *(_row(f"variant {index:02d}", cells) for index, cells in sorted(self._rows.items()))]
        width = max(block.shape[1] for block in blocks) + 2 * _GAP_PX
        height = sum(block.shape[0] + _GAP_PX for block in blocks) + _GAP_PX
        sheet = np.full((height, width, 3), _PAPER, np.uint8)
        y = _GAP_PX
        for block in blocks:
            sheet[y : y + block.shape[0], _GAP_PX : _GAP_PX + block.shape[1]] = block
            y += block.shape[0] + _GAP_PX
        return self._write(CONTACT_SHEET, cv2.imencode(".png", sheet)[1].tobytes())


def draw_arrows(plate: PlateImage, pokes: Sequence[Poke], regions: Sequence[Region], side_px: int) -> Pixels:
    """The plate (long side `side_px`, 8-bit BGR) with every poke as an arrow from tail to tip, and the regions' outlines."""
    picture = _fitted(on_checkerboard(shrink(plate, side_px)), side_px)
    height, width = picture.shape[:2]
    x_scale, y_scale = width / plate.size_px[0], height / plate.size_px[1]
    for region in regions:
        corner = (round(region.x * x_scale), round(region.y * y_scale))
        opposite = (round((region.x + region.w) * x_scale) - 1, round((region.y + region.h) * y_scale) - 1)
        cv2.rectangle(picture, corner, opposite, _INK, 1)
    for poke in pokes:
        tail = (round(poke.x * width), round(poke.y * height))
        tip = (round((poke.x + poke.dx) * width), round((poke.y + poke.dy) * height))
        length_px = max(1.0, float(np.hypot(tip[0] - tail[0], tip[1] - tail[1])))
        for colour, thickness in (((0, 0, 0), 5), (_ARROW, 2)):
            cv2.arrowedLine(picture, tail, tip, colour, thickness, cv2.LINE_AA, tipLength=min(0.5, 12 / length_px))
            cv2.circle(picture, tail, 3, colour, thickness, cv2.LINE_AA)
    return picture


def on_checkerboard(image: PlateImage) -> Pixels:
    """8-bit BGR of an image; transparent parts show a checkerboard."""
    shown = displayed(image)
    if image.alpha is not None:
        rows, columns = np.indices(shown.shape[:2]) // _CHECKER_PX
        board = np.where((rows + columns) % 2, 150, 105)[..., None] / np.float32(255)
        shown = shown[..., :3] + board * (1 - shown[..., 3:])
    mixed: Pixels = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
    return mixed


def _fitted(picture: Pixels, side_px: int) -> Pixels:
    height, width = picture.shape[:2]
    scale = side_px / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _row(title: str, cells: list[Pixels]) -> Pixels:
    height, width = cells[0].shape[:2]
    row = np.full((height + _TEXT_PX, len(cells) * (width + _GAP_PX) - _GAP_PX, 3), _PAPER, np.uint8)
    cv2.putText(row, title, (0, _TEXT_PX - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    for index, cell in enumerate(cells):
        row[_TEXT_PX:, index * (width + _GAP_PX) : index * (width + _GAP_PX) + width] = cell
    return row


def _encode_video(frames: list[Pixels]) -> bytes:
    from ipoke_media import video  # PyAV takes a while to load, and few commands write videos

    side_px = max(frames[0].shape[:2])
    if side_px < _VIDEO_LEAST_PX:
        frames = [_fitted(frame, _VIDEO_LEAST_PX) for frame in frames]
    try:
        return video.encode_video([frame[..., ::-1] for frame in frames * _VIDEO_ROUNDS], _VIDEO_RATE)
    except video.VideoError as error:
        raise PlateError(f"A preview can't be made: {error}") from error
