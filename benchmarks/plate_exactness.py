"""`python -m benchmarks.plate_exactness`: bytes that differ from the plate where nothing may change.

Fifty random plates of each depth (8 and 16 bits, half float with NaN and infinite pixels), with and without alpha, random
regions, motions and lock masks; every frame's bytes outside the region and under the full lock are compared.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np

from backend.plate.image import PlateImage, decode_image, encode_frame
from backend.plate.motion import motion_of_flows
from backend.plate.render import Renderer
from backend.protocol.messages import Region

from .plates import textured

SIZE = 64


def count(seed: int, dtype: type) -> tuple[int, int, int]:
    """Bytes that differ, bytes compared, and pixels that moved, through the files that are written."""
    generator = np.random.default_rng(seed)
    width, height = (int(side) for side in generator.integers(64, 700, 2))
    plate = textured(width, height, seed, dtype)
    if plate.is_float:
        plate.bgr[generator.random((height, width)) < 0.002] = generator.choice([np.nan, np.inf, -np.inf])
    if seed % 2:
        alpha = generator.random((height, width)).astype(np.float32)
        plate = PlateImage(plate.bgr, (alpha * plate.peak).astype(dtype), plate.is_float)
    x, y = int(generator.integers(0, width - 32)), int(generator.integers(0, height - 32))
    region = Region(x, y, int(generator.integers(32, width - x + 1)), int(generator.integers(32, height - y + 1)))
    lock = np.zeros((height, width), np.float32)
    for _ in range(3):
        place = (int(generator.integers(0, width)), int(generator.integers(0, height)))
        cv2.circle(lock, place, int(generator.integers(3, 60)), 1.0, -1)
    lock = np.maximum(cv2.GaussianBlur(lock, (0, 0), 2), lock)
    flow = np.stack([cv2.GaussianBlur(generator.normal(0, 40, (SIZE, SIZE)).astype(np.float32), (0, 0), 5) for _ in range(2)])
    renderer = Renderer(plate, region, motion_of_flows([flow], [None]), None, lock)
    frame = decode_image(encode_frame(renderer.frame(np.array([0.0, 1.0])), plate.depth_bits), premultiplied=plate.premultiplied)
    kept = lock >= 1
    kept[:y], kept[y + region.h :], kept[:, :x], kept[:, x + region.w :] = True, True, True, True
    pairs = [(frame.bgr, plate.bgr)]
    if plate.alpha is not None:
        assert frame.alpha is not None
        pairs.append((frame.alpha, plate.alpha))
    differ = compared = moved = 0
    for new, old in pairs:
        new_bytes, old_bytes = (np.ascontiguousarray(image[kept]).view(np.uint8) for image in (new, old))
        differ, compared = differ + int((new_bytes != old_bytes).sum()), compared + new_bytes.size
        moved += int((np.ascontiguousarray(new[~kept]).view(np.uint8) != np.ascontiguousarray(old[~kept]).view(np.uint8)).sum())
    return differ, compared, moved


def main() -> int:
    """Count and print the table."""
    print("| depth | plates | bytes compared | bytes that differ | bytes that moved elsewhere |\n|---|---|---|---|---|")
    worst = 0
    for name, dtype in (("8 bits", np.uint8), ("16 bits", np.uint16), ("half float", np.float16)):
        results = np.array([count(seed, dtype) for seed in range(50)])
        differ, compared, moved = results.sum(axis=0)
        print(f"| {name} | 50 | {compared} | {differ} | {moved} |", flush=True)
        worst += int(differ)
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main())
