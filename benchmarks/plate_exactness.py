"""`python -m benchmarks.plate_exactness`: bytes that differ from the plate where nothing may change.

Fifty random plates of each depth (8 and 16 bits, half float with NaN and infinite pixels), with and without alpha, random
regions, motions and lock masks; every frame's bytes outside the region and under the full lock are compared. The same with
random things that move as bodies, whose old and new place are all that may change.
"""

from __future__ import annotations

import argparse
import sys

import cv2
import numpy as np

from backend.plate.drawer import Drawer, Mask
from backend.plate.image import Field, PlateImage, decode_image, encode_frame
from backend.plate.motion import motion_of_flows
from backend.plate.patches import Patches
from backend.plate.posed import PosedRenderer, part_body
from backend.plate.render import Renderer
from backend.protocol.messages import Region
from ipoke_body import Body
from ipoke_values.names import THING_LEAST

from .plates import textured

SIZE = 64


def count(seed: int, dtype: type) -> tuple[int, int, int]:
    """Of a region that moves: bytes that differ, bytes compared, and pixels that moved, through the files that are written."""
    generator, plate = random_plate(seed, dtype)
    width, height = plate.size_px
    x, y = int(generator.integers(0, width - 32)), int(generator.integers(0, height - 32))
    region = Region(x, y, int(generator.integers(32, width - x + 1)), int(generator.integers(32, height - y + 1)))
    lock = random_lock(generator, plate.size_px)
    flow = np.stack([cv2.GaussianBlur(generator.normal(0, 40, (SIZE, SIZE)).astype(np.float32), (0, 0), 5) for _ in range(2)])
    kept = lock >= 1
    kept[:y], kept[y + region.h :], kept[:, :x], kept[:, x + region.w :] = True, True, True, True
    return compared(plate, Renderer(plate, region, motion_of_flows([flow], [None]), None, lock), kept)


def count_body(seed: int, dtype: type) -> tuple[int, int, int]:
    """The same of a thing that moves as a body, a few random discs."""
    generator, plate = random_plate(seed, dtype)
    width, height = plate.size_px
    thing = np.zeros((height, width), np.float32)
    for _ in range(4):
        place = (int(generator.integers(0, width)), int(generator.integers(0, height)))
        cv2.circle(thing, place, int(generator.integers(8, min(width, height) // 4)), 1.0, -1)
    thing = cv2.GaussianBlur(thing, (0, 0), 1.5)
    body, lock = Body.of(thing > THING_LEAST), random_lock(generator, plate.size_px)
    places = generator.random((3, 2))
    shifts = generator.normal(0, 0.15, (1, 1, 3, 2))
    keys = np.concatenate([body.rest[None], body.held(places).poses(shifts)[:, 0]])
    whole, patches = Region(0, 0, width, height), Patches.of(body, plate.size_px)
    covered = [patches.painted(pose * plate.size_px, whole).top >= 0 for pose in keys]
    return compared(
        plate,
        PosedRenderer(plate, part_body(plate, thing, body, None, lock), body, keys, lock),
        (lock >= 1) | ~(covered[0] | covered[1]),
    )


def random_plate(seed: int, dtype: type) -> tuple[np.random.Generator, PlateImage]:
    """A made-up plate, every second one with alpha, and the generator that goes on from there."""
    generator = np.random.default_rng(seed)
    width, height = (int(side) for side in generator.integers(64, 700, 2))
    plate = textured(width, height, seed, dtype)
    if plate.is_float:
        plate.bgr[generator.random((height, width)) < 0.002] = generator.choice([np.nan, np.inf, -np.inf])
    if seed % 2:
        alpha = generator.random((height, width)).astype(np.float32)
        plate = PlateImage(plate.bgr, (alpha * plate.peak).astype(dtype), plate.is_float)
    return generator, plate


def random_lock(generator: np.random.Generator, size_px: tuple[int, int]) -> Field:
    """Three soft discs (H, W)."""
    lock = np.zeros(size_px[::-1], np.float32)
    for _ in range(3):
        place = (int(generator.integers(0, size_px[0])), int(generator.integers(0, size_px[1])))
        cv2.circle(lock, place, int(generator.integers(3, 60)), 1.0, -1)
    return np.maximum(cv2.GaussianBlur(lock, (0, 0), 2), lock)


def compared(plate: PlateImage, renderer: Drawer, kept: Mask) -> tuple[int, int, int]:
    """Bytes that differ where the plate is kept, bytes compared, and bytes that moved elsewhere, through the file."""
    frame = decode_image(encode_frame(renderer.frame(np.array([0.0, 1.0])), plate.depth_bits), premultiplied=plate.premultiplied)
    pairs = [(frame.bgr, plate.bgr)]
    if plate.alpha is not None:
        assert frame.alpha is not None
        pairs.append((frame.alpha, plate.alpha))
    differ = total = moved = 0
    for new, old in pairs:
        new_bytes, old_bytes = (np.ascontiguousarray(image[kept]).view(np.uint8) for image in (new, old))
        differ, total = differ + int((new_bytes != old_bytes).sum()), total + new_bytes.size
        moved += int((np.ascontiguousarray(new[~kept]).view(np.uint8) != np.ascontiguousarray(old[~kept]).view(np.uint8)).sum())
    return differ, total, moved


def main() -> int:
    """Count and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plates", type=int, default=50, help="of each depth")
    plates = parser.parse_args().plates
    print(
        "| depth | what moves | plates | bytes compared | bytes that differ | bytes that moved elsewhere |\n" + "|---" * 6 + "|"
    )
    worst = 0
    for name, dtype in (("8 bits", np.uint8), ("16 bits", np.uint16), ("half float", np.float16)):
        for what, counts in (("a region", count), ("a thing", count_body)):
            differ, total, moved = np.array([counts(seed, dtype) for seed in range(plates)]).sum(axis=0)
            print(f"| {name} | {what} | {plates} | {total} | {differ} | {moved} |", flush=True)
            worst += int(differ)
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main())
