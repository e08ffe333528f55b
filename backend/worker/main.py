"""Owns the worker process: hears the front process, runs one job at a time, answers.

It speaks the client's protocol: `Sample`, `Invert`, `FindThing`, `Upload`, `Cancel` and `ReleaseMemory` come in; `NeedUpload`,
`Progress`, `Frame`, `VariantDone`, `Kinematics`, one of `Finished`, `ThingFound`, `Failed`, `Cancelled`, and `Memory` go out.
Torch comes in only through `worker.Models`.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from ..kinematics_file import read_kinematics
from ..lifetime import exit_with_parent
from ..log import set_up_log
from ..plate.image import PlateImage, decode_plate
from ..protocol import messages
from ..protocol.codec import Envelope, decode, encode
from ..protocol.errors import ErrorCode, IpokeError
from ..protocol.messages import FROM_CLIENT, ErrorInfo, FindThing, Message, Sample, Work
from ..uploads import FileInPieces
from ..worker_link import Ticket, TicketError, WorkerLink
from ..worker_memory import is_out_of_memory
from .invert_job import InvertJob
from .model_port import JobCancelledError, VariantModel
from .replayed import ReplayedModel
from .sample_job import SampleJob
from .thing_job import ThingJob

if TYPE_CHECKING:
    from .loaded_models import Models

_LOG = logging.getLogger("ipoke.worker")
_PLATES_KEPT = 2
_STAMP_S = 0.5
_OUT_OF_MEMORY = "The job needs more memory than its worker may take; use a smaller plate, or `ipoke serve` with --worker-memory."


_PlateKey = tuple[str, bool, bool, str | None]


class WorkerLoop:
    """Takes jobs one after the other, for ever."""

    def __init__(self, link: WorkerLink, models: Models) -> None:
        self._link = link
        self._models = models
        self._plates: OrderedDict[_PlateKey, PlateImage] = OrderedDict()
        self._waiting: deque[Envelope] = deque()
        self._job_id = ""
        self._cancelled = False
        self._progress = messages.Progress("-", "load", 0, 0, None)
        self._told_s = 0.0

    def run(self) -> None:
        """Say what this worker has, then serve."""
        self._tell(messages.Ready(self._models.info()))
        while True:
            envelope = self._waiting.popleft() if self._waiting else self._receive(None)
            if envelope is not None and isinstance(envelope.message, Work):
                self._run_job(envelope.message)
            elif envelope is not None and isinstance(envelope.message, messages.ReleaseMemory):
                self._plates.clear()
                self._models.unload()
                self._tell(self._models.memory())

    def _run_job(self, work: Work) -> None:
        job_id = work.job_id
        self._job_id, self._cancelled = job_id, False
        _LOG.info("job %s begins", job_id)
        try:
            self._work(work)
        except JobCancelledError:
            self._tell(messages.Cancelled(job_id))
        except Exception as error:  # the worker's border: whatever goes wrong in a job must not take the next one with it
            self._explain(job_id, error)
        self._tell(self._models.memory())
        _LOG.info("job %s ends", job_id)

    def _explain(self, job_id: str, error: Exception) -> None:
        """Tell why a job failed."""
        if isinstance(error, IpokeError) and error.code is ErrorCode.OUT_OF_MEMORY:
            self._fail(job_id, error.code, error.sentence)
        elif is_out_of_memory(error):
            self._plates.clear()
            self._fail(job_id, ErrorCode.OUT_OF_MEMORY, _OUT_OF_MEMORY)
        elif isinstance(error, IpokeError):
            self._fail(job_id, error.code, error.sentence)
        else:
            _LOG.error("job %s failed", job_id, exc_info=error)
            self._fail(job_id, ErrorCode.INTERNAL, "The job failed for an unknown reason; see the backend's log.")

    def _work(self, work: Work) -> None:
        if isinstance(work, messages.Invert):
            self._stage(work, "load")
            InvertJob(work, self._models.get(work.model)).run(self._tell, self._fetch, self._is_cancelled)
        elif isinstance(work, FindThing):
            self._stage(work, "decode")
            key, plate = _plate_key(work), self._plate(work)
            self._stage(work, "find")
            ThingJob(work, key, plate, self._fetch, self._models.segmenter).run(self._tell, self._is_cancelled)
        elif work.kinematics_sha256 is None:
            self._stage(work, "load")
            self._sample(work, self._models.get(work.model))
        else:
            kinematics = read_kinematics(self._fetch(work.kinematics_sha256))
            self._stage(work, "load")
            self._sample(work, ReplayedModel(self._models.get(work.model, kinematics.info.model), kinematics, mirror=work.mirror))

    def _sample(self, request: Sample, model: VariantModel) -> None:
        self._stage(request, "decode")
        plate = self._plate(request)
        self._stage(request, "sample")
        SampleJob(request, model, plate, self._fetch).run(self._tell, self._is_cancelled)

    def _plate(self, request: Sample | FindThing) -> PlateImage:
        key = _plate_key(request)
        if key not in self._plates:
            data = self._fetch(request.plate_sha256)
            self._plates[key] = decode_plate(
                data, upright=request.upright, premultiplied=request.premultiplied, layer=request.layer
            )
        self._plates.move_to_end(key)
        while len(self._plates) > _PLATES_KEPT:
            self._plates.popitem(last=False)
        return self._plates[key]

    def _fetch(self, sha256: str) -> bytes:
        """A file of the client's, piece by piece; raises JobCancelledError when the job ends before it is here."""
        file = FileInPieces(sha256)
        while not file.is_complete:
            self._tell(messages.NeedUpload(sha256, file.received))
            upload, piece = self._piece(sha256, file.received)
            file.take(upload, piece)
        return bytes(file.data)

    def _piece(self, sha256: str, start: int) -> tuple[messages.Upload, bytes]:
        while True:
            envelope = self._receive(None)
            if envelope is not None:
                message = envelope.message
                if isinstance(message, messages.Upload) and (message.sha256, message.start) == (sha256, start):
                    return message, envelope.raw[0]
                self._notice(envelope)
            if self._cancelled:
                raise JobCancelledError

    def _is_cancelled(self) -> bool:
        while (envelope := self._receive(0.0)) is not None:
            self._notice(envelope)
        if time.monotonic() - self._told_s > _STAMP_S:
            self._tell(self._progress)
        return self._cancelled

    def _notice(self, envelope: Envelope) -> None:
        if isinstance(envelope.message, messages.Cancel):
            self._cancelled = self._cancelled or envelope.message.job_id == self._job_id
        elif not isinstance(envelope.message, messages.Upload):
            self._waiting.append(envelope)

    def _stage(self, request: Work, stage: str) -> None:
        self._tell(messages.Progress(request.job_id, stage, 0, 0, None))
        if self._is_cancelled():
            raise JobCancelledError

    def _receive(self, timeout_s: float | None) -> Envelope | None:
        parts = self._link.receive(timeout_s)
        return None if parts is None else decode(parts, FROM_CLIENT)

    def _tell(self, message: Message, *raw: bytes) -> None:
        if isinstance(message, messages.Progress):
            self._progress = message
        self._told_s = time.monotonic()
        self._link.send(encode(message, *raw))

    def _fail(self, job_id: str, code: ErrorCode, sentence: str) -> None:
        self._tell(messages.Failed(job_id, ErrorInfo(code, sentence)))


def _plate_key(request: Sample | FindThing) -> _PlateKey:
    return request.plate_sha256, request.upright, request.premultiplied, request.layer


def main() -> int:
    """Run a worker for the process that started this one."""
    set_up_log()
    try:
        ticket = Ticket.read(sys.stdin.buffer)
    except TicketError as error:
        _LOG.error(error.sentence)
        return 1
    exit_with_parent(sys.stdin.buffer)
    link = WorkerLink(ticket)
    try:
        from .loaded_models import Models, settle_process

        settle_process()
        models = Models()
    except ImportError as error:
        sentence = f"The models can't be loaded ({error}); install the backend again, see `ipoke doctor`."
        link.send(encode(messages.Refused(ErrorInfo(ErrorCode.NO_WORKER, sentence))))
        link.close()
        return 1
    WorkerLoop(link, models).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
