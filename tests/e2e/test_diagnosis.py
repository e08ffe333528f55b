"""`ipoke doctor`, `ipoke models`, `ipoke serve`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from backend.cli import main
from backend.client import Connection
from backend.commands import doctor
from backend.protocol import encode, messages
from tests.machine import allowed
from tests.processes import eventually

from .conftest import MODEL, PROJECT

ENVIRONMENT = {"PYTHONPATH": str(PROJECT)}
COMMAND = [sys.executable, "-P", "-m", "backend"]


def test_doctor_finds_everything_in_order(ipoke):
    findings = {finding["what"]: finding for finding in ipoke("doctor", "--json")["findings"]}
    assert {"Python", "PyTorch", "GPU", "Models", "Runtime folder", "Loopback port", "Encryption", "Disk"} <= set(findings)
    assert MODEL in findings["Models"]["seen"]
    assert not [finding for finding in findings.values() if finding["health"] == "bad"]
    assert findings["GPU"]["health"] == "good" or findings["GPU"]["fix"]


def test_doctor_explains_a_missing_torch(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_TORCH_PROBE", "import torch_is_not_here")
    monkeypatch.setattr(doctor, "_models", list)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "No module named 'torch_is_not_here'" in out
    assert "fix: install it again" in out


def test_doctor_explains_a_runtime_folder_that_can_not_be_used(monkeypatch, tmp_path, capsys):
    (tmp_path / "ipoke").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(doctor, "_torch", list)
    monkeypatch.setattr(doctor, "_models", list)
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert f"{tmp_path / 'ipoke'} is no folder" in told
    assert "fix: make the folder your own and writable" in told


def test_doctor_names_a_runtime_folder_that_others_can_meddle_with_and_a_foreign_pythonpath(monkeypatch, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHONPATH", "/studio/packages")
    monkeypatch.setattr(doctor, "_torch", list)
    monkeypatch.setattr(doctor, "_models", list)
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert f"{tmp_path / 'data' / 'ipoke' / 'run'}, for XDG_RUNTIME_DIR ({tmp_path / 'run'}) is not yours alone" in told
    assert "PYTHONPATH=/studio/packages" in told


def test_models_are_listed(capfd):
    assert main(["models", "--json"]) == 0
    names = [row["name"] for row in json.loads(capfd.readouterr().out)["models"]]
    assert MODEL in names


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serve_writes_where_it_is_and_ends_tidily(tmp_path, ending):
    file = tmp_path / "connection.json"
    words = [*COMMAND, "serve", "--connection-file", str(file)]
    process = subprocess.Popen(words, env={**os.environ, **ENVIRONMENT}, stderr=subprocess.PIPE, text=True)
    eventually(file.exists, "serve did not say where it is", 30)
    connection = Connection.open(file)
    connection.send(encode(messages.Hello()))
    assert connection.wait(10.0)
    connection.close()
    process.send_signal(ending)
    _, log = process.communicate(timeout=allowed(30))
    assert process.returncode == 0, log
    assert not file.exists()


def test_serve_names_a_port_that_it_can_not_have(tmp_path, capsys, connection_file):
    port = json.loads(connection_file.read_text())["port"]
    assert main(["serve", "--port", str(port), "--connection-file", str(tmp_path / "c.json")]) == 1
    assert "choose another port" in capsys.readouterr().err
