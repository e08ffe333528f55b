"""Builds everything that a release consists of into dist/: zips, the static repository, checksums, notes.

    python -m tools.release

    dist/ipoke-<version>-<platform>.zip    the add-on with its backend, for each platform
    dist/repository/                       the same with index.json, to be put on a web server
    dist/SHA256SUMS                        checked with `sha256sum -c`
    dist/NOTES.md                          this version's part of CHANGELOG.md, with the checksums of the zips

The same sources give the same bytes. The wheels that are packed come from the package index, once.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

import build_addon
from build_addon import BuildError
from tools.build_backend import WheelError

CHANGELOG = build_addon.ROOT / "CHANGELOG.md"
UNRELEASED = "Unreleased"


class NotesError(Exception):
    """The changelog says nothing about this version; the text says what to do."""


def release() -> list[Path]:
    """Build everything; returns the files. Raises `NotesError` before anything is built, `BuildError` or `WheelError`."""
    dist = build_addon.DIST
    version = build_addon.version()
    changes = changes_of(version, CHANGELOG.read_text(encoding="utf-8"))
    index = build_addon.build_repository(dist / "repository")
    listed = json.loads(index.read_text(encoding="utf-8"))["data"]
    names = [Path(entry["archive_url"]).name for entry in listed if entry["id"] == build_addon.ID]
    zips = [dist / name for name in sorted(names)]
    sums, notes = dist / "SHA256SUMS", dist / "NOTES.md"
    packed = [*zips, *(index.parent / path.name for path in zips), index]
    sums.write_text("".join(f"{_sha256(path)}  {path.relative_to(dist).as_posix()}\n" for path in packed), encoding="utf-8")
    rows = "".join(f"| {path.name} | {path.stat().st_size / 1e6:.0f} MB | `{_sha256(path)}` |\n" for path in zips)
    notes.write_text(f"{changes}\n\n| file | size | SHA-256 |\n|---|---|---|\n{rows}", encoding="utf-8")
    return [*packed, sums, notes]


def changes_of(version: str, changelog: str) -> str:
    """Return a version's section of the changelog with a heading; that of what is not released, where it has none yet."""
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL))
    if version in sections:
        return f"# {version}\n\n{sections[version].strip()}"
    if UNRELEASED in sections:
        return f"# {version}, not released yet\n\n{sections[UNRELEASED].strip()}"
    raise NotesError(f"CHANGELOG.md has neither a section {version} nor {UNRELEASED}; write what changed under one of them.")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        made = release()
    except (NotesError, BuildError, WheelError) as error:
        print(error, file=sys.stderr)
        return 1
    print(*made, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
