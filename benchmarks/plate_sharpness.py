"""`python -m benchmarks.plate_sharpness`: how sharp and true the plate's frames are, against clips rendered at full size.

Held-out procedural clips are rendered at 1024 px. The model sees them at its own size, encodes their motion and decodes it
again, so that every row shows the same motion. Each row then brings that to 1024 px in another way, and is compared with
the rendered truth: LPIPS (lower is better) and PSNR (higher is better), over the frames 3, 6 and 10 of every clip.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from backend.plate.image import PlateImage
from backend.plate.motion import Motion, motion_of_flows, motion_of_pictures
from backend.plate.region import model_input
from backend.plate.render import Renderer
from backend.protocol.messages import Region
from ipoke_models import load_model
from ipoke_models.data.pictures import load_pictures
from ipoke_models.data.procedural.clips import Clip, procedural_clip
from ipoke_models.metrics.lpips import Lpips, load_lpips
from ipoke_models.metrics.measures import psnr
from ipoke_models.model import Model

from .plates import as_tensor

SHOWN = (3, 6, 10)
Picture = NDArray[np.uint8]
Field = NDArray[np.float32]


def ways(model: Model, clip: Clip) -> Iterator[tuple[str, dict[int, Picture]]]:
    """Each way's name and its BGR frames by t."""
    side = clip.frames.shape[1]
    plate = PlateImage(np.ascontiguousarray(clip.frames[0, ..., ::-1]), None)
    region = Region(0, 0, side, side)
    small = np.stack([model_input(PlateImage(frame[..., ::-1], None), region, model.size_px) for frame in clip.frames])
    decoded, flows, visibilities = reconstruct(model, small)
    yield "the plate, unmoved", dict.fromkeys(SHOWN, plate.bgr)
    yield "bicubic up-scaling of the model's frames", {t: enlarge(decoded[t - 1], side) for t in SHOWN}
    motions = {"post-hoc flow (for models that paint)": motion_of_pictures(small[0], decoded)}
    if flows is not None:
        motions["warp decoder's flow"] = motion_of_flows(flows, visibilities)
    true = [shrink_flow(flow, model.size_px) for flow in clip.backward]
    motions["true flow at the model's size"] = motion_of_flows(true, [shrink(seen, model.size_px) for seen in clip.visible])
    for name, motion in motions.items():
        yield name, rendered(plate, region, motion)


def reconstruct(model: Model, clip: NDArray[np.float32]) -> tuple[list[Field], list[Field] | None, list[Field | None]]:
    """Decoded frames, flows (None for a model that paints) and visibilities of a clip (T+1, 3, S, S)."""
    with torch.inference_mode():
        frames = torch.from_numpy(clip)
        autoencoder, still = model.networks.autoencoder, frames[:1]
        modulation = autoencoder.modulate(still)
        states = autoencoder.states(model.encode(frames[None]), model.frames)
        parts = [autoencoder.render(state, still, modulation) for state in states]
    flows = [part.flow[0].numpy() for part in parts if part.flow is not None] or None
    visibilities = [None if part.visibility is None else part.visibility[0, 0].numpy() for part in parts]
    return [part.frame[0].numpy() for part in parts], flows, visibilities


def rendered(plate: PlateImage, region: Region, motion: Motion) -> dict[int, Picture]:
    """The plate's frames."""
    renderer, keys = Renderer(plate, region, motion), np.eye(len(motion.shifts))
    return {t: renderer.frame(keys[t]).bgr for t in SHOWN}


def enlarge(frame: NDArray[np.float32], side: int) -> Picture:
    """(3, S, S) RGB in [-1, 1] to BGR at full size."""
    bgr = np.ascontiguousarray(frame[::-1].transpose(1, 2, 0))
    wide = cv2.resize(bgr, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.rint(np.clip((wide + 1) * 127.5, 0, 255)).astype(np.uint8)


def shrink(plane: NDArray[np.generic], size: int) -> NDArray[np.float32]:
    """A plane at the model's size."""
    return cv2.resize(plane.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)


def shrink_flow(flow: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """(H, W, 2) px to (2, S, S) model px."""
    return np.stack([shrink(flow[..., axis], size) for axis in (0, 1)]) * np.float32(size / len(flow))


def compared(metric: Lpips, first: Picture, second: Picture) -> tuple[float, float]:
    """Perceptual distance, and peak signal to noise ratio in dB, of two BGR pictures."""
    a, b = as_tensor(first), as_tensor(second)
    with torch.inference_mode():
        return float(metric(a, b)), psnr(a, b)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="garden-64")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--cutouts", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--look", type=Path, help="folder for pictures of every way, to look at")
    options = parser.parse_args()
    model, metric = load_model(options.model), load_lpips()
    pictures = load_pictures(options.cutouts, options.photos, held_out=True, side_px=options.size)
    rows: dict[str, list[tuple[float, float]]] = {}
    started = time.monotonic()
    for index in range(options.clips):
        clip = procedural_clip(options.seed, index, pictures, options.size)
        truth = {t: np.ascontiguousarray(clip.frames[t, ..., ::-1]) for t in SHOWN}
        shown = [truth[SHOWN[-1]]]
        for name, frames in ways(model, clip):
            rows.setdefault(name, []).extend(compared(metric, frames[t], truth[t]) for t in SHOWN)
            shown.append(frames[SHOWN[-1]])
        if options.look:
            options.look.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(options.look / f"clip_{index:02d}.png"), np.hstack(shown))
        so_far = {name: np.mean(values, axis=0).round(4).tolist() for name, values in rows.items()}
        print(f"clip {index + 1}, {time.monotonic() - started:.0f} s: {json.dumps(so_far)}", file=sys.stderr, flush=True)
    print(f"| {options.clips} clips at {options.size} px, {options.model} | LPIPS | PSNR, dB |\n|---|---|---|")
    for name, values in rows.items():
        lpips, psnr = np.mean(values, axis=0)
        print(f"| {name} | {lpips:.4f} | {psnr:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
