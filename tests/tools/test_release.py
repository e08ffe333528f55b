"""`make release`: everything of a version lies in dist/, the sums are of what lies there, the notes are the changelog's."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import build_addon
from backend.protocol.version import PRODUCT_VERSION
from tests.addon.test_build import MANIFEST, wheels_from_memory  # noqa: F401
from tools import release
from tools.release import NotesError, changes_of

CHANGELOG = "# Changes\n\nWords.\n\n## Unreleased\n\n* new\n\n## 1.2.0\n\n* old\n* older\n\n## The wire\n\n| 1 |\n"


@pytest.fixture
def made(wheels_from_memory) -> list[str]:  # noqa: F811
    return [path.relative_to(build_addon.DIST).as_posix() for path in release.release()]


def test_a_release_has_a_zip_for_each_platform_the_repository_sums_and_notes(made):
    zips = {f"ipoke-{PRODUCT_VERSION}-{platform}.zip" for platform in MANIFEST["platforms"]}
    assert set(made) == zips | {f"repository/{name}" for name in zips} | {"repository/index.json", "SHA256SUMS", "NOTES.md"}
    assert all((build_addon.DIST / name).is_file() for name in made)
    notes = (build_addon.DIST / "NOTES.md").read_text()
    assert notes.startswith(f"# {PRODUCT_VERSION}")
    assert all(name in notes for name in zips)


@pytest.mark.skipif(sys.platform == "win32", reason="sha256sum is not part of Windows")
def test_the_sums_are_those_of_the_files_and_a_changed_file_is_noticed(made):
    command = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=build_addon.DIST, check=False).returncode == 0
    index = build_addon.DIST / "repository/index.json"
    index.write_text(json.dumps({}))
    assert subprocess.run(command, cwd=build_addon.DIST, capture_output=True, check=False).returncode == 1


def test_the_same_sources_give_the_same_release(made):
    before = {name: (build_addon.DIST / name).read_bytes() for name in made}
    release.release()
    assert {name: (build_addon.DIST / name).read_bytes() for name in made} == before


def test_notes_are_the_versions_own_part_of_the_changelog():
    assert changes_of("1.2.0", CHANGELOG) == "# 1.2.0\n\n* old\n* older"
    assert changes_of("1.3.0", CHANGELOG) == "# 1.3.0, not released yet\n\n* new"
    with pytest.raises(NotesError, match=r"neither a section 1\.3\.0 nor Unreleased"):
        changes_of("1.3.0", "# Changes\n")


def test_a_release_without_notes_builds_nothing_and_says_so(wheels_from_memory, tmp_path, monkeypatch, capsys):  # noqa: F811
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n")
    monkeypatch.setattr(release, "CHANGELOG", tmp_path / "CHANGELOG.md")
    assert release.main() == 1
    assert "CHANGELOG.md has neither" in capsys.readouterr().err
    assert not build_addon.DIST.exists()
