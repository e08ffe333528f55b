"""Over a whole run, no process of the product unpickles anything, runs text as code, or starts a shell."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv

import pytest

from tests.machine import allowed

from .conftest import MODEL, PROJECT

# Runs first in every Python process of the run. Imports run code too, called by Python's own importer, not by the product.
HOOK = """
import os, sys
NOTES, PROJECT = os.environ["AUDIT_NOTES"], os.environ["AUDIT_PROJECT"]
def hook(event, arguments):
    if event in ("pickle.find_class", "os.system", "exec", "compile", "subprocess.Popen"):
        frame = sys._getframe(0).f_back
        caller = frame.f_code.co_filename if frame is not None else ""
        ours = caller.startswith(PROJECT) and os.sep + ".venv" + os.sep not in caller
        told = ""
        if event in ("pickle.find_class", "os.system") or (ours and event in ("exec", "compile")):
            told = f"{event} by {caller}"
        if event == "subprocess.Popen":
            told = f"program {os.path.basename(str(arguments[0]))}"
        if told:
            descriptor = os.open(NOTES, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(descriptor, (told + "\\n").encode())
            os.close(descriptor)
sys.addaudithook(hook)
"""


@pytest.fixture
def audited(tmp_path):
    """Run a command of an environment whose every process is under the hook; returns what was noted.

    The environment has the packages of this one, and its own sitecustomize, since children inherit no PYTHONPATH.
    """
    venv.create(tmp_path / "hooked", symlinks=True)
    (packages,) = (tmp_path / "hooked").glob("lib/python*/site-packages")
    (packages / "sitecustomize.py").write_text(HOOK)
    (packages / "those.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    notes = tmp_path / "notes"

    def run(*words: str) -> list[str]:
        notes.write_text("")
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "AUDIT_NOTES": str(notes), "AUDIT_PROJECT": str(PROJECT)}
        command = (str(tmp_path / "hooked" / "bin" / "python"), *words)
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=allowed(110), check=False
        )
        assert done.returncode == 0, done.stderr
        return notes.read_text().splitlines()

    return run


def test_nothing_is_unpickled_run_as_text_or_given_to_a_shell(audited, still, tmp_path):
    image = still("photo.jpg", 160, 120)
    words = ("poke", str(image), "--poke", "0.5,0.4:0.6,0.3", "--samples", "1", "--model", MODEL, "-o", "out")
    noted = audited("-P", "-m", "backend", *words)
    assert set(noted) == {"program python"}, noted
    assert len(noted) >= 2, "the hook has not seen front and worker start"


def test_the_hook_sees_what_it_is_for(audited):
    code = "import os, pickle; pickle.loads(pickle.dumps(os.getcwd)); os.system('true')"
    noted = audited("-c", code)
    assert [line.split()[0] for line in noted] == ["pickle.find_class", "os.system"]
