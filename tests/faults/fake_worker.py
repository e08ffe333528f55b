"""A worker without a model that fails on command. The seed of a request says how; a note in the scratch folder says how often.

python fake_worker.py SCRATCH
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import sys
import time
from enum import IntEnum
from pathlib import Path

from backend.lifetime import exit_with_parent
from backend.protocol import messages as m
from backend.protocol.codec import Envelope, decode, encode
from backend.uploads import FileInPieces
from backend.worker_link import NUMBER_VARIABLE, Ticket, WorkerLink
from tests.backend.protocol.examples import MODEL, SUMMARY

FRAMES = MODEL.frames
INFO = m.ServerInfo("0.1.0", "fake", 1, (MODEL,))
MASK = b"a grey picture"


class Fault(IntEnum):
    """Seeds with a meaning."""

    NONE = 100
    DIES_ONCE = 101
    ALWAYS_DIES = 102
    STALLS_ONCE = 103
    SLOW = 104
    LARGE = 105
    CAN_NOT_LOAD = 106
    FAILS_AT_START = 107
    STEADY = 108


def image_of(seed: int, variant: int, t: int) -> bytes:
    size = 1_000_000 if seed == Fault.LARGE else 200
    return hashlib.sha256(f"{seed}-{variant}-{t}".encode()).digest() * (size // 32)


class FakeWorker:
    def __init__(self, scratch: Path, link: WorkerLink) -> None:
        self._scratch = scratch
        self._link = link

    def serve(self) -> None:
        self._tell(m.Ready(INFO))
        while True:
            message = self._hear(None).message
            if isinstance(message, m.Sample):
                self._sample(message)
                self._tell(m.Memory((MODEL.name,), 100))
            elif isinstance(message, m.FindThing):
                self._find_thing(message)
            elif isinstance(message, m.ReleaseMemory):
                self._tell(m.Memory((), 10))

    def _sample(self, request: m.Sample) -> None:
        with (self._scratch / "jobs").open("a") as notes:
            notes.write(f"{request.job_id} {request.first} {request.samples}\n")
        if not self._takes_plate(request):
            return
        summary = dataclasses.replace(SUMMARY, plate_sha256=request.plate_sha256)
        for variant in range(request.first, request.first + request.samples):
            hashes = []
            for t in range(1, FRAMES + 1):
                self._misbehave(Fault(request.sampling.seed), variant, t)
                if self._is_cancelled():
                    self._tell(m.Cancelled(request.job_id))
                    return
                image = image_of(request.sampling.seed, variant, t)
                hashes.append(hashlib.sha256(image).hexdigest())
                self._tell(m.Frame(request.job_id, variant, t), image)
            self._tell(m.VariantDone(request.job_id, variant, tuple(hashes)))
        self._tell(m.Finished(request.job_id, summary))

    def _find_thing(self, request: m.FindThing) -> None:
        """The long side that is asked for is the fault, so that a question has one too."""
        with (self._scratch / "jobs").open("a") as notes:
            notes.write(f"{request.job_id} question\n")
        if self._takes_plate(request):
            self._misbehave(Fault(request.long_side_px), 1, 4)
            self._tell(m.ThingFound(request.job_id, m.ThingOrigin.ALPHA, (request.level,), (1.0,)), MASK)

    def _takes_plate(self, request: m.Sample | m.FindThing) -> bool:
        """Take the plate that is asked for; False when the job was cancelled meanwhile."""
        plate = FileInPieces(request.plate_sha256)
        while not plate.is_complete:
            self._tell(m.NeedUpload(request.plate_sha256, plate.received))
            envelope = self._hear(None)
            if isinstance(envelope.message, m.Cancel):
                self._tell(m.Cancelled(request.job_id))
                return False
            assert isinstance(envelope.message, m.Upload)
            plate.take(envelope.message, envelope.raw[0])
        return True

    def _misbehave(self, fault: Fault, variant: int, t: int) -> None:
        if (variant, t) == (1, 4):
            if fault is Fault.ALWAYS_DIES or (fault is Fault.DIES_ONCE and self._is_first_time("died")):
                time.sleep(0.3)  # what was said so far is on its way before death
                os.kill(os.getpid(), signal.SIGKILL)
            if fault is Fault.STALLS_ONCE and self._is_first_time("stalled"):
                os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep({Fault.SLOW: 0.05, Fault.STEADY: 0.01}.get(fault, 0))

    def _is_first_time(self, name: str) -> bool:
        note = self._scratch / name
        first = not note.exists()
        note.touch()
        return first

    def _is_cancelled(self) -> bool:
        parts = self._link.receive(0.0)
        return parts is not None and isinstance(decode(parts, m.FROM_CLIENT).message, m.Cancel)

    def _hear(self, timeout_s: float | None) -> Envelope:
        parts = self._link.receive(timeout_s)
        assert parts is not None
        return decode(parts, m.FROM_CLIENT)

    def _tell(self, message: m.Message, *raw: bytes) -> None:
        self._link.send(encode(message, *raw))


def main(scratch: Path) -> None:
    (scratch / "worker.pid").write_text(str(os.getpid()))
    (scratch / f"worker-{os.environ[NUMBER_VARIABLE]}.pid").write_text(str(os.getpid()))
    if (scratch / Fault.FAILS_AT_START.name).exists():
        sys.exit(3)
    ticket = Ticket.read(sys.stdin.buffer)
    exit_with_parent(sys.stdin.buffer)
    link = WorkerLink(ticket)
    if (scratch / Fault.CAN_NOT_LOAD.name).exists():
        link.send(encode(m.Refused(m.ErrorInfo(m.ErrorCode.NO_WORKER, "There is no torch."))))
        link.close()
        return
    FakeWorker(scratch, link).serve()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
