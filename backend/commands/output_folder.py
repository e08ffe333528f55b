"""Owns where a command writes its files: only what is ours is replaced, and finished work is never thrown away.

A new folder is made beside its place under a hidden name and appears whole. In a folder that is there already, the hidden
folder lies inside, so that a mounted volume, a link or `.` stay what they are, and its files are moved out one by one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..client.owned import MANIFEST, is_result_name, is_sealed, is_unchanged, manifest_of, move_new
from ..client.results import write_atomically
from .errors import UsageError
from .names import is_reserved, numbered

_PROBE, _PROBE_BYTES = "probe", 4096


def open_output(target: Path, names: Collection[str], *, replace: bool) -> OutputFolder:
    """Where to write `names`, files and folders that belong at the top of `target`.

    `replace` lets files of an earlier result of ours go. Raises UsageError for a place that can't be written, or where
    something lies that must stay.
    """
    if os.name == "nt" and is_reserved(target.name):
        raise UsageError(f"{target} is a device on Windows; choose another folder with -o.")
    try:
        if not os.path.lexists(target):
            return _NewFolder(target)
        if target.is_symlink() and not target.exists():
            raise UsageError(f"{target} is a link to a folder that is not there; make that folder, or choose another with -o.")
        if not target.is_dir():
            raise UsageError(f"{target} is a file; choose a folder with -o.")
        return _FolderInPlace(target, names, replace=replace)
    except OSError as error:
        raise UsageError(f"{target} can't be written ({error.strerror}); choose another folder with -o.") from error


class OutputFolder(ABC):
    """A hidden working folder, whose files come to their place at the end."""

    def __init__(self, target: Path, near: Path) -> None:
        """Make the working folder in `near` and try to write there; raises OSError."""
        self._target = target.absolute()
        self._work = near / f".ipoke-{secrets.token_hex(6)}"
        self._work.mkdir()
        try:
            write_atomically(self._work / _PROBE, bytes(_PROBE_BYTES))
            (self._work / _PROBE).unlink()
        except OSError:
            self.close()
            raise

    @property
    def work(self) -> Path:
        """Where to write."""
        return self._work

    @abstractmethod
    def keep(self) -> Path:
        """Bring what was written to its place and return that; raises OSError or UsageError, and the work is as before."""

    def set_aside(self) -> Path:
        """Leave what was written near its place, in sight; returns the folder."""
        visible = self._work.with_name(self._work.name.removeprefix("."))
        with contextlib.suppress(OSError):
            self._work.rename(visible)
            return visible
        return self._work

    def close(self) -> None:
        """Leave no hidden folder behind: what is still in it is set aside."""
        _remove_empty(self._work)
        self.set_aside()


class _NewFolder(OutputFolder):
    def __init__(self, target: Path) -> None:
        absolute = target.absolute()
        near = next(parent for parent in absolute.parents if parent.is_dir())
        _make_and_remove([*reversed(absolute.relative_to(near).parents[:-1]), absolute.relative_to(near)], near)
        super().__init__(target, near)

    def keep(self) -> Path:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        return next(folder for folder in numbered(self._target) if self._becomes(folder))

    def _becomes(self, folder: Path) -> bool:
        """Give the working folder this name; False when somebody has it."""
        try:
            if os.name != "nt":  # where a rename alone takes the place of somebody's empty folder
                folder.mkdir()
            self._work.rename(folder)
        except FileExistsError:
            return False
        return True


class _FolderInPlace(OutputFolder):
    def __init__(self, target: Path, names: Collection[str], *, replace: bool) -> None:
        self._names = names
        self._replace = replace
        _earlier(target, names, replace=replace)
        super().__init__(target, target.absolute())

    def keep(self) -> Path:
        earlier = _earlier(self._target, self._names, replace=self._replace)
        before = self._work.with_name(f"{self._work.name}-before")
        moved: list[tuple[Path, Path]] = []
        try:
            self._move(self._target, before, [*earlier, *([MANIFEST] if earlier else [])], moved)
            _refuse_changed(before, earlier, self._target)  # where nobody can reach them any more
            self._move(self._work, self._target, _files_below(self._work), moved)
        except (OSError, UsageError):
            for source, destination in reversed(moved):
                with contextlib.suppress(OSError):
                    move_new(destination, source)
            _remove_empty(before)
            raise
        for path in (destination for _, destination in moved if destination.is_relative_to(before)):
            path.unlink(missing_ok=True)
        _remove_empty(before)
        _remove_empty(self._work)
        for folder in {(self._target / name).parent for name in earlier} - {self._target}:
            with contextlib.suppress(OSError):
                folder.rmdir()
        return self._target

    @staticmethod
    def _move(source: Path, destination: Path, names: Iterable[str], moved: list[tuple[Path, Path]]) -> None:
        """Move files that are there, the manifest last; what was moved is added to `moved`."""
        for name in sorted(names, key=lambda name: name == MANIFEST):
            if os.path.lexists(source / name):
                (destination / name).parent.mkdir(parents=True, exist_ok=True)
                move_new(source / name, destination / name)
                moved.append((source / name, destination / name))


def _earlier(target: Path, names: Collection[str], *, replace: bool) -> dict[str, str]:
    """The manifest of an earlier result that gives way; raises UsageError where something must stay that is in the way."""
    manifest = manifest_of(target)
    if manifest and not replace:
        raise UsageError(f"{target} holds an earlier result; replace it with --replace, or choose another folder with -o.")
    if os.path.lexists(target / MANIFEST) and not is_sealed(target):
        raise _stays(target / MANIFEST)
    _refuse_changed(target, manifest, target)
    for name in _in_the_way(target, names):
        if name not in manifest:
            raise _stays(target / name)
    return manifest


def _refuse_changed(folder: Path, manifest: Mapping[str, str], target: Path) -> None:
    """Refuse to replace a file of ours, now in `folder` and before in `target`, that is not as it was written."""
    for name, sha256 in manifest.items():
        if os.path.lexists(folder / name) and not is_unchanged(folder, name, sha256):
            raise _stays(target / name)
    if manifest and os.path.lexists(folder / MANIFEST) and not is_sealed(folder):
        raise _stays(target / MANIFEST)


def _stays(path: Path) -> UsageError:
    return UsageError(f"{path} is not as this version wrote it, and stays; choose another folder with -o.")


def _in_the_way(target: Path, names: Collection[str]) -> Iterator[str]:
    """What lies where files of ours may come."""
    for name in names:
        path = target / name
        if name == MANIFEST or not os.path.lexists(path):
            continue
        if is_result_name(name) or path.is_symlink() or not path.is_dir():
            yield name
        else:
            yield from (below for file in path.iterdir() if is_result_name(below := f"{name}/{file.name}"))


def _files_below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()]


def _make_and_remove(folders: Sequence[Path], near: Path) -> None:
    """Try to make folders, the outer ones first, and leave none of them."""
    made: list[Path] = []
    try:
        for folder in folders:
            (near / folder).mkdir()
            made.append(near / folder)
    finally:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir()


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those in it, as far as there are no files in them."""
    for inside in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        with contextlib.suppress(OSError):
            inside.rmdir()
    with contextlib.suppress(OSError):
        folder.rmdir()
