"""How a process ends on signals."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backend import lifetime
from backend.lifetime import noted_signals
from tests.machine import allowed

PROJECT = Path(__file__).resolve().parents[1]
SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted_and_ends_the_work_between_two_steps(number):
    before = signal.signal(number, signal.default_int_handler)  # a shell ignores some for what it runs behind
    try:
        with noted_signals() as check:
            check()
            signal.raise_signal(number)
            signal.raise_signal(number)  # `timeout` sends its signal to the process and to its group
            with pytest.raises(KeyboardInterrupt):
                check()
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_signal_that_was_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with noted_signals() as check:
            signal.raise_signal(signal.SIGHUP)
            check()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_second_signal_ends_the_process_at_once():
    code = f"""
import signal, time
from backend.lifetime import noted_signals
with noted_signals():
    signal.raise_signal(signal.SIGTERM)
    time.sleep({lifetime._SAME_REQUEST_S} + 0.1)
    signal.raise_signal(signal.SIGTERM)
    time.sleep(60)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT.parent, timeout=allowed(30), check=False)
    assert done.returncode == -signal.SIGTERM
