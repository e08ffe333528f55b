"""Owns `ipoke serve`: a backend process, on its own or as somebody's child."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from ..client.paths import default_runtime_dir
from ..config import BackendConfig
from ..lifetime import stop_on_signals, stop_with_parent
from ..log import set_up_log
from ..service import Service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--connection-file", type=Path, metavar="F", help="where to write address and keys (mode 0600)")
    parser.add_argument("--port", type=int, default=0, help="loopback port; chosen freely without it")
    parser.add_argument("--child", action="store_true", help="end when standard input ends, as it does with the parent")


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, or until the parent ends."""
    set_up_log()
    stop = threading.Event()
    stop_on_signals(stop)
    if arguments.child:
        stop_with_parent(sys.stdin.buffer, stop)
    file: Path = arguments.connection_file or default_runtime_dir() / "connection.json"
    Service(BackendConfig(connection_file=file, port=arguments.port)).run(stop)
    return 0
