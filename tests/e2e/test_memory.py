"""A job that needs more memory than its worker may take ends in a sentence, and the next one works."""

from __future__ import annotations

import subprocess
import sys

import pytest

from backend.cli import main
from backend.client.private_files import make_private_folder
from tests.processes import eventually

from .conftest import MODEL, PROJECT

SIDE_PX = 6000
LIMIT_GB = "0.8"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process to its data's size")
def test_a_job_beyond_its_workers_memory_ends_and_the_next_one_works(still, tmp_path, capsys):
    make_private_folder(tmp_path / "run")
    file = tmp_path / "run" / "connection.json"
    options = ["--child", "--worker-memory", LIMIT_GB, "--connection-file", str(file)]
    command = [sys.executable, "-P", "-m", "backend", "serve", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=PROJECT) as backend:
        eventually(file.exists, "the backend did not start", 30.0)
        words = ["--poke", "0.5,0.4:0.6,0.3", "--samples", "1", "--model", MODEL, "--connection-file", str(file)]
        large, small = still("large.jpg", SIDE_PX, SIDE_PX), still("small.png", 160, 120)
        assert main(["poke", str(large), *words, "--size", "plate", "-o", str(tmp_path / "large")]) == 1
        assert "needs more memory than its worker may take" in capsys.readouterr().err
        assert main(["poke", str(small), *words, "-o", str(tmp_path / "small")]) == 0
        backend.communicate()
