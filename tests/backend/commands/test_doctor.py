"""`ipoke doctor` names each thing that can be missing, with its fix."""

from __future__ import annotations

import shutil
from importlib import metadata

import pytest
import zmq

from backend.cli import main
from backend.commands import children, doctor


@pytest.fixture
def findings(monkeypatch, capsys, tmp_path):
    """Run the doctor with the slow looks at torch and models left out; returns what it printed."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def run(*left_out: str, code: int = 1) -> str:
        for name in left_out or ("_torch", "_models"):
            monkeypatch.setattr(doctor, name, list)
        assert main(["doctor"]) == code
        return capsys.readouterr().out

    return run


def test_all_is_well(findings):
    out = findings(code=0)
    assert " bad  " not in out
    assert "CURVE in libzmq" in out


def test_ray_is_mentioned_where_it_is_installed_and_missed_only_where_it_is_asked_for(findings, monkeypatch, capsys):
    def version(name, there=metadata.version):
        if name == "ray":
            raise metadata.PackageNotFoundError(name)
        return there(name)

    monkeypatch.setattr(metadata, "version", lambda name: "2.60.0")
    assert "good  Ray: 2.60.0" in findings(code=0)
    monkeypatch.setattr(metadata, "version", version)
    assert "Ray" not in findings(code=0)
    assert main(["doctor", "--workers", "ray"]) == 1
    assert "fix: pip install 'ipoke[ray]'" in capsys.readouterr().out


def test_a_cluster_that_can_not_be_reached_is_a_finding(findings, monkeypatch, capsys):
    findings(code=0)
    monkeypatch.setattr(metadata, "version", lambda name: "2.60.0")
    assert main(["doctor", "--workers", "ray://127.0.0.1:9"]) == 1
    assert "bad  Ray: 2.60.0; The cluster ray://127.0.0.1:9 can't be reached" in capsys.readouterr().out


def test_a_full_disk(findings, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(1, 1, 0))
    assert "fix: free at least 1024 MB" in findings()


def test_no_encryption(findings, monkeypatch):
    monkeypatch.setattr(zmq, "has", lambda name: False)
    assert "fix: install pyzmq from its wheel" in findings()


def test_no_port(findings, monkeypatch):
    def refuse(*_arguments, **_options):
        raise zmq.ZMQError(zmq.EADDRINUSE)

    monkeypatch.setattr(zmq.Socket, "bind_to_random_port", refuse)
    assert "fix: allow programs to listen on 127.0.0.1" in findings()


def test_a_missing_package(findings, monkeypatch):
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert "fix: pip install numpy" in findings()


def answer(monkeypatch, code: int, output: str, errors: str = "") -> None:
    monkeypatch.setattr(children, "read_output", lambda command, timeout_s: (code, output, errors))


def test_no_model(findings, monkeypatch):
    answer(monkeypatch, 0, '{"models": [], "segmenters": [], "left_out": []}')
    out = findings("_torch")
    assert "fix: install ipoke again, or name a folder" in out
    assert "note  Segmenter: none" in out


@pytest.mark.parametrize("why", ["this PyTorch was built without CUDA", "Found no NVIDIA driver on your system"])
def test_no_gpu_says_why(findings, monkeypatch, why):
    answer(monkeypatch, 0, f'{{"version": "2.13", "gpu": null, "why": "{why}"}}')
    out = findings("_models", code=0)
    assert f"none: {why}" in out
    assert "install its driver and the CUDA build" in out


def test_no_torch(findings, monkeypatch):
    answer(monkeypatch, 1, "", "ModuleNotFoundError: No module named 'torch'")
    assert "No module named 'torch'" in findings("_models")


def test_a_backend_that_has_ended_without_a_word(findings, tmp_path):
    (tmp_path / "ipoke").mkdir()
    (tmp_path / "ipoke" / "connection.json").write_text("{")
    assert "fix: remove" in findings(code=0)


def test_models_that_were_left_out_are_told_with_the_reason_and_harm_nothing(findings, monkeypatch):
    row = '{"name": "garden-64", "size_px": 64, "frames": 10, "max_pokes": 5}'
    left_out = ", ".join(f'{{"folder": "f", "reason": "f/{number} is not JSON; get it again."}}' for number in range(10))
    answer(monkeypatch, 0, f'{{"models": [{row}], "segmenters": [{{"name": "thing"}}], "left_out": [{left_out}]}}')
    out = findings("_torch", code=0)
    assert "garden-64 (64 px, 10 frames)" in out
    assert "Segmenter: thing" in out
    assert "note  Model left out: f/7 is not JSON; get it again." in out
    assert "f/8" not in out
    assert "2 more" in out
