"""Mutated messages against the codec and against the live socket of a backend, with good jobs in between.

python -m tests.fuzz                        # 100,000 messages on each, as the documentation says
python -m tests.fuzz --images --seconds 60  # mutated stills instead, see tests/fuzz_images.py
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from pathlib import Path

from backend.client import Connected, Connection, ConnectionFile, Finished, Launcher, LaunchPhase, Session, drive
from backend.protocol import messages as m
from backend.protocol.codec import decode, encode
from backend.protocol.errors import ProtocolError
from tests import fuzz_images
from tests.backend.protocol.examples import EVERY, EXAMPLES, raw_of
from tests.faults.work import TIMEOUT_S, request, run
from tests.processes import eventually, resident_mb

PROJECT = Path(__file__).resolve().parent.parent
MOST_MB = 20
_ROUND = 500


def mutated(generator: random.Random) -> list[bytes]:
    """A good message with some bytes replaced, removed or added, or with parts too many or too few."""
    message = generator.choice(EXAMPLES)
    parts = [bytearray(part) for part in encode(message, *raw_of(message))]
    for _ in range(generator.randint(0, 4)):
        part = generator.choice(parts)
        place = generator.randrange(len(part) + 1)
        part[place : place + generator.randint(0, 3)] = generator.randbytes(generator.randint(0, 3))
    return [bytes(part) for part in parts[: generator.randint(1, len(parts))]] + [b"x"] * generator.choice([0, 0, 0, 1, 5])


def fuzz_codec(count: int, seed: int = 5) -> int:
    """Decode mutated messages; anything but ProtocolError escapes. Returns how many were refused."""
    generator, refused = random.Random(seed), 0
    for _ in range(count):
        try:
            decode(mutated(generator), EVERY)
        except ProtocolError:
            refused += 1
    return refused


def fuzz_socket(target: ConnectionFile, count: int, seed: int = 11) -> float:
    """Send mutated messages to a backend and run a good job after every 500; returns by how many MB its front process grew."""
    generator = random.Random(seed)
    with contextlib.closing(Session(Connection(target))) as session, contextlib.closing(Connection(target)) as vandal:
        drive(session, lambda event: isinstance(event, Connected), TIMEOUT_S)
        vandal.send(encode(m.Hello()))
        assert isinstance(run(session, request()).ending, Finished)
        before_mb = resident_mb(target.pid)
        for sent in range(0, count, _ROUND):
            for _ in range(min(_ROUND, count - sent)):
                parts = mutated(generator)
                while not vandal.send(parts):
                    vandal.wait(0.01)
                while vandal.receive() is not None:
                    pass
            assert isinstance(run(session, request()).ending, Finished), f"after {sent + _ROUND} messages"
        return resident_mb(target.pid) - before_mb


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--images", action="store_true", help="mutated stills against the reader of images instead")
    parser.add_argument("--seconds", type=float, default=60, help="how long stills are read (60)")
    options = parser.parse_args()
    if options.images:
        return int(not fuzz_images.run(options.seconds, Path(tempfile.mkdtemp(prefix="ipoke-fuzz-"))))
    count = options.messages
    began_s = time.monotonic()
    print(f"codec: {fuzz_codec(count)} of {count} refused, 0 crashes, {time.monotonic() - began_s:.0f} s")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.faults.serve_with_fake_worker", folder]
        launcher = Launcher(command, Path(folder) / "run", {"PYTHONPATH": str(PROJECT)})
        launcher.start()
        try:
            eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start")
            began_s = time.monotonic()
            grown_mb = fuzz_socket(ConnectionFile.read(launcher.poll().connection_file), count)
            took_s = time.monotonic() - began_s
            print(f"socket: {count} sent, every job between them finished, {grown_mb:+.1f} MB, {took_s:.0f} s")
        finally:
            launcher.stop()
    return 0 if grown_mb < MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
