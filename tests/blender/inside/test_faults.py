from __future__ import annotations

import bpy
import pytest

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


def test_disabling_the_addon_ends_its_backend(plane):
    import os
    import time

    bpy.ops.ipoke.start_backend()
    pump = __import__(f"{MODULE}.pump", fromlist=["addon"])
    pid = pump.addon().runtime._backend.launcher.pid
    bpy.ops.preferences.addon_disable(module=MODULE)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the backend still runs")
    bpy.ops.preferences.addon_enable(module=MODULE)
