"""`python -m benchmarks.plate_sheets -o DIR STILL@X0,Y0:X1,Y1 ...`: crops at 100 % of moved stills, to look at.

For each still, at its own size or scaled to `--width`: the plate and the frames at a third, two thirds and the end, cut out
where it moves most.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from backend.commands.inputs import parse_poke
from backend.plate.preview import draw_arrows
from backend.plate.render import Renderer
from ipoke_models import load_model
from ipoke_values import Sampling

from .plates import motion_on, read_mask, read_still, stage_of

CROP = (620, 520)


def main() -> int:
    """Render and write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stills", nargs="+", metavar="STILL@X0,Y0:X1,Y1")
    parser.add_argument("--things", type=Path, help="folder of masks, STILL.png for each still that moves as a body")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--width", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="garden-64")
    options = parser.parse_args()
    model = load_model(options.model)
    options.output.mkdir(parents=True, exist_ok=True)
    for named in options.stills:
        path, _, arrow = named.rpartition("@")
        pokes = [parse_poke(arrow)]
        plate = read_still(Path(path), options.width)
        mask = None if options.things is None else options.things / f"{Path(path).stem}.png"
        stage = stage_of(plate, pokes, None if mask is None or not mask.exists() else read_mask(mask, plate.size_px))
        motion = motion_on(model, stage, pokes, Sampling(options.seed))
        renderer, keys = stage.course([motion]).renderer(), np.eye(len(motion.shifts))
        frames = [plate.bgr, *(renderer.frame(keys[round(share * (len(keys) - 1))]).bgr for share in (1 / 3, 2 / 3, 1))]
        change = cv2.blur(np.abs(frames[-1].astype(np.float32) - plate.bgr).max(axis=2), (201, 201))
        row, column = np.unravel_index(int(change.argmax()), change.shape)
        left = int(np.clip(column - CROP[0] // 2, 0, plate.size_px[0] - CROP[0]))
        top = int(np.clip(row - CROP[1] // 2, 0, plate.size_px[1] - CROP[1]))
        crops = [frame[top : top + CROP[1], left : left + CROP[0]] for frame in frames]
        whole = draw_arrows(plate, pokes, [stage.region], 900)
        last = cv2.resize(frames[-1], whole.shape[1::-1], interpolation=cv2.INTER_AREA)
        details = np.vstack([np.hstack(crops[:2]), np.hstack(crops[2:])])
        overview = np.vstack([whole, last])
        overview = cv2.resize(
            overview, (round(overview.shape[1] * len(details) / len(overview)), len(details)), interpolation=cv2.INTER_AREA
        )
        cv2.imwrite(str(options.output / f"{Path(path).stem}.png"), np.hstack([overview, details]))
        way = "with its surroundings" if isinstance(renderer, Renderer) else "as a body"
        print(
            f"{Path(path).stem}, {plate.size_px[0]} x {plate.size_px[1]} px: region {stage.region.w} px wide, moved {way}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
