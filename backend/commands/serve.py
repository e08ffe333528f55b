"""Owns `ipoke serve`: a backend process, on its own or as somebody's child."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from ..client.paths import default_runtime_dir
from ..client.private_files import make_private_folder
from ..config import BackendConfig
from ..front.service import Service
from ..lifetime import stop_on_signals, stop_with_parent
from ..log import LogFileError, set_up_log
from .errors import UsageError
from .workers import CLUSTERS, read_workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--connection-file", type=Path, metavar="F", help="where to write address and keys (mode 0600)")
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="address to listen on; loopback without it")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; chosen freely without it")
    parser.add_argument("--keys", type=Path, metavar="F", help="this backend's keys, from `ipoke keygen`")
    parser.add_argument("--allow-list", type=Path, metavar="F", help="public keys that may connect, one a line")
    parser.add_argument(
        "--workers", default="1", metavar="N|RAY", help="worker processes, one a GPU (1), or a Ray cluster: " + CLUSTERS
    )
    parser.add_argument("--max-workers", type=int, metavar="N", help="most workers on the cluster; one a GPU or node without it")
    parser.add_argument("--worker-address", metavar="ADDRESS", help="this machine's address as the cluster's nodes reach it")
    parser.add_argument("--worker-memory", type=float, metavar="GB", help="most memory of a worker without a GPU; 0 is no limit")
    parser.add_argument("--unload-after", type=float, default=600.0, metavar="S", help="idle seconds until models are unloaded")
    parser.add_argument("--log-file", type=Path, metavar="F", help="append the log to this file and keep it small")
    parser.add_argument("--child", action="store_true", help="end when standard input ends, as it does with the parent")


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, or until the parent ends."""
    workers, cluster = read_workers(arguments.workers, arguments.max_workers, arguments.worker_address)
    if not 0 <= arguments.port <= 65535:
        raise UsageError(f"--port must be between 0 and 65535, not {arguments.port}.")
    if arguments.worker_memory is not None and not 0 <= arguments.worker_memory < 2**20:
        raise UsageError(f"--worker-memory is a number of gigabytes, 0 for no limit, not {arguments.worker_memory:g}.")
    try:
        set_up_log(arguments.log_file)
    except LogFileError as error:
        raise UsageError(error.sentence) from error
    config = BackendConfig(
        connection_file=arguments.connection_file or _default_connection_file(),
        address=arguments.bind,
        port=arguments.port,
        key_file=arguments.keys,
        allow_list=arguments.allow_list,
        workers=workers,
        cluster=cluster,
        worker_memory_mb=None if arguments.worker_memory is None else round(arguments.worker_memory * 1024),
        unload_s=arguments.unload_after,
        log_file=arguments.log_file,
    )
    service = Service(config)
    stop = threading.Event()
    stop_on_signals(stop)
    if arguments.child:
        stop_with_parent(sys.stdin.buffer, stop)
    service.run(stop)
    return 0


def _default_connection_file() -> Path:
    make_private_folder(default_runtime_dir())
    return default_runtime_dir() / "connection.json"
