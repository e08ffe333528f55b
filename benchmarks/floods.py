"""Floods against a real front with a worker without a model: its memory before, at most and after, and how long good jobs take.

    python -m benchmarks.floods             # every flood, a table of Markdown
    python -m benchmarks.floods --only parts tiny-parts

Each flood has a backend of its own and comes from another process, which is killed after some seconds, as by a crash. Ends with
1 when the front took more than it may, or had not freed it half a minute after the flood was gone.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backend.client import Connected, Connection, ConnectionFile, Finished, Launcher, LaunchPhase, Session, drive
from tests.faults.work import TIMEOUT_S, request, run
from tests.processes import cpu_s, eventually, resident_mb

from .flood_kinds import FLOODS

PROJECT = Path(__file__).resolve().parent.parent
FLOOD_S = 12.0
FREE_S = 40.0
MOST_FREE_S = 30.0
_NEAR_MB = 12.0


@dataclass
class Row:
    """What one flood did to a front."""

    flood: str
    before_mb: float
    most_mb: float = 0.0
    after_mb: float = 0.0
    free_s: float = 0.0
    cpu_after: float = 0.0
    waits_s: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        grown = f"{self.before_mb:.0f} | {self.most_mb:.0f} | {self.after_mb:.0f} | {self.free_s:.1f}"
        waits = f"{statistics.median(self.waits_s):.2f} | {max(self.waits_s):.2f} | {len(self.waits_s)}"
        return f"| {self.flood} | {grown} | {waits} | {self.cpu_after:.0%} |"


HEADER = """| flood | MB before | most | after | s to free | good job s | worst | jobs | CPU after |
|---|---|---|---|---|---|---|---|---|"""


@contextlib.contextmanager
def front() -> Iterator[ConnectionFile]:
    """A backend with a worker without a model."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.faults.serve_with_fake_worker", folder]
        launcher = Launcher(command, Path(folder) / "run", {"PYTHONPATH": str(PROJECT)})
        launcher.start()
        try:
            eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start", 30.0)
            connection_file = launcher.poll().connection_file
            assert connection_file is not None
            yield ConnectionFile.read(connection_file)
        finally:
            launcher.stop()


def measure(flood: str, seconds: float = FLOOD_S) -> Row:
    """Run a flood for some seconds, jobs meanwhile, and wait until its memory is free."""
    with front() as target, contextlib.closing(Session(Connection(target))) as session:
        drive(session, lambda event: isinstance(event, Connected), TIMEOUT_S)
        for _ in range(20):
            run(session, request(samples=1))
        row = Row(flood, resident_mb(target.pid))
        with _from_another_process(flood, target) as process:
            until_s = time.monotonic() + seconds
            while time.monotonic() < until_s:
                began_s = time.monotonic()

                def note(_event: object) -> None:
                    row.most_mb = max(row.most_mb, resident_mb(target.pid))

                assert isinstance(run(session, request(samples=1), note).ending, Finished)
                row.waits_s.append(time.monotonic() - began_s)
                _poll_for(session, 0.1, note)
            assert process.poll() is None or flood.startswith("commands"), "the flood ended by itself"
        gone_s = time.monotonic()
        while resident_mb(target.pid) > row.before_mb + _NEAR_MB and time.monotonic() - gone_s < FREE_S:
            _poll_for(session, 0.1)
        row.free_s, row.after_mb = time.monotonic() - gone_s, resident_mb(target.pid)
        _poll_for(session, 2.0)
        before_s, began_s = cpu_s(target.pid), time.monotonic()
        _poll_for(session, 2.0)
        row.cpu_after = (cpu_s(target.pid) - before_s) / (time.monotonic() - began_s)
        assert isinstance(run(session, request(samples=1)).ending, Finished)
        return row


@contextlib.contextmanager
def _from_another_process(flood: str, target: ConnectionFile) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "connection.json"
        file.write_text(dataclasses.replace(target).to_json())
        file.chmod(0o600)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.floods", "--flood", flood, str(file)],
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _poll_for(session: Session, seconds: float, note: Callable[[object], None] = lambda _: None) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        session.poll(time.monotonic())
        note(None)
        session.wait(0.02)


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(FLOODS), default=list(FLOODS))
    parser.add_argument("--seconds", type=float, default=FLOOD_S)
    parser.add_argument("--flood", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.flood is not None:
        flood, file = arguments.flood
        FLOODS[flood](ConnectionFile.read(Path(file)))
        time.sleep(60)
        return 0
    print(HEADER)
    rows = []
    for flood in arguments.only:
        rows.append(measure(flood, arguments.seconds))
        print(rows[-1], flush=True)
    return 0 if all(row.free_s < MOST_FREE_S for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
