"""`python -m benchmarks.plate_cost`: seconds a frame and peak memory of the plate's frames, beside reading and writing them.

One variant of a 3840 x 2160 still becomes 40 PNG frames, over as many threads as asked for. `taskset -c 0,1` for two cores.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from backend.commands.inputs import parse_poke
from backend.plate.image import decode_image, encode_png
from backend.plate.motion import places_of
from backend.plate.stream import ordered
from backend.plate.timing import timeline
from backend.protocol.messages import Playback
from ipoke_models import load_model
from ipoke_values import Sampling

from .plates import motion_on, read_mask, read_still, stage_of, textured


def main() -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, nargs="?", help="a still, enlarged to the width; a made-up one without it")
    parser.add_argument("--thing", type=Path, metavar="MASK", help="of the still: it moves as a body; the region moves without")
    parser.add_argument("--poke", default="0.4,0.45:0.5,0.35")
    parser.add_argument("--width", type=int, default=3840)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default="garden-64")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    plate = (
        textured(options.width, options.width * 9 // 16, 0) if options.image is None else read_still(options.image, options.width)
    )
    pokes = [parse_poke(options.poke)]
    stage = stage_of(plate, pokes, None if options.thing is None else read_mask(options.thing, plate.size_px))
    motion = motion_on(load_model(options.model), stage, pokes, Sampling(0))
    before_mb = peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        started, started_cpu = time.perf_counter(), time.process_time()
        course = stage.course([motion])
        renderer = course.renderer()
        prepared_s = time.perf_counter() - started
        plan = timeline(Playback(frames=options.frames), 1, len(motion.shifts) - 1, places_of(motion))
        half = 0.0
        for t, data in enumerate(ordered(lambda row: encode_png(renderer.frame(row), 8), plan.rows, options.threads)):
            (Path(folder) / f"{t:04d}.png").write_bytes(data)
            if t == options.frames // 2:
                half = peak_mb()
        ours_s = (time.perf_counter() - started) / options.frames
        cpu_s = (time.process_time() - started_cpu) / options.frames
        added_mb = peak_mb() - before_mb
        files = sorted(Path(folder).iterdir())
        started = time.perf_counter()
        for _ in ordered(lambda file: file.write_bytes(encode_png(decode_image(file.read_bytes()), 8)), files, options.threads):
            pass
        copy_s = (time.perf_counter() - started) / options.frames
    changed = renderer.region
    print(json.dumps({
        "size_px": plate.size_px, "frames": options.frames, "threads": options.threads,
        "box_px": None if changed is None else [changed.w, changed.h],
        "seconds_a_frame": round(ours_s, 3), "cpu_seconds_a_frame": round(cpu_s, 3),
        "preparing_s": round(prepared_s, 2),
        "reading_and_writing_s": round(copy_s, 3), "ratio": round(ours_s / copy_s, 2),
        "peak_mb_beyond_model_and_plate": round(added_mb), "of_it_after_half_the_frames_mb": round(peak_mb() - half),
        "moved_px": round(float(np.abs(motion.shifts).max() * stage.region.w / motion.size_px), 1),
    }))  # fmt: skip
    return 0


def peak_mb() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
