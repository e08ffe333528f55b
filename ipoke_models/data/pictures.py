"""Sources of procedural clips: photo cut-outs with alpha, background photographs, motion capture; split by file.

A file's name decides by hash whether it belongs to the training or the held-out part, so the two never share a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_media.errors import ImageError
from ipoke_media.image import load_rgba8

from .procedural.mocap import CapturedMotion, read_motion

Array = NDArray[np.float32]

HELD_OUT_SHARE = 0.2
NOT_PHOTOGRAPHS = ("cartoon", "symbols", "toys", "alphabets", "shapes", "flags", "outlined", "plastic", "_mirror")
PHOTO_SUBJECTS = ("animals", "plants", "food", "people")
ALL_SUBJECTS = (*PHOTO_SUBJECTS, "objects")
"""Folders of cut-outs: recipes that were released before `objects` came keep to the first."""
STORED_SIDE_PX = 320


class PictureError(ValueError):
    """A folder of pictures that can't serve: the sentence says which and what to do."""


@dataclass(frozen=True)
class Pictures:
    """Cut-outs (H, W, 4) and photographs (H, W, 3), BGR(A) uint8, long side bounded, and captured motions; all may be empty.

    Of animations the files of their frames are kept, which are read when they are needed."""

    cutouts: tuple[NDArray[np.uint8], ...] = field(default=())
    photos: tuple[NDArray[np.uint8], ...] = field(default=())
    motions: tuple[CapturedMotion, ...] = field(default=())
    animations: tuple[tuple[Path, ...], ...] = field(default=())


def is_held_out(name: str) -> bool:
    """Whether the picture of that file name belongs to the held-out part (one in five, by SHA-256 of the name)."""
    return hashlib.sha256(name.encode()).digest()[0] < 256 * HELD_OUT_SHARE


def load_pictures(
    cutouts: Path | None,
    photos: Path | None,
    held_out: bool,
    side_px: int = STORED_SIDE_PX,
    mocap: Path | None = None,
    subjects: Sequence[str] = PHOTO_SUBJECTS,
    animated: Path | None = None,
) -> Pictures:
    """Read one part of the pictures below two folders, of a third one's motion capture and of a fourth one's animated cut-outs;
    None stands for nothing.

    Where the cut-outs are sorted by subject, those of `subjects` are read. Pictures are kept with a long side of at most
    `side_px`; training needs no more than the default.

    Raises:
        PictureError: a folder is missing or holds nothing of use.
    """
    return Pictures(
        tuple(_load_cutouts(cutouts, held_out, side_px, subjects)) if cutouts else (),
        tuple(_load_photos(photos, held_out, side_px)) if photos else (),
        tuple(_load_motions(mocap, held_out)) if mocap else (),
        tuple(_find_animations(animated, held_out)) if animated else (),
    )


def random_square(rng: np.random.Generator, photos: Sequence[NDArray[np.uint8]], least: float, most: float) -> NDArray[np.uint8]:
    """A square (s, s, 3) from anywhere in one of the photographs, between these shares of its short side."""
    photo = photos[rng.integers(len(photos))]
    side = int(rng.uniform(least, most) * min(photo.shape[:2]))
    top, left = (int(rng.integers(0, limit - side + 1)) for limit in photo.shape[:2])
    return photo[top : top + side, left : left + side]


def _load_cutouts(folder: Path, held_out: bool, side_px: int, subjects: Sequence[str]) -> list[NDArray[np.uint8]]:
    stamps = folder / "animals"
    roots = [folder / name for name in subjects if (folder / name).is_dir()] if stamps.is_dir() else [folder]
    found = []
    for path in picture_files(roots, {".png"}):
        if any(word in str(path.relative_to(folder)) for word in NOT_PHOTOGRAPHS) or is_held_out(path.name) != held_out:
            continue
        picture = read_bgr(path)
        if picture is None or picture.shape[2] != 4:
            continue
        cut = crop_to_alpha(picture)
        if cut is not None and min(cut.shape[:2]) >= 60:
            found.append(shrink(cut, side_px))
    if not found:
        raise PictureError(f"No cut-outs with alpha (PNG) under {folder}; give a folder of them with --cutouts.")
    return found


def _load_photos(folder: Path, held_out: bool, side_px: int) -> list[NDArray[np.uint8]]:
    found = []
    for path in picture_files([folder], {".jpg", ".jpeg", ".png"}):
        if is_held_out(path.name) != held_out:
            continue
        picture = read_bgr(path)
        if picture is not None and min(picture.shape[:2]) >= 128:
            found.append(shrink(np.ascontiguousarray(picture[..., :3]), side_px))
    if not found:
        raise PictureError(f"No photographs (JPEG or PNG) under {folder}; give a folder of them with --photos.")
    return found


def read_bgr(path: Path) -> NDArray[np.uint8] | None:
    """BGR or BGRA; None of a file that is no picture: stamps and wallpapers come in folders with other things."""
    try:
        picture = load_rgba8(path)
    except ImageError:
        return None
    return np.ascontiguousarray(picture[..., [2, 1, 0, 3][: picture.shape[2]]])


def _load_motions(folder: Path, held_out: bool) -> list[CapturedMotion]:
    found = [read_motion(path) for path in picture_files([folder], {".txt", ".json"}) if is_held_out(path.name) == held_out]
    motions = [motion for motion in found if motion is not None]
    if not motions:
        raise PictureError(f"No humanoid3d_*.txt motion files under {folder}; give pybullet_data/data/motions with --mocap.")
    return motions


def _find_animations(folder: Path, held_out: bool) -> list[tuple[Path, ...]]:
    """Folders of numbered pictures with alpha; `clip.json` says on which side each is, as all their frames are named alike."""
    found = []
    for note in picture_files([folder], {".json"}):
        try:
            belongs = bool(json.loads(note.read_text(encoding="utf-8"))["held_out"]) == held_out
        except (ValueError, KeyError, TypeError):
            continue
        frames = tuple(sorted(note.parent.glob("*.png")))
        if belongs and len(frames) > 1:
            found.append(frames)
    if not found:
        raise PictureError(
            f"No animated cut-outs under {folder}; give a folder of folders with clip.json and frames with --animated."
        )
    return found


def picture_files(roots: Iterable[Path], suffixes: set[str]) -> list[Path]:
    """Files below these folders whose names end so, in order.

    Raises:
        PictureError: a folder is missing.
    """
    for root in roots:
        if not root.is_dir():
            raise PictureError(f"The folder {root} does not exist; give a folder of pictures.")
    return sorted(path for root in roots for path in root.rglob("*") if path.suffix.lower() in suffixes and path.is_file())


def crop_to_alpha(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The part of a cut-out (H, W, 4) that is opaque; None where nearly all or nothing of the picture is."""
    mask = picture[..., 3] > 127
    share = float(mask.mean())
    if not 0.08 < share < 0.97:
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def shrink(picture: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """The picture (H, W, C) with a long side of at most `side_px`."""
    scale = side_px / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
