"""`python -m benchmarks.plate_loops STILL...`: how loops close, ten by default over the stills and seeds given.

Position is the step over the seam, velocity the larger change of step at it; both must not exceed the median step between
neighbouring frames inside the loop. All in px of the model's size, root mean square over the moving places.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from backend.plate.motion import places_of
from backend.plate.timing import timeline
from backend.protocol.messages import Loop, Playback, Poke
from ipoke_models import load_model

from .plates import motion_on, read_still, stage_of


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stills", type=Path, nargs="+")
    parser.add_argument("--loops", type=int, default=10)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--model", default="garden-64")
    options = parser.parse_args()
    model, closed = load_model(options.model), 0
    print("| loop | kind | position | velocity | median step | closes |\n|---|---|---|---|---|---|")
    for number in range(options.loops):
        still = options.stills[number % len(options.stills)]
        plate = read_still(still, None)
        pokes = [Poke(0.5, 0.45, 0.08 if number % 2 else -0.08, -0.06)]
        motion = motion_on(model, stage_of(plate, pokes), pokes, number)
        plan = timeline(Playback(frames=options.frames, loop=Loop.CLOSED), 1, model.frames, places_of(motion))
        seam = plan.seam
        assert seam is not None
        good = seam.closes and seam.loop is Loop.CLOSED
        closed += good
        print(
            f"| {still.stem} {number} | {seam.loop} | {seam.position_px:.3f} | {seam.velocity_px:.3f} | "
            f"{seam.median_step_px:.3f} | {'yes' if good else 'no'} |"
        )
    print(f"\n{closed} of {options.loops} loops close in position and velocity.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
