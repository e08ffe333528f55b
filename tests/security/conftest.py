from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.client import ConnectionFile
from backend.config import BackendConfig
from backend.front import service as service_module
from backend.front.service import Service
from tests.faults.conftest import launcher, scratch  # noqa: F401
from tests.machine import allowed
from tests.processes import eventually

IDLE_WORKER = (sys.executable, "-c", "import sys; sys.stdin.read()")


@dataclass
class Running:
    """A front process inside the test's own process, with an idle worker, and what reached its decoder."""

    connection: ConnectionFile
    decoded: list[list[bytes]] = field(default_factory=list)


def noted_decodes(monkeypatch: pytest.MonkeyPatch) -> list[list[bytes]]:
    """Everything that reaches the front process's decoder from now on."""
    decoded: list[list[bytes]] = []
    original: Callable = service_module.decode

    def noting_decode(parts, allowed):
        decoded.append(list(parts))
        return original(parts, allowed)

    monkeypatch.setattr(service_module, "decode", noting_decode)
    return decoded


@pytest.fixture
def service(tmp_path, monkeypatch) -> Iterator[Running]:
    file, stop, decoded = tmp_path / "run" / "connection.json", threading.Event(), noted_decodes(monkeypatch)
    front = Service(BackendConfig(connection_file=file, worker_command=IDLE_WORKER))
    thread = threading.Thread(target=front.run, args=(stop,))
    thread.start()
    eventually(file.exists, "the service did not start")
    yield Running(ConnectionFile.read(file), decoded)
    stop.set()
    thread.join(allowed(10))
    assert not thread.is_alive()


@pytest.fixture
def connection_file(tmp_path) -> Path:
    return tmp_path / "run" / "connection.json"
