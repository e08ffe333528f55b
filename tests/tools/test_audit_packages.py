"""The audit of pinned packages: every pin is asked about, and no answer is never taken for a good one."""

from __future__ import annotations

import pytest

from build_addon import LOCK
from tools import audit_packages
from tools.lock_requirements import LISTS

TOLD = {
    "dependencies": [
        {"name": "numpy", "version": "2.4.6", "vulns": []},
        {
            "name": "av",
            "version": "18.1.0",
            "vulns": [{"id": "PYSEC-1", "fix_versions": ["18.2"]}, {"id": "X-2", "fix_versions": []}],
        },
        {"name": "torch", "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.13.0)"},
    ],
    "fixes": [],
}


def test_every_pin_of_every_list_is_asked_about_once_and_by_its_public_version():
    wanted = audit_packages.pins([LOCK, *LISTS.glob("*.txt")])
    names = {name for name, _ in wanted}
    assert {"torch", "numpy", "opencv-python-headless", "pyzmq", "msgpack", "safetensors"} <= names
    assert not [version for _, version in wanted if "+" in version]
    parts = list(audit_packages.rounds(wanted))
    assert sorted(pin for part in parts for pin in part) == sorted(wanted)
    assert all(len({name for name, _ in part}) == len(part) for part in parts)


def test_advisories_and_packages_without_an_answer_are_told():
    answer = audit_packages.read(TOLD)
    assert answer.advisories == ("av 18.1.0: PYSEC-1, mended in 18.2", "av 18.1.0: X-2, mended in none")
    assert answer.unknown == ("Dependency not found on PyPI and could not be audited: torch (2.13.0)",)


@pytest.mark.parametrize(("kept", "code"), [([0], 0), ([0, 1], 1), ([0, 2], 1), ([], 1)])
def test_only_answers_without_advisories_are_a_success(monkeypatch, capsys, kept, code):
    """[] stands for a service that can't be reached."""

    def ask(part, service):
        if not kept:
            raise audit_packages.AuditError("The service pypi can't be asked; nothing was audited.")
        return audit_packages.read({"dependencies": [TOLD["dependencies"][index] for index in kept]})

    monkeypatch.setattr(audit_packages, "ask", ask)
    assert audit_packages.main([]) == code
    assert ("nothing was audited" in capsys.readouterr().err) == (not kept)


@pytest.mark.slow
def test_a_service_that_cant_be_reached_is_a_sentence_and_no_success(monkeypatch, tmp_path):
    """Nothing listens at the proxy; where the auditor isn't installed, the sentence is the same with another reason."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(audit_packages.AuditError, match=r"can't be asked .*nothing was audited"):
        audit_packages.ask([("numpy", "2.4.6")], "osv")
