"""Steady load for a while: memory, file handles and threads of both processes must stay flat.

    python -m benchmarks.soak                     # ten minutes with the real worker and the shipped model
    python -m benchmarks.soak --seconds 60 --fake # with a worker without a model

Prints a table and ends with 1 when something grew by 2 % or more between the first tenth after the warm-up and the end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.client import Launcher, LaunchPhase, OutputSize, Poke, SampleRequest, new_job_id
from benchmarks.load import Crowd
from ipoke_values import Sampling
from tests.faults.work import request as fake_request
from tests.processes import eventually

PROJECT = Path(__file__).resolve().parent.parent
CLIENTS = 2
LIMIT = 0.02
_SAMPLE_S = 0.5


@dataclass(frozen=True)
class Reading:
    """What a process uses at one time."""

    memory_mb: float
    handles: int
    threads: int


def read(pid: int) -> Reading:
    """What a process uses now."""
    folder = Path(f"/proc/{pid}")
    pages = int((folder / "statm").read_text().split()[1])
    return Reading(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir(folder / "fd")), len(os.listdir(folder / "task")))


def children(pid: int) -> list[int]:
    """Ids of a process's own child processes."""
    return [int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()]


class Watch:
    """Reads the processes of a backend twice a second, from a thread."""

    def __init__(self, pids: dict[str, int]) -> None:
        self.readings: dict[str, list[Reading]] = {name: [] for name in pids}
        self._pids = pids
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Stop reading and wait for the thread."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(_SAMPLE_S):
            for name, pid in self._pids.items():
                self.readings[name].append(read(pid))


def growth(readings: list[Reading], name: str) -> tuple[float, float]:
    """What the first tenth after the warm-up, which is the first fifth, and the last tenth show.

    Of memory that is the median. Handles and threads are counted at their most: a worker has threads of its own for encoding
    while it has frames to encode, so any one reading depends on its moment.
    """
    values = [getattr(reading, name) for reading in readings[len(readings) // 5 :]]
    tenth = max(1, len(values) // 8)
    shown = statistics.median if name == "memory_mb" else max
    return shown(values[:tenth]), shown(values[-tenth:])


def real_request() -> SampleRequest:
    """A job of two small variants, another one each time."""
    return SampleRequest(
        new_job_id(),
        PICTURE,
        "noise.png",
        (Poke(0.5, 0.5, 0.1, 0.0),),
        None,
        2,
        Sampling(int(time.monotonic())),
        size=OutputSize.PREVIEW,
    )


def _picture() -> bytes:
    coarse = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    return cv2.imencode(".png", cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC))[1].tobytes()


PICTURE = _picture()


def soak(seconds: float, *, fake: bool, limit: float = LIMIT) -> bool:
    """Run the load, print the table; True when nothing grew by `limit` or more."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        module = ["tests.faults.serve_with_fake_worker", folder] if fake else ["backend"]
        launcher = Launcher([sys.executable, "-m", *module], scratch / "run", {"PYTHONPATH": str(PROJECT)})
        launcher.start()
        try:
            eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start", 60)
            connection_file, pid = launcher.poll().connection_file, launcher.pid
            assert connection_file is not None
            assert pid is not None
            crowd = Crowd(connection_file, CLIENTS, fake_request if fake else real_request)
            watch = Watch({"front": pid, "worker": children(pid)[0]})
            try:
                crowd.run_for(seconds)
            finally:
                watch.stop()
                crowd.close()
        finally:
            launcher.stop()
    jobs = sum(len(member.waits_s) for member in crowd.members)
    failed = sum(member.failed for member in crowd.members)
    print(f"{jobs} jobs in {seconds:.0f} s, {failed} failed", *{error for member in crowd.members for error in member.errors})
    return report(watch, limit) and not failed and jobs > 0


def report(watch: Watch, limit: float) -> bool:
    """Print what grew by how much; True when nothing grew by `limit` or more."""
    flat = True
    for process, readings in watch.readings.items():
        for name in ("memory_mb", "handles", "threads"):
            before, after = growth(readings, name)
            share = after / before - 1
            flat = flat and share < limit
            print(f"{process:>7} {name:<10} {before:8.1f} -> {after:8.1f}  {share:+.2%}")
    return flat


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--fake", action="store_true", help="a worker without a model")
    arguments = parser.parse_args()
    return 0 if soak(arguments.seconds, fake=arguments.fake) else 1


if __name__ == "__main__":
    sys.exit(main())
