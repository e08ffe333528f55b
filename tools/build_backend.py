"""Builds the backend's own wheel, which the add-on carries so that Set Up Backend has the one that fits it.

    python -m tools.build_backend         .cache/backend/<digest>/ipoke-<version>-py3-none-any.whl

The same sources give the same bytes; a wheel that is there already is not built again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "backend"
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "backend", "ipoke_body", "ipoke_media", "ipoke_models", "ipoke_values")
FIXED_TIME_S = "315532800"  # 1980-01-01, the first moment that a zip can name


class WheelError(Exception):
    """The wheel can't be built; the text says why and what to do."""


def backend_wheel() -> Path:
    """Return the wheel of the sources as they are; raises `WheelError`."""
    folder = CACHE / _digest()
    found = next(folder.glob("*.whl"), None)
    return found or _built(folder)


def _digest() -> str:
    digest = hashlib.sha256()
    for path in _files():
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files() -> list[Path]:
    inside = (path for name in SOURCES for path in ((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name]))
    return sorted(path for path in inside if path.is_file() and "__pycache__" not in path.parts)


def _built(target: Path) -> Path:
    """Build in a copy: setuptools leaves folders behind, and would pack what lies in them the next time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        copy, made = Path(folder) / "sources", Path(folder) / "made"
        for path in _files():
            place = copy / path.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            place.chmod(0o644)  # the wheel keeps it
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(made), str(copy)]
        done = subprocess.run(command, env={**os.environ, "SOURCE_DATE_EPOCH": FIXED_TIME_S}, check=False)
        if done.returncode:
            raise WheelError("The backend's wheel can't be built; see pip's words above, and check the network.")
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    return next(target.glob("*.whl"))


if __name__ == "__main__":
    print(backend_wheel())
