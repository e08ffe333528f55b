"""Limits follow the machine, which is measured once for a run and all that it starts; a run finds its own processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import machine
from tests.processes import processes_with


def test_limits_are_stretched_by_what_was_measured_once_and_children_know_it(monkeypatch):
    monkeypatch.setenv(machine.FACTOR, "2.5")
    assert machine.allowed(10.0) == 25.0
    code = "from tests.machine import allowed; print(allowed(4.0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "10.0"


@pytest.mark.parametrize(("work_s", "factor"), [(0.001, 1.0), (machine._QUIET_S * 3, 3.0), (60.0, machine._LARGEST)])
def test_a_busy_machine_gives_longer_limits_up_to_a_bound_and_never_shorter_ones(monkeypatch, work_s, factor):
    monkeypatch.delenv(machine.FACTOR)
    monkeypatch.setattr(machine, "_work_s", lambda: work_s)
    assert machine.factor() == pytest.approx(factor)


def test_of_alike_processes_a_run_sees_its_own_alone():
    command = [sys.executable, "-c", "import sys; sys.stdin.read()  # alike"]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE) as own,
        subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | {machine.RUN: "another"}) as other,
    ):
        found = processes_with("sys.stdin.read()  # alike", os.environ[machine.RUN])
        assert own.pid in found
        assert other.pid not in found
        for process in (own, other):
            process.communicate()
