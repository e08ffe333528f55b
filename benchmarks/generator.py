"""How fast procedural clips are made: scenes, the renderer of stores, and the one in torch.

    python -m benchmarks.generator --cutouts STAMPS --photos PHOTOS --mocap MOTIONS [--animated ANIMATED] [--device cuda]

One thread each; on a CPU processor time, so that other work on the machine doesn't count, on another device wall time.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import torch

from ipoke_models.data.pictures import Pictures, load_pictures
from ipoke_models.data.procedural.clips import render
from ipoke_models.data.procedural.recipes import RECIPES, scene_of
from ipoke_models.data.procedural.scenes import Scene
from ipoke_models.data.procedural.torch_render import render_batch

SIZES_PX = (64, 128)
FRAMES = 10
SEED = 9


def clips_per_s(work: Callable[[int], object], batch: int, batches: int, device: torch.device) -> float:
    """Median over batches; `work` is given the number of the batch's first clip."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    rates = []
    for number in range(batches):
        started = clock()
        work(number * batch)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        rates.append(batch / (clock() - started))
    return statistics.median(rates)


def row(recipe: str, size_px: int, pictures: Pictures, options: argparse.Namespace) -> str:
    """One line of the table."""
    cpu, device = torch.device("cpu"), torch.device(options.device)

    def scenes(first: int) -> list[Scene]:
        return [scene_of(recipe, SEED, first + n, pictures, size_px, FRAMES) for n in range(options.batch)]

    made = {first: scenes(first) for first in range(0, options.batch * options.batches, options.batch)}
    building = clips_per_s(scenes, options.batch, options.batches, cpu)
    stores = clips_per_s(lambda first: [render(s, size_px, FRAMES) for s in made[first]], options.batch, options.batches, cpu)
    in_torch = clips_per_s(
        lambda first: render_batch(made[first], size_px, FRAMES, device), options.batch, options.batches, device
    )
    return f"| {recipe} | {size_px} | {building:.0f} | {stores:.0f} | {in_torch:.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cutouts", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--mocap", type=Path)
    parser.add_argument("--animated", type=Path)
    parser.add_argument("--device", default="cpu", help="where torch renders")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--batches", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    pictures = load_pictures(options.cutouts, options.photos, held_out=False, mocap=options.mocap, animated=options.animated)
    print(
        f"| recipe | px | scenes/s | renderer of stores, clips/s | in torch on {options.device}, clips/s |\n|---|---|---|---|---|"
    )
    for recipe in sorted(RECIPES):
        for size_px in SIZES_PX:
            print(row(recipe, size_px, pictures, options), flush=True)


if __name__ == "__main__":
    main()
