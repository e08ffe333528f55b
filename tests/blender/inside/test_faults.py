from __future__ import annotations

import importlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import bpy
import pytest

from tests.machine import allowed

from .conftest import MODULE


@pytest.fixture(autouse=True)
def _stopped():
    if bpy.ops.ipoke.stop_backend.poll():
        bpy.ops.ipoke.stop_backend()


def preferences() -> bpy.types.AddonPreferences:
    return bpy.context.preferences.addons[MODULE].preferences


def test_without_a_backend_sampling_is_a_sentence_and_leaves_nothing(plane, monkeypatch):
    monkeypatch.setenv("IPOKE_BACKEND", "/nowhere/ipoke")
    with pytest.raises(RuntimeError, match="No backend was found at /nowhere/ipoke"):
        bpy.ops.ipoke.sample()
    assert not plane.ipoke.variants
    assert not plane.ipoke.jobs
    assert plane.ipoke.shown == "STILL"
    assert "No backend" in plane.ipoke.message


def test_a_backend_that_ends_at_once_is_a_sentence(plane, monkeypatch, tmp_path):
    program = tmp_path / "ipoke"
    program.write_text("#!/bin/sh\necho out of luck >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("IPOKE_BACKEND", str(program))
    with pytest.raises(RuntimeError, match="out of luck"):
        bpy.ops.ipoke.sample()
    assert not plane.ipoke.variants


def test_after_a_failure_the_next_sample_works(plane, monkeypatch):
    with monkeypatch.context() as wrong:
        wrong.setenv("IPOKE_BACKEND", "/nowhere/ipoke")
        with pytest.raises(RuntimeError):
            bpy.ops.ipoke.start_backend()
    plane.ipoke.samples = 1
    assert bpy.ops.ipoke.sample() == {"FINISHED"}
    assert plane.ipoke.message == ""


def test_a_remote_backend_needs_online_access(plane, tmp_path, part):
    file = tmp_path / "connection.json"
    keys = ", ".join(f'"{name}": "{"a" * 40}"' for name in ("server_public", "client_public", "client_secret"))
    version = part("_vendor.protocol.version").PROTOCOL_VERSION
    file.write_text(f'{{"version": {version}, "address": "192.0.2.1", "port": 5555, {keys}, "pid": 1}}')
    preferences().connection_file = str(file)
    try:
        with pytest.raises(RuntimeError, match="allow online access"):
            bpy.ops.ipoke.start_backend()
    finally:
        preferences().connection_file = ""


def test_disabling_the_addon_ends_its_backend(plane, part):
    bpy.ops.ipoke.start_backend()
    pid = part("session.running").runtime()._backend.launcher.pid
    bpy.ops.preferences.addon_disable(module=MODULE)
    deadline = time.monotonic() + allowed(10)
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the backend still runs")
    bpy.ops.preferences.addon_enable(module=MODULE)


def test_a_saved_file_holds_no_key_of_its_backend(plane, part, tmp_path):
    bpy.ops.ipoke.start_backend()
    connection = json.loads(part("session.running").runtime().backend.launcher.poll().connection_file.read_text())
    keys = [value for name, value in connection.items() if name.endswith(("public", "secret"))]
    assert len(keys) == 3
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"), compress=False)
    saved = (tmp_path / "shot.blend").read_bytes()
    assert plane.name.encode() in saved
    assert not [key for key in keys if key.encode() in saved]


WAITING_MS = 1500.0
"""Waiting for a backend that does not answer would take three seconds; `-s` shows what the operators take."""


class WithWindow:
    """Blender's module, but that it says it has a window: operators then ask and don't wait."""

    app = SimpleNamespace(background=False, version_string=bpy.app.version_string)

    def __getattr__(self, name: str) -> object:
        return getattr(bpy, name)


@pytest.fixture
def windowed(monkeypatch, part) -> None:
    for name in ("operators.sampling", "operators.backend"):
        monkeypatch.setattr(part(name), "bpy", WithWindow())


def unreachable_file(folder, part) -> str:
    """A connection file that names a port of this machine where nobody listens."""
    module = part("_vendor.client.connection_file")
    version = part("_vendor.protocol.version").PROTOCOL_VERSION
    public, secret = (key.decode() for key in importlib.import_module("zmq").curve_keypair())
    file = folder / "connection.json"
    file.write_text(module.ConnectionFile(version, "127.0.0.1", 9, public, public, secret, 0).to_json())
    return str(file)


@pytest.fixture(params=["dead", "frozen", "unreachable"])
def silent(request, sampled, part, tmp_path) -> Iterator[bpy.types.Object]:
    """A plate with variants whose backend does not answer any more."""
    if request.param == "unreachable":
        preferences().connection_file = unreachable_file(tmp_path, part)
        yield sampled
        preferences().connection_file = ""
        return
    bpy.ops.ipoke.start_backend()
    pid = part("session.running").runtime().backend.launcher.pid
    os.kill(pid, signal.SIGKILL if request.param == "dead" else signal.SIGSTOP)
    yield sampled
    if request.param == "frozen":
        os.kill(pid, signal.SIGKILL)


def test_no_operator_waits_for_a_backend_that_does_not_answer(silent, windowed, part):
    took_ms: dict[str, tuple[float, float]] = {}

    def timed(name: str, act: Callable[[], object]) -> None:
        began_at, worked_s = time.perf_counter(), time.thread_time()
        act()
        took = (time.perf_counter() - began_at) * 1000, (time.thread_time() - worked_s) * 1000
        took_ms[name] = max(took, took_ms.get(name, took))
        part("session.timer").advance(part("session.timer").BUDGET_S)

    for name in ("sample", "cancel", "reroll", "cancel", "bake", "cancel", "copy_diagnostics", "stop_backend", "start_backend"):
        if getattr(bpy.ops.ipoke, name).poll():
            arguments = {"overwrite": True} if name == "bake" else {}
            timed(name, lambda name=name, arguments=arguments: getattr(bpy.ops.ipoke, name)(**arguments))
    for _ in range(10):
        timed("callback", lambda: part("session.timer").advance(part("session.timer").BUDGET_S))
    told = ", ".join(f"{name} {wall:.0f} ({worked:.0f})" for name, (wall, worked) in took_ms.items())
    print(f"\nfaults: ms, and in brackets ms of work: {told}")
    assert {"sample", "stop_backend"} <= set(took_ms)
    assert max(wall for wall, _ in took_ms.values()) < WAITING_MS, told


def test_a_frozen_backend_is_gone_after_it_was_stopped(plane, windowed, part):
    bpy.ops.ipoke.start_backend()
    timer = part("session.timer")
    deadline = time.monotonic() + allowed(60)
    while not part("session.running").runtime().backend.launcher.pid:
        assert time.monotonic() < deadline
        timer.advance(timer.BUDGET_S)
    pid = part("session.running").runtime().backend.launcher.pid
    os.kill(pid, signal.SIGSTOP)
    bpy.ops.ipoke.stop_backend()
    while part("session.running").runtime().active:
        assert time.monotonic() < deadline, "the frozen backend was not killed"
        timer.advance(timer.BUDGET_S)
        time.sleep(timer.BUSY_INTERVAL_S)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
