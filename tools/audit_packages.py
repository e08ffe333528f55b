"""Asks for known security advisories on everything that is pinned: the add-on's wheels and every list of Set Up Backend.

    pip install '.[release]' && python -m tools.audit_packages [--service pypi|osv]

Exit code 0 only where a service answered for every package and knows nothing against it. It needs the network: the package
index' own service, or osv.dev.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build_addon import LOCK
from tools.lock_requirements import LISTS

SERVICES = ("pypi", "osv")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", re.MULTILINE)
_LIMIT_S = 600.0

Pin = tuple[str, str]


class AuditError(Exception):
    """There is no answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said: advisories as lines, and packages that it said nothing about, with its reason."""

    advisories: tuple[str, ...]
    unknown: tuple[str, ...]


def pins(files: Iterable[Path]) -> set[Pin]:
    """Names and versions in lists of pinned packages; a local version, such as +cpu, is known by its public one."""
    return {
        (name, version.partition("+")[0]) for file in files for name, version in _PIN.findall(file.read_text(encoding="utf-8"))
    }


def rounds(wanted: set[Pin]) -> Iterator[list[Pin]]:
    """The same in parts in which each name comes once, as the auditor takes them."""
    left = sorted(wanted)
    while left:
        part = dict(reversed(left))
        yield sorted(part.items())
        left = [pin for pin in left if part[pin[0]] != pin[1]]


def ask(part: list[Pin], service: str) -> Answer:
    """What a service knows; raises AuditError where it can't be asked."""
    with tempfile.TemporaryDirectory() as folder:
        listed, told = Path(folder) / "packages.txt", Path(folder) / "told.json"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in part), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", service, "--disable-pip", "--no-deps"]
        command += ["--progress-spinner", "off", "--format", "json", "--output", str(told), "--requirement", str(listed)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise AuditError(f"The service {service} did not answer within {_LIMIT_S:g} s; try again, or another one.") from error
        if not told.is_file():
            last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            raise AuditError(f"The service {service} can't be asked ({last[:300]}); nothing was audited.")
        return read(json.loads(told.read_text(encoding="utf-8")))


def read(told: dict[str, Any]) -> Answer:
    """What the auditor's JSON says."""
    packages = told["dependencies"]
    advisories = [
        f"{package['name']} {package['version']}: {advisory['id']}, mended in {', '.join(advisory['fix_versions']) or 'none'}"
        for package in packages
        for advisory in package.get("vulns", ())
    ]
    return Answer(tuple(advisories), tuple(package["skip_reason"] for package in packages if "skip_reason" in package))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Look for known advisories on all pinned packages.")
    parser.add_argument("--service", choices=SERVICES, default=SERVICES[0])
    service = parser.parse_args(arguments).service
    wanted = pins([LOCK, *sorted(LISTS.glob("*.txt"))])
    try:
        answers = [ask(part, service) for part in rounds(wanted)]
    except AuditError as error:
        print(error, file=sys.stderr)
        return 1
    advisories = [line for answer in answers for line in answer.advisories]
    unknown = [line for answer in answers for line in answer.unknown]
    print(f"{len(wanted)} packages asked about, {len(wanted) - len(unknown)} answered for, {len(advisories)} advisories.")
    print(*advisories, *(f"not audited: {reason}" for reason in unknown), sep="\n", end="\n" if advisories or unknown else "")
    return int(bool(advisories or unknown))


if __name__ == "__main__":
    sys.exit(main())
