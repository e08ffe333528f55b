"""`python -m benchmarks.hole_filling --cutouts STAMPS --photos PHOTOS`: ways to fill the hole that a thing leaves.

Held-out cut-outs are pasted onto held-out photographs; the hole is the whole cut-out, grown a little, and the photograph says
what is behind it. LPIPS (AlexNet) over the hole's box, lower is better; seconds of processor time; and the seconds that a hole of
a 3840 px wide photograph takes. Ways that need packages which are not installed are left out with a line:

    pip install scikit-image; pip uninstall opencv-python-headless; pip install opencv-contrib-python-headless
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from backend.plate.fill import Field, Mask, around, filled
from backend.plate.motion import spread
from ipoke_models.data.pictures import Pictures, load_pictures
from ipoke_models.metrics.lpips import Lpips, load_lpips

from .plates import as_tensor

Picture = NDArray[np.uint8]
Way = Callable[[Picture, Mask], Picture]

GROWN_PX = 4
LARGE_PX = 3840


def pasted(pictures: Pictures, index: int, seed: int, side_px: int | None = None) -> tuple[Picture, Mask, Picture]:
    """A photograph with a cut-out on it, the cut-out's grown mask, and the photograph alone, around the hole."""
    rng = np.random.default_rng((seed, index))
    large = [photo for photo in pictures.photos if min(photo.shape[:2]) >= 500]
    photo = large[rng.integers(len(large))]
    if side_px is not None:
        photo = np.asarray(cv2.resize(photo, (side_px, side_px * photo.shape[0] // photo.shape[1])), np.uint8)
    cut = pictures.cutouts[rng.integers(len(pictures.cutouts))]
    scale = rng.uniform(0.25, 0.6) * min(photo.shape[:2]) / max(cut.shape[:2])
    cut = np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    top, left = (int(rng.integers(0, most - least + 1)) for most, least in zip(photo.shape[:2], cut.shape[:2], strict=True))
    place = slice(top, top + len(cut)), slice(left, left + cut.shape[1])
    alpha = cut[..., 3:].astype(np.float32) / 255
    picture, hole = photo.copy(), np.zeros(photo.shape[:2], np.uint8)
    picture[place] = np.rint(alpha * cut[..., :3] + (1 - alpha) * photo[place])
    hole[place] = alpha[..., 0] > 0.01
    grown_px = GROWN_PX if side_px is None else GROWN_PX * side_px // 1280
    hole = cv2.dilate(hole, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grown_px + 1,) * 2))
    rows, columns = around(hole > 0)
    return picture[rows, columns].copy(), hole[rows, columns] > 0, photo[rows, columns].copy()


def in_float(way: Callable[[Field, Mask], Field]) -> Way:
    """A way that works on floating point."""
    return lambda picture, hole: np.rint(np.clip(way(picture.astype(np.float32), hole), 0, 255)).astype(np.uint8)


def diffused(picture: Field, hole: Mask) -> Field:
    """Smoothly continued from all sides (push-pull)."""
    smooth = spread(picture.transpose(2, 0, 1), 1 - hole.astype(np.float32)).transpose(1, 2, 0)
    return np.where(hole[..., None], smooth, picture)


def mirrored(picture: Field, hole: Mask) -> Field:
    """The surroundings mirrored across the nearest edge of the hole."""
    _, labels = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(~hole)
    nearest = np.zeros((int(labels.max()) + 1, 2), np.float32)
    nearest[labels[rows, columns]] = np.column_stack([columns, rows])
    y, x = np.indices(hole.shape, dtype=np.float32)
    far = 2 * nearest[labels] - np.dstack([x, y])
    inside = ((far >= 0) & (far <= np.array(hole.shape[::-1]) - 1)).all(axis=2)
    at = np.where(inside[..., None], far, 0).astype(np.intp)
    clear = inside & ~hole[at[..., 1], at[..., 0]]
    places = np.where(clear[..., None], far, nearest[labels]).astype(np.float32)
    return np.asarray(cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_LINEAR), np.float32)


def reduced(way: Way, side_px: int) -> Way:
    """A way at a reduced size, enlarged again: for what takes too long."""

    def fill(picture: Picture, hole: Mask) -> Picture:
        scale = min(1.0, side_px / max(hole.shape))
        size = round(hole.shape[1] * scale), round(hole.shape[0] * scale)
        known = (~hole).astype(np.float32)
        total = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        small = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(total, 1e-6)[..., None]
        done = way(np.rint(np.clip(small, 0, 255)).astype(np.uint8), total < 0.999)
        large = cv2.resize(done, hole.shape[::-1], interpolation=cv2.INTER_CUBIC)
        return np.where(hole[..., None], large, picture).astype(np.uint8)

    return fill


