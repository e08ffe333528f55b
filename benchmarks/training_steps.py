"""How long a step of each stage takes, and how much sooner it ends where numbers below 1e-38 count as zero.

    python -m benchmarks.training_steps CLIPS --model garden-64

One thread, processor time, medians of the steps; both ways in turns. `ipoke train` flushes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from ipoke_models.data.store import ClipStore
from ipoke_models.model import load_model
from ipoke_models.training.loop import Stage
from ipoke_models.training.presets import PRESETS
from ipoke_models.training.run import stages

PRESET = PRESETS["garden-64"]
SEED, ROUNDS = 5, 2


def step_s(stage: Stage, step: int) -> float:
    """Processor time of one step, without the optimiser's."""
    started = time.process_time()
    torch.stack(list(stage.losses(step).values())).sum().backward()  # type: ignore[no-untyped-call]
    return time.process_time() - started


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--model", default="garden-64")
    parser.add_argument("--steps", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips, networks = ClipStore(options.clips, augmented=True), load_model(options.model).networks.train().requires_grad_(True)
    print("| stage | batch | s a step, numbers kept | flushed | times faster |\n|---|---|---|---|---|")
    for stage, schedule in stages(PRESET, networks, (clips, clips), SEED, fresh=False, with_twin=True):
        taken: dict[bool, list[float]] = {False: [], True: []}
        step_s(stage, 0)
        for _ in range(ROUNDS):
            for flushed, times in taken.items():
                torch.set_flush_denormal(flushed)
                times.extend(step_s(stage, step) for step in range(options.steps))
        plain, quick = (statistics.median(times) for times in taken.values())
        print(f"| {stage.name} | {schedule.batch} | {plain:.2f} | {quick:.2f} | {plain / quick:.2f} |", flush=True)


if __name__ == "__main__":
    main()
