"""`ipoke poke` with a backend that is away for a while: nothing that was finished is lost, and the job goes on."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.client import ConnectionFile
from backend.client.session import SILENCE_S
from tests.machine import allowed
from tests.processes import eventually
from tests.relay import Relay

from .conftest import MODEL, PROJECT
from .test_poke import POKE, hashes_of

VARIANTS = 8

pytestmark = pytest.mark.timeout(240)  # the second test starts two backends
IPOKE = [sys.executable, "-P", "-m", "backend"]
ENVIRONMENT = {"PYTHONPATH": str(PROJECT)}


def start_poke(image: Path, file: Path, folder: Path) -> subprocess.Popen[str]:
    words = [
        "poke",
        image,
        "--poke",
        POKE,
        "--samples",
        VARIANTS,
        "--seed",
        7,
        "--model",
        MODEL,
        "-o",
        "out",
        "--connection-file",
        file,
    ]
    return subprocess.Popen(
        [*IPOKE, *map(str, words)], cwd=folder, env={**os.environ, **ENVIRONMENT}, stderr=subprocess.PIPE, text=True
    )


def serve(file: Path) -> subprocess.Popen[bytes]:
    words = ["serve", "--child", "--connection-file", str(file), "--log-file", str(file.with_suffix(".log"))]
    return subprocess.Popen([*IPOKE, *words], env={**os.environ, **ENVIRONMENT}, stdin=subprocess.PIPE)


def wait_for_variant(folder: Path, variant: int) -> None:
    eventually(lambda: any(folder.glob(f".ipoke-*/preview_{variant:02d}.mp4")), "no variant came", 60)


def whole(process: subprocess.Popen[str], folder: Path) -> dict[int, list[str]]:
    _, errors = process.communicate(timeout=allowed(150))
    assert process.returncode == 0, errors
    return hashes_of(folder / "out")


@pytest.fixture
def relay(connection_file) -> Iterator[Relay]:
    relay = Relay(ConnectionFile.read(connection_file).port)
    yield relay
    relay.close()


def test_a_network_that_is_cut_costs_nothing(relay, connection_file, still, tmp_path):
    file = tmp_path / "away.json"
    file.write_text(dataclasses.replace(ConnectionFile.read(connection_file), port=relay.port).to_json())
    image = still("photo.png", 240, 180)
    process = start_poke(image, file, tmp_path)
    wait_for_variant(tmp_path, 1)
    relay.cut()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(SILENCE_S + 2)
    relay.mend()
    assert list(whole(process, tmp_path)) == list(range(VARIANTS))


def test_a_backend_that_is_killed_and_started_again_goes_on_with_the_rest(still, tmp_path):
    image, file = still("photo.png", 240, 180), tmp_path / "run" / "connection.json"
    file.parent.mkdir(mode=0o700)
    first = serve(file)
    eventually(file.exists, "no backend", 60)
    process = start_poke(image, file, tmp_path)
    wait_for_variant(tmp_path, 1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    file.unlink(missing_ok=True)
    second = serve(file)
    try:
        assert list(whole(process, tmp_path)) == list(range(VARIANTS))
    finally:
        for backend in (first, second):
            assert backend.stdin is not None
            backend.stdin.close()
        second.wait(30)
