"""The log carries job ids and stays small, also while a child writes to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# A process and its child write to the same log, which is kept small in between.
WRITER = """
import logging, subprocess, sys
from pathlib import Path
from backend.log import keep_small, set_up_log
file = Path(sys.argv[1])
set_up_log(file)
for number in range(100):
    logging.getLogger("ipoke.test").info("finished job-%d", number)
    keep_small(file, 2000)
subprocess.run([sys.executable, "-c", "import sys; print('the child speaks', file=sys.stderr)"], check=True)
"""


def test_a_long_log_is_moved_aside_and_goes_on(tmp_path):
    file = tmp_path / "backend.log"
    subprocess.run([sys.executable, "-c", WRITER, str(file)], cwd=PROJECT, check=True, timeout=60)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backend.log", "backend.log.1"]
    assert all(path.stat().st_size < 2200 for path in tmp_path.iterdir())
    lines = ((tmp_path / "backend.log.1").read_text() + file.read_text()).splitlines()
    numbers = [int(line.rsplit("-", 1)[1]) for line in lines if "job-" in line]
    assert numbers == list(range(numbers[0], 100))
    assert lines[-1] == "the child speaks"
    assert file.stat().st_mode & 0o777 == 0o600
