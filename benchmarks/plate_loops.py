"""`python -m benchmarks.plate_loops STILL...`: how loops close, ten by default over the stills and seeds given.

Position is the step over the seam, velocity the larger change of step at it; both must not exceed the median step between
neighbouring frames inside the loop. All in px of the model's size, root mean square over the moving places. Each loop is
picked from more and more residuals, the variant's own and others near it; the larger of both as a share of the median step
says what that brings.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from backend.plate.motion import places_of
from backend.plate.timing import timeline
from backend.protocol.messages import Loop, Playback, Poke, Seam
from backend.worker.takes import NEAR, derived_seed
from ipoke_models import load_model
from ipoke_values import Like, Sampling

from .plates import motion_on, read_still, stage_of

DRAWS = (1, 2, 4)


def worse(seam: Seam) -> tuple[bool, float]:
    """What a loop is judged by."""
    return seam.loop is Loop.PING_PONG, seam.share


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stills", type=Path, nargs="+")
    parser.add_argument("--loops", type=int, default=10)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--model", default="garden-64")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, closed = load_model(options.model), dict.fromkeys(DRAWS, 0)
    playback = Playback(frames=options.frames, loop=Loop.CLOSED)
    print("| loop | " + " | ".join(f"position, velocity, median step of {draws}" for draws in DRAWS) + " |\n" + "|---" * 4 + "|")
    for number in range(options.loops):
        still = options.stills[number % len(options.stills)]
        pokes = [Poke(0.5, 0.45, 0.08 if number % 2 else -0.08, -0.06)]
        stage, seams = stage_of(read_still(still, 960), pokes), list[Seam]()
        for draw in range(max(DRAWS)):
            like = (Like(number, 0, NEAR),) if draw else ()
            motion = motion_on(model, stage, pokes, Sampling(derived_seed(number, "draw", draw), like))
            seam = timeline(playback, 1, model.frames, places_of(motion)).seam
            assert seam is not None
            seams.append(seam)
        cells = []
        for draws in DRAWS:
            best = min(seams[:draws], key=worse)
            closed[draws] += best.closes and best.loop is Loop.CLOSED
            kind = "" if best.loop is Loop.CLOSED else " (ping-pong)"
            cells.append(f"{best.position_px:.3f} {best.velocity_px:.3f} {best.median_step_px:.3f}, {best.share:.2f}{kind}")
        print(f"| {still.stem} {number} | " + " | ".join(cells) + " |", flush=True)
    for draws in DRAWS:
        print(f"picked from {draws}: {closed[draws]} of {options.loops} loops close in position and velocity.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
