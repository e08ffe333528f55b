"""Owns the answer to `ipoke status`. No sockets."""

from __future__ import annotations

from collections.abc import Iterable

from ..protocol.limits import MIB
from ..protocol.messages import ClientStatus, ServerInfo, Status, WorkerStatus
from .clients import Client
from .scheduler import Scheduler
from .workers.host import WorkerHost


def status(
    info: ServerInfo | None,
    uptime_s: float,
    clients: Iterable[Client],
    workers: Iterable[WorkerHost],
    scheduler: Scheduler,
    only: Client | None,
    now_s: float,
) -> Status:
    """What the backend is doing; a client in `only` is told of nobody but itself."""
    shown = clients if only is None else (only,)
    return Status(
        info=info,
        uptime_s=uptime_s,
        clients=tuple(_client(client, scheduler, now_s) for client in shown),
        workers=tuple(_worker(number, worker, scheduler, only) for number, worker in enumerate(workers)),
    )


def _client(client: Client, scheduler: Scheduler, now_s: float) -> ClientStatus:
    waiting, running = scheduler.count_jobs(client.routing_id)
    silent_s = max(0.0, now_s - client.heard_at)
    return ClientStatus(silent_s, waiting, running, client.upload_bytes // MIB, client.outbox_bytes // MIB)


def _worker(number: int, worker: WorkerHost, scheduler: Scheduler, only: Client | None) -> WorkerStatus:
    job = scheduler.job_of(number)
    visible = job is not None and (only is None or job[0] == only.routing_id)
    return WorkerStatus(
        pid=worker.pid or 0,
        is_up=worker.is_up,
        device=worker.device,
        job_id=job[1] if job is not None and visible else None,
        models=worker.memory.models,
        used_mb=worker.memory.used_mb,
    )
