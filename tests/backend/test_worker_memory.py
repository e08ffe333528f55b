"""A worker keeps to its share of memory: what is too large ends one job, and the next one works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from backend import worker_memory as memory
from backend.worker_memory import LEAST_LIMIT_MB, default_limit_mb, is_out_of_memory, machine_memory_mb
from tests.machine import allowed

PROJECT = Path(__file__).resolve().parents[2]
TAKES = """
import numpy as np
from backend.worker_memory import is_out_of_memory, limit_memory
limit_memory(600)
for size_mb in (100, 900, 100):
    try:
        np.ones(size_mb * 2**17)
        print("taken")
    except MemoryError as error:
        print("refused", is_out_of_memory(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process to its data's size")
def test_what_is_beyond_the_limit_is_refused_and_the_next_thing_works():
    done = subprocess.run(
        [sys.executable, "-c", TAKES], cwd=PROJECT, capture_output=True, text=True, timeout=allowed(60), check=True
    )
    assert done.stdout.splitlines() == ["taken", "refused True", "taken"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("can't start new thread"),
        cv2.error("(-4:Insufficient memory) Failed to allocate 402653184 bytes in function 'OutOfMemoryError'"),
    ],
)
def test_every_library_that_has_no_memory_left_is_understood(error):
    wrapped = ValueError("The file can't be read.")
    wrapped.__cause__ = error
    assert is_out_of_memory(error)
    assert is_out_of_memory(wrapped)


def test_other_errors_are_something_else():
    assert not is_out_of_memory(None)
    assert not is_out_of_memory(ValueError("too small"))


def test_the_limit_comes_from_the_machine_or_its_container_and_holds_the_largest_plates(monkeypatch, tmp_path):
    machine_mb = machine_memory_mb()
    assert default_limit_mb(1) == max(int(0.75 * machine_mb), LEAST_LIMIT_MB)
    assert default_limit_mb(1000) == LEAST_LIMIT_MB
    (tmp_path / "max").write_text(f"{64 * 2**20}\n")
    (tmp_path / "none").write_text("max\n")
    monkeypatch.setattr(memory, "_CONTAINER_LIMITS", (tmp_path / "none", tmp_path / "missing"))
    assert machine_memory_mb() >= machine_mb
    monkeypatch.setattr(memory, "_CONTAINER_LIMITS", (tmp_path / "none", tmp_path / "max"))
    assert machine_memory_mb() == 64
