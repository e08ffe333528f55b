"""Owns the demo's proof: everything that it promises is there, has the right size, and moves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from previews import MOVING, find_job

from ipoke_media import video
from ipoke_media.errors import ImageError
from ipoke_media.image import load_rgba8

VARIANTS = 4
RENDERS = 3
PREVIEW_SIDE_PX = 512
LEAST_DIFFERENCE = 0.05
REACTION = 4
"""Clips are looked at after this part of their length: at their end they come to rest as they began."""
SAME_PICTURE = 1.0


class DemoError(Exception):
    """The demo did not deliver; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the demo has left behind."""

    output: Path
    job: Path
    bake: Path
    renders: tuple[Path, ...]

    def listing(self, root: Path) -> str:
        """Return the paths to look at, one a line."""
        rows = (
            ("Blender file", self.output / "scene.blend"),
            ("variants' frames", self.job / "variant_*"),
            ("contact sheet", self.output / "contact_sheet.png"),
            ("preview videos", self.output / "preview_*.mp4"),
            ("all variants", self.output / "variants.webp"),
            ("baked sequence", self.bake),
            ("renders", self.output / "renders"),
        )
        return "\n".join(f"  {name:<17} {path.relative_to(root)}" for name, path in rows)


def check_output(output: Path) -> Result:
    """Check everything in the output folder; raises `DemoError`."""
    _need((output / "scene.blend").is_file(), "scene.blend is missing")
    height, width = _read(output / "plate.jpg").shape[:2]
    folder = find_job(output)
    _check_variants(folder, width, height)
    bake = next(iter(sorted((folder / "bake").glob("variant_*"))), None)
    _need(bake is not None, "there is no baked sequence")
    assert bake is not None
    _check_sequence(bake, (width, height))
    renders = tuple(sorted((output / "renders").glob("frame_*.png")))
    _need(len(renders) == RENDERS, f"there are {len(renders)} renders instead of {RENDERS}")
    pictures = [_read(path) for path in renders]
    for before, after in zip(pictures, pictures[1:], strict=False):
        _need(_difference(before, after) > LEAST_DIFFERENCE, "two renders are the same; the plane does not move")
    _check_previews(output)
    return Result(output, folder, bake, renders)


def check_same_picture(picture: Path, expected: Path) -> None:
    """Check that a file rendered elsewhere shows the same."""
    _need(picture.is_file(), "the .blend can't be rendered from another folder")
    difference = _difference(_read(picture), _read(expected))
    _need(difference < SAME_PICTURE, f"the .blend looks different when opened elsewhere, by {difference:.1f} of 255")


def _check_variants(folder: Path, width: int, height: int) -> None:
    job = json.loads((folder / "job.json").read_text())
    _need(len(job["variants"]) == VARIANTS, f"there are {len(job['variants'])} variants instead of {VARIANTS}")
    scale = min(1.0, PREVIEW_SIDE_PX / max(width, height))
    moved = []
    for variant in job["variants"]:
        frames = _check_sequence(folder / variant["folder"], (round(width * scale), round(height * scale)))
        hashes = [hashlib.sha256(frame.read_bytes()).hexdigest() for frame in frames]
        _need(hashes == variant["sha256"], f"{variant['folder']} differs from job.json")
        _need(len(frames) == job["frames"], f"{variant['folder']} has {len(frames)} frames of {job['frames']}")
        moved.append(_read(frames[len(frames) // REACTION]))
    for index, other in enumerate(moved[1:], start=1):
        _need(_difference(moved[0], other) > LEAST_DIFFERENCE, f"variants 1 and {index + 1} are the same")


def _check_sequence(folder: Path, size_px: tuple[int, int]) -> list[Path]:
    frames = sorted(folder.glob("frame_*.png"))
    _need(bool(frames), f"{folder.name} has no frames")
    for frame in frames:
        height, width = _read(frame).shape[:2]
        _need((width, height) == size_px, f"{frame} is {width} x {height} instead of {size_px[0]} x {size_px[1]}")
    _need(
        _difference(_read(frames[0]), _read(frames[len(frames) // REACTION])) > LEAST_DIFFERENCE, f"{folder.name} does not move"
    )
    return frames


def _check_previews(output: Path) -> None:
    _read(output / "contact_sheet.png")
    read, moving = cv2.imreadanimation(str(output / MOVING))
    _need(read and len(moving.frames) > VARIANTS, f"{MOVING} does not move")
    for index in range(VARIANTS):
        file = output / f"preview_{index:02d}.mp4"
        try:
            video.frame_times(file)
        except video.VideoError as error:
            raise DemoError(f"{file.name} can't be played: {error}") from error


def _read(path: Path) -> NDArray[np.float32]:
    try:
        return load_rgba8(path)[..., :3].astype(np.float32)
    except ImageError as error:
        raise DemoError(f"{path}: {error.sentence}") from error


def _difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.abs(a - b).mean()) if a.shape == b.shape else 255.0


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoError(f"{otherwise}.")
