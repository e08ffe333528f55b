"""What documents point to is there: pages, headings, pictures, sources and commands."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_imports import PROJECT

TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0")
PAGES = sorted(PROJECT / name for name in TRACKED if name.endswith(".md") and (PROJECT / name).is_file())
WRITTEN = [page for page in PAGES if "weights" not in page.parts and "tests" not in page.parts]
CITING = [PROJECT / name for name in TRACKED if name.endswith((".md", ".py", "Makefile")) and (PROJECT / name).is_file()]
LONGEST, WIDEST = 200, 130
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*src=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_COMMAND = re.compile(r"python3? (?:-P )?-m ((?:tests|benchmarks|tools|backend|ipoke_\w+)(?:\.\w+)*)")


def prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Names of a page's headings, as those who show Markdown make them."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        found.add(next(each for each in (name, *(f"{name}-{n}" for n in range(1, 99))) if each not in found))
    return found


def broken_links(page: Path) -> Iterator[str]:
    for link in (first or second for first, second in _LINK.findall(prose(page))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and anchor not in anchors(target):
            yield f"{link}: {target.name} has no such heading"


def wide_lines(page: Path) -> list[int]:
    """Numbers of the lines that are wider than the sources'; tables and pictures can't be wrapped."""
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    return [number for number, line in lines if len(line) > WIDEST and not line.lstrip().startswith(("|", "![", "["))]


def is_module(name: str) -> bool:
    path = PROJECT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_of_a_page_leads_somewhere(page):
    assert not list(broken_links(page))


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(PROJECT)))
def test_a_page_is_short_and_wrapped(page):
    assert not wide_lines(page)
    assert len(page.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_a_link_to_a_page_or_a_heading_that_is_not_there_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One `word`, two\n[a](#one-word-two) [b](#two) [c](other.md) [d](https://example.org)\n```\n[e](f.md)\n```\n"
    )
    assert list(broken_links(page)) == ["#two: page.md has no such heading", "other.md: there is no such file"]


def test_every_command_that_is_cited_is_there():
    cited = {(name, path) for path in CITING for name in _COMMAND.findall(path.read_text(encoding="utf-8", errors="replace"))}
    assert cited
    assert not [f"{path.relative_to(PROJECT)} cites {name}" for name, path in sorted(cited) if not is_module(name)]
