"""Owns what a backend process can be told at its start, and the limits that are its own business."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from .protocol.limits import MIB

WORKER_COMMAND = (sys.executable, "-P", "-m", "backend.worker.main")


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """The Ray cluster whose nodes the workers run on.

    `address` is ray://HOST:PORT, HOST:PORT on a machine of the cluster, or "ray" for the cluster that this machine is part of.
    `worker_address` is the address of this machine that the nodes reach; None is the one on the way to the cluster.
    `workers` is the largest number of workers; None is one a GPU, or one a node in a cluster without GPUs.
    """

    address: str
    worker_address: str | None = None
    workers: int | None = None
    connect_s: float = 45.0


@dataclass(frozen=True, slots=True)
class BackendConfig:
    """Where a backend listens and how patient it is with its workers and its clients. Times are in seconds.

    `key_file` and `allow_list` let other machines in: the backend's own keys, and the public keys that it accepts.
    `workers` are this machine's; with a `cluster` they run there instead. Each may take `worker_memory_mb` of memory, 0 is no
    limit, None three quarters of the machine's for all of them. `hold_bytes` is how much may wait for a client
    that does not read before its jobs are held. `failed_starts` workers in a row that never came up, or died idle within
    `steady_s`, are told to everyone; the pauses before the next ones grow from `restart_pause_s` to `longest_pause_s`. A
    worker that had nothing to do for `unload_s` is told to release its memory. `log_file` is kept below its limit by the
    backend.
    """

    connection_file: Path
    address: str = "127.0.0.1"
    port: int = 0
    key_file: Path | None = None
    allow_list: Path | None = None
    workers: int = 1
    cluster: ClusterConfig | None = None
    worker_memory_mb: int | None = None
    worker_command: tuple[str, ...] = WORKER_COMMAND
    worker_start_s: float = 180.0
    worker_stall_s: float = 120.0
    failed_starts: int = 5
    steady_s: float = 60.0
    restart_pause_s: float = 0.5
    longest_pause_s: float = 300.0
    unload_s: float = 600.0
    client_idle_s: float = 600.0
    hold_bytes: int = 256 * MIB
    log_file: Path | None = None
