"""Variants a second of workers on a Ray cluster of two nodes on this machine, against one worker without a cluster.

    python -m benchmarks.cluster_throughput              # with the shipped model: two cores are needed to see the second worker
    python -m benchmarks.cluster_throughput --fake       # with a worker that sleeps, whose speed does not depend on the cores

The rounds of both take turns, and the medians count.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from backend.client import Connected, Launcher, LocalBackend, SampleRequest, Session, Status, drive
from backend.config import WORKER_COMMAND
from benchmarks.soak import real_request
from tests.cluster.ray_cluster import PROJECT, TwoNodes
from tests.faults.fake_worker import Fault
from tests.faults.serve_with_fake_worker import CHANGES
from tests.faults.work import ENDINGS, TIMEOUT_S
from tests.faults.work import request as fake_request
from tests.processes import eventually

JOBS = 8
ROUNDS = 3
JOBS_S = 300.0


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fake", action="store_true", help="a worker that sleeps")
    fake = parser.parse_args().fake
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(contextlib.closing(TwoNodes()))
        backends = {}
        for name, address, workers in (("one worker", None, 1), ("two nodes", cluster.address, 2)):
            (folder / name).mkdir()
            backends[name] = stack.enter_context(contextlib.closing(backend_of(folder / name, address, fake)))
            wait_for_workers(backends[name].session, workers)
        for backend in backends.values():
            run_jobs(backend, fake)
        took_s: dict[str, list[float]] = {name: [] for name in backends}
        for _ in range(ROUNDS):
            for name, backend in backends.items():
                took_s[name].append(run_jobs(backend, fake))
    rates = {name: 2 * JOBS / statistics.median(times) for name, times in took_s.items()}
    for name, rate in rates.items():
        print(f"{name}: {rate:.2f} variants a second, rounds of {', '.join(f'{value:.2f}' for value in took_s[name])} s")
    print(f"ratio {rates['two nodes'] / rates['one worker']:.2f}")
    return 0


def backend_of(folder: Path, address: str | None, fake: bool) -> LocalBackend:
    """Start a backend with the fake or the real worker, on a cluster where an address is given."""
    changes: dict[str, object] = {} if address is None else {"cluster": {"address": address}}
    if not fake:
        changes["worker_command"] = WORKER_COMMAND
    (folder / CHANGES).write_text(json.dumps(changes))
    command = [sys.executable, "-m", "tests.faults.serve_with_fake_worker", str(folder)]
    backend = LocalBackend(Launcher(command, folder / "run", {"PYTHONPATH": str(PROJECT)}))
    drive(backend, lambda event: isinstance(event, Connected), TIMEOUT_S)
    return backend


def wait_for_workers(session: Session, count: int) -> None:
    """Wait until so many workers are up."""

    def are_up() -> bool:
        session.ask_status()
        status = drive(session, lambda event: isinstance(event, Status), TIMEOUT_S)
        return isinstance(status, Status) and sum(worker.is_up for worker in status.workers) == count

    eventually(are_up, "a worker is not up", TIMEOUT_S)


def run_jobs(backend: LocalBackend, fake: bool) -> float:
    """Seconds of some jobs of two variants each."""
    asked: list[SampleRequest] = [fake_request(Fault.SLOW, samples=2) if fake else real_request() for _ in range(JOBS)]
    began_s = time.perf_counter()
    for one in asked:
        backend.session.submit(one)
    drive(backend, lambda event: isinstance(event, ENDINGS) and not backend.session.open_jobs, JOBS_S)
    return time.perf_counter() - began_s


if __name__ == "__main__":
    sys.exit(main())
