"""What composites are made of: things with alpha, photographs, and photographs whose thing is known; split by file as ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.pictures import NOT_PHOTOGRAPHS, PictureError, Pictures, crop_to_alpha, is_held_out, picture_files, read_bgr, shrink

PHOTOGRAPHED = ("tuxpaint-stamps__", "gcompris__", "gcompris-cut__", "forensics-samples-cut__", "opencv-doc-cut__")
"""Sources of cut-outs that are photographs; the others are drawn, painted or rendered."""
PHOTOGRAPHED_SHARE = 0.65
"""How often a thing is one of them."""
KEPT_FOR_LOOKING = (
    *("yellowflower", "aloe", "seeding", "opencv-doc__plant", "opencv-doc__squirrel", "scikit-learn__flower"),
    *("blender-worlds__interior", "european-honey-bee", "citrus-fruits", "painted-hand"),
)
"""In the names of stills that the segmenter is judged by, with the eye or a mask drawn by hand; never trained on."""
SOURCE_SIDE_PX = 320
LEAST_SIDE_PX = 60

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Stock:
    """Photographed and other things (H, W, 4), photographs (H, W, 3), photographs with their thing's mask (H, W, 4): BGR(A)."""

    photographed: tuple[Picture, ...]
    others: tuple[Picture, ...]
    photos: tuple[Picture, ...]
    masked: tuple[Picture, ...]
    digest: str
    """Of the files' names, for the model card."""

    def thing(self, rng: np.random.Generator) -> Picture:
        """A random thing, mostly a photographed one."""
        photographed = self.photographed and (not self.others or rng.random() < PHOTOGRAPHED_SHARE)
        pool = self.photographed if photographed else self.others
        return pool[rng.integers(len(pool))]

    def pictures(self, cutout: Picture | None = None) -> Pictures:
        """What the procedural scenes read: the photographs, and one cut-out."""
        return Pictures(() if cutout is None else (cutout,), self.photos)

    def summary(self) -> str:
        """How much there is, in words."""
        return (
            f"{len(self.photographed)} photographed and {len(self.others)} drawn, painted or rendered things, "
            f"{len(self.photos)} photographs, {len(self.masked)} of them with the mask of their thing, sha256 {self.digest}"
        )


def load_stock(folder: Path, held_out: bool, side_px: int = SOURCE_SIDE_PX) -> Stock:
    """Read one part of a folder with `cutouts` and `photos`, and `masks` of photographs where there are any.

    Things are kept with a long side of at most `side_px`, photographs of twice that.

    Raises:
        PictureError: a folder is missing or holds nothing of use.
    """
    things = list(_things(folder / "cutouts", held_out, side_px))
    photos = list(_photos(folder / "photos", held_out, 2 * side_px))
    if not things or not photos:
        raise PictureError(f"{folder} holds no {'photographs' if things else 'cut-outs'} of this part; give another folder.")
    masked = list(_masked(folder / "masks", photos)) if (folder / "masks").is_dir() else []
    names = "\n".join([name for name, _ in (*things, *photos, *masked)])
    return Stock(
        tuple(picture for name, picture in things if name.startswith(PHOTOGRAPHED)),
        tuple(picture for name, picture in things if not name.startswith(PHOTOGRAPHED)),
        tuple(picture for _, picture in photos),
        tuple(picture for _, picture in masked),
        hashlib.sha256(names.encode()).hexdigest()[:16],
    )


def is_kept(name: str) -> bool:
    """Whether the picture of that file name is one that the segmenter is judged by, and so in neither part."""
    return any(word in name.lower() for word in KEPT_FOR_LOOKING)


def _wanted(path: Path, held_out: bool) -> bool:
    drawn = any(word in path.name for word in NOT_PHOTOGRAPHS)
    return not is_kept(path.name) and not drawn and is_held_out(path.name) == held_out


def _things(folder: Path, held_out: bool, side_px: int) -> Iterator[tuple[str, Picture]]:
    for path in picture_files([folder], {".png"}):
        picture = read_bgr(path) if _wanted(path, held_out) else None
        if picture is None or picture.shape[2] != 4:
            continue
        cut = crop_to_alpha(picture)
        if cut is not None and min(cut.shape[:2]) >= LEAST_SIDE_PX:
            yield path.name, shrink(cut, side_px)


def _photos(folder: Path, held_out: bool, side_px: int) -> Iterator[tuple[str, Picture]]:
    for path in picture_files([folder], {".jpg", ".jpeg"}):
        picture = read_bgr(path) if _wanted(path, held_out) else None
        if picture is not None and min(picture.shape[:2]) >= 2 * LEAST_SIDE_PX:
            yield path.name, shrink(np.ascontiguousarray(picture[..., :3]), side_px)


def _masked(folder: Path, photos: list[tuple[str, Picture]]) -> Iterator[tuple[str, Picture]]:
    """Masks lie under the photograph's name as PNG; the photograph's own name says to which part both belong."""
    for name, photo in photos:
        path = folder / f"{Path(name).stem}.png"
        mask = read_bgr(path) if path.is_file() else None
        if mask is not None:
            size = (photo.shape[1], photo.shape[0])
            yield f"mask of {name}", np.dstack([photo, cv2.resize(mask[..., 0], size, interpolation=cv2.INTER_LINEAR)])
