"""Locks what the add-on's Set Up Backend installs: a list of pinned, hashed wheels for each platform, device and Python.

    pip install '.[release]' && python -m tools.lock_requirements

uv resolves the project's dependencies for all platforms at once; each list names the wheels of one, so that the files that
are there are the choices that the add-on has.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from build_addon import PLATFORMS, SOURCE, WHEEL_TAGS

ROOT = Path(__file__).resolve().parents[1]
LISTS = SOURCE / "environment"
PYTHONS = ("3.11", "3.13")  # those of Blender's releases

# PyTorch for the processor of Linux, which PyTorch's own index has and the package index has not. Hashes and size are of
#     pip download --no-deps --only-binary :all: --python-version 3.11 torch==2.13.0+cpu \
#         --index-url https://download.pytorch.org/whl/cpu
TORCH_CPU = "2.13.0+cpu"
TORCH_CPU_BYTES = 191_794_682  # of the file for 3.11; the other is about as large
TORCH_CPU_SHA256 = {
    "3.11": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
    "3.13": "3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6",
}
CUDA_PARTS = ("nvidia-", "cuda-", "triton")


@dataclass(frozen=True, slots=True)
class Target:
    """What one list is for: `platform.system()`, `platform.machine()`, a device, a Python."""

    system: str
    machine: str
    device: str
    python: str

    @property
    def file(self) -> Path:
        """Where its list is."""
        return LISTS / f"{self.system}-{self.machine}-{self.device}-{self.python}.txt".lower()

    @property
    def markers(self) -> dict[str, str]:
        """The environment that conditions of requirements are judged in."""
        return {
            "sys_platform": {"Linux": "linux", "Windows": "win32", "Darwin": "darwin"}[self.system],
            "os_name": "nt" if self.system == "Windows" else "posix",
            "platform_system": self.system,
            "platform_machine": self.machine,
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "implementation_name": "cpython",
        }

    def takes(self, tag: Tag) -> bool:
        """Tell whether a wheel with this tag runs there."""
        platforms = WHEEL_TAGS[PLATFORMS[(self.system, self.machine)]]
        if tag.platform != "any" and not platforms.fullmatch(tag.platform):
            return False
        own = f"cp{self.python.replace('.', '')}"
        oldest = tag.interpreter.removeprefix("cp3")
        stable = tag.abi == "abi3" and oldest.isdigit() and int(oldest) <= int(self.python.split(".")[1])
        return tag.interpreter == "py3" or tag.abi == own or stable


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file of the package index."""

    sha256: str
    size_bytes: int
    tags: frozenset[Tag]


Wheels = dict[tuple[str, str], list[Wheel]]

# There is no PyTorch for Intel Macs any more, and none with CUDA for Windows on the package index.
TARGETS = tuple(
    Target(*where, python)
    for where in (
        ("Linux", "x86_64", "cpu"),
        ("Linux", "x86_64", "cuda"),
        ("Windows", "AMD64", "cpu"),
        ("Darwin", "arm64", "cpu"),
    )
    for python in PYTHONS
)


def resolve() -> tuple[list[Requirement], Wheels]:
    """Return the pins of all platforms, with their conditions, and the wheels of each name and version."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
        (project / "README.md").touch()
        (project / "LICENSE").touch()
        uv = [sys.executable, "-m", "uv", "--quiet", "--project", folder]
        subprocess.run([*uv, "lock"], check=True)
        export = [*uv, "export", "--frozen", "--no-hashes", "--no-emit-project", "--no-annotate", "--no-header"]
        exported = subprocess.run(export, check=True, capture_output=True, text=True).stdout
        lock = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))
    wheels = {(package["name"], package["version"]): list(_wheels(package.get("wheels", ()))) for package in lock["package"]}
    lines = [line for line in exported.splitlines() if line and not line.startswith(("#", "-"))]
    return [Requirement(line) for line in lines], wheels


def _wheels(entries: list[dict[str, object]]) -> Iterator[Wheel]:
    for entry in entries:
        name = str(entry["url"]).rsplit("/", 1)[1].replace("%2B", "+")
        yield Wheel(str(entry["hash"]).removeprefix("sha256:"), int(str(entry["size"])), parse_wheel_filename(name)[3])


def listed(target: Target, pins: list[Requirement], wheels: Wheels) -> str:
    """Return the text of a target's list: what it takes to download, and each wheel with its hashes."""
    lines, total = [], 0
    for pin in pins:
        if pin.marker is not None and not pin.marker.evaluate(target.markers):
            continue
        if target.device == "cpu" and pin.name.startswith(CUDA_PARTS):
            continue
        version, size, hashes = _locked(target, pin, wheels)
        total += size
        lines += [f"{pin.name}=={version} \\", *(f"    --hash=sha256:{sha256} \\" for sha256 in hashes)]
        lines[-1] = lines[-1].removesuffix(" \\")
    return "\n".join(["# Made by tools/lock_requirements.py.", f"# bytes: {total}", *lines]) + "\n"


def _locked(target: Target, pin: Requirement, wheels: Wheels) -> tuple[str, int, list[str]]:
    """Return a pin's version, the size of its wheel for the target, and the hashes that its wheel may have."""
    version = str(pin.specifier).removeprefix("==")
    if pin.name == "torch" and (target.system, target.device) == ("Linux", "cpu"):
        if f"{version}+cpu" != TORCH_CPU:
            raise SystemExit(f"The project takes torch {version}; bring TORCH_CPU in {Path(__file__).name} up to date.")
        return TORCH_CPU, TORCH_CPU_BYTES, [TORCH_CPU_SHA256[target.python]]
    found = [wheel for wheel in wheels[(pin.name, version)] if any(target.takes(tag) for tag in wheel.tags)]
    if not found:
        raise SystemExit(f"{pin.name} {version} has no wheel for {target.system} {target.machine} and Python {target.python}.")
    return version, max(wheel.size_bytes for wheel in found), sorted(wheel.sha256 for wheel in found)


def main() -> None:
    """Write every list."""
    pins, wheels = resolve()
    LISTS.mkdir(exist_ok=True)
    for target in TARGETS:
        text = listed(target, pins, wheels)
        target.file.write_text(text, encoding="utf-8", newline="\n")
        size = re.search(r"bytes: (\d+)", text)
        assert size is not None
        print(f"{target.file.name}: {int(size[1]) / 1e6:.0f} MB to download")


if __name__ == "__main__":
    main()