def inpainted(method: int) -> Way:
    """One of OpenCV's own."""
    return lambda picture, hole: np.asarray(cv2.inpaint(picture, hole.astype(np.uint8), 5, method), np.uint8)


def of_xphoto(name: str) -> Way:
    """One of opencv-contrib's."""

    def fill(picture: Picture, hole: Mask) -> Picture:
        lab = name == "INPAINT_SHIFTMAP"
        seen, result = cv2.cvtColor(picture, cv2.COLOR_BGR2Lab) if lab else picture, np.zeros_like(picture)
        cv2.xphoto.inpaint(seen, (~hole).astype(np.uint8) * 255, result, getattr(cv2.xphoto, name))
        return np.where(hole[..., None], cv2.cvtColor(result, cv2.COLOR_Lab2BGR) if lab else result, picture).astype(np.uint8)

    return fill


def biharmonic(picture: Picture, hole: Mask) -> Picture:
    """scikit-image's."""
    restoration = importlib.import_module("skimage.restoration")
    return np.rint(np.clip(restoration.inpaint_biharmonic(picture / 255, hole, channel_axis=-1), 0, 1) * 255).astype(np.uint8)


def ways() -> dict[str, Way]:
    """All that can be run here."""
    found: dict[str, Way] = {
        "mirrored surroundings": in_float(mirrored),
        "push-pull": in_float(diffused),
        "OpenCV, Telea": inpainted(cv2.INPAINT_TELEA),
        "OpenCV, Navier-Stokes": inpainted(cv2.INPAINT_NS),
    }
    if hasattr(cv2, "xphoto"):
        found["opencv-contrib, shift-map at 256 px"] = reduced(of_xphoto("INPAINT_SHIFTMAP"), 256)
        found["opencv-contrib, FSR fast at 96 px"] = reduced(of_xphoto("INPAINT_FSR_FAST"), 96)
        found["opencv-contrib, FSR best at 64 px"] = reduced(of_xphoto("INPAINT_FSR_BEST"), 64)
    else:
        print("left out: opencv-contrib-python-headless is not installed", file=sys.stderr)
    if importlib.util.find_spec("skimage"):
        found["scikit-image, biharmonic at 128 px"] = reduced(biharmonic, 128)
    else:
        print("left out: scikit-image is not installed", file=sys.stderr)
    return found | {"patches, coarse to fine (what the plates use)": in_float(filled)}


def distance(metric: Lpips, first: Picture, second: Picture, hole: Mask) -> float:
    """LPIPS over the hole's box."""
    rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
    box = slice(max(0, rows[0] - 16), rows[-1] + 17), slice(max(0, columns[0] - 16), columns[-1] + 17)
    with torch.inference_mode():
        return float(metric(as_tensor(first[box]), as_tensor(second[box])))


def timed(way: Way, picture: Picture, hole: Mask) -> tuple[Picture, float]:
    """What a way makes, and the processor time that it takes."""
    started = time.process_time()
    return way(picture, hole), time.process_time() - started


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cutouts", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--look", type=Path, help="folder for pictures of every way, to look at")
    options = parser.parse_args()
    torch.set_num_threads(1)
    metric, pictures = load_lpips(), load_pictures(options.cutouts, options.photos, held_out=True, side_px=1280)
    holes = [pasted(pictures, index, options.seed) for index in range(options.count)]
    large = [pasted(pictures, index, options.seed, LARGE_PX) for index in range(3)]
    results: list[list[Picture]] = []
    print(f"| {options.count} holes | LPIPS, mean | median | seconds, median | at 4K, worst of 3 |\n|---|---|---|---|---|")
    for name, way in ways().items():
        made = [timed(way, picture, hole) for picture, hole, _ in holes]
        scores = [distance(metric, done, truth, hole) for (done, _), (_, hole, truth) in zip(made, holes, strict=True)]
        worst_s = max(timed(way, picture, hole)[1] for picture, hole, _ in large)
        usual_s = float(np.median([seconds for _, seconds in made]))
        print(f"| {name} | {np.mean(scores):.3f} | {np.median(scores):.3f} | {usual_s:.2f} | {worst_s:.2f} |", flush=True)
        results.append([done for done, _ in made])
    if options.look:
        options.look.mkdir(parents=True, exist_ok=True)
        for index, (picture, _, truth) in enumerate(holes):
            row = [picture, *(done[index] for done in results), truth]
            cv2.imwrite(str(options.look / f"hole_{index:02d}.png"), np.hstack(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
