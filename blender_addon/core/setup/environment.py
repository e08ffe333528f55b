"""The managed environment: which lists of packages there are, where it lies, how each step of making it is run. No bpy.

The folder of managed environments holds one folder for each attempt, a file that names the one that works, and while there is
more than that, a file that names all that were made. Only folders that are named there are ever removed. The file that names
the one that works is written last and replaced in one go, so an environment is either whole or not there.

What pip installs depends on the list alone: it reads neither its environment variables nor its configuration, and wheels of a
folder are copied to where only the user may write before their hashes are checked. Proxies of the system stay.
"""

from __future__ import annotations

import platform
import re
import shutil
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..._vendor.client.results import write_atomically
from ..errors import SetupError

CURRENT = "current"
MADE = "made"
LOG = "setup.log"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
DISK_FOR_EACH_BYTE = 5  # the archive, and what comes out of it: 3.7 times as much (docs/setup.md)
_WINDOWS = sys.platform == "win32"
_LIST_NAME = re.compile(r"(?P<system>.+)-(?P<device>cpu|cuda)-(?P<python>\d\.\d+)\.txt")
_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")
_TIDY = """
import pathlib, re, shutil, sys
root = pathlib.Path(sys.argv[1])
current, made = root / sys.argv[2], root / sys.argv[3]
kept = current.read_text().strip() if current.is_file() else ""
named = [name for name in made.read_text().split() if re.fullmatch("[0-9A-Za-z_-]+([.]tmp)?", name)] if made.is_file() else []
for name in named:
    if name != kept and not (root / name).is_symlink():
        shutil.rmtree(root / name, ignore_errors=True)
left = [name for name in named if name != kept and (root / name).is_dir() and not (root / name).is_symlink()]
if left:
    made.write_text("".join(name + chr(10) for name in left))
else:
    made.unlink(missing_ok=True)
"""
_PIP = """
import os, runpy, sys
for name in [name for name in os.environ if name.upper().startswith(("PIP_", "PYTHON"))]:
    del os.environ[name]
os.environ["PIP_CONFIG_FILE"] = os.devnull
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
_COPY = r"""
import hashlib, os, pathlib, re, shutil, sys
listed, wheels, private = map(pathlib.Path, sys.argv[1:4])
del sys.argv[1:4]
os.umask(0o077)
private.mkdir(mode=0o700, parents=True)
text = listed.read_text(encoding="utf-8")
pins, hashes = set(re.findall(r"(?m)^[^#\s=]+==[^\s=]+", text)), set(re.findall("sha256:([0-9a-f]{64})", text))
right, wrong = set(), {}
for wheel in sorted(wheels.glob("*.whl")):
    name, _, rest = wheel.name.partition("-")
    pin = re.sub("[-_.]+", "-", name).lower() + "==" + rest.partition("-")[0]
    if pin not in pins or not wheel.is_file():
        continue
    copy = pathlib.Path(shutil.copyfile(wheel, private / wheel.name))
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest in hashes:
        right.add(pin)
    else:
        copy.unlink()
        wrong[pin] = wheel
for pin in wrong.keys() - right:
    sys.exit(f"ERROR: {wrong[pin]} has none of the hashes that {pin} may have; get it again.")
"""


class Device(Enum):
    """What the models are to run on."""

    CPU = "cpu"
    CUDA = "cuda"


class Step(Enum):
    """One child process of making an environment; the value says what it does."""

    CREATE = "Creating the environment"
    FETCH = "Getting the packages"
    INSTALL = "Installing the backend"
    CHECK = "Checking"
    TIDY = "Removing what is left over"


@dataclass(frozen=True, slots=True)
class PackageList:
    """A file of pinned and hashed packages: for what it is, and how many bytes are to be downloaded."""

    file: Path
    system: str
    device: Device
    python: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """An environment to be made: with which Python, from which list, in which folder below `root`.

    With `wheels`, a folder, everything comes from there and nothing from the network. `backend` is the wheel of the backend
    itself, which the add-on brings along.
    """

    python: Path
    packages: PackageList
    backend: Path
    root: Path
    name: str
    wheels: Path | None = None

    @property
    def folder(self) -> Path:
        """Where the environment is made, and stays."""
        return self.root / self.name

    @property
    def downloads(self) -> Path:
        """Where archives are while they are needed."""
        return self.root / f"{self.name}.tmp"

    @property
    def private(self) -> Path:
        """Where wheels of a folder are copied to."""
        return self.downloads / "wheels"


def package_lists(folder: Path) -> tuple[PackageList, ...]:
    """Return the lists in a folder."""
    return tuple(_read(file) for file in sorted(folder.glob("*.txt")))


def _read(file: Path) -> PackageList:
    named, size = _LIST_NAME.fullmatch(file.name), re.search(r"^# bytes: (\d+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    if named is None or size is None:
        raise SetupError(f"{file} is no list of packages; install the add-on again.")
    return PackageList(file, named["system"], Device(named["device"]), named["python"], int(size[1]))


def this_system() -> str:
    """Return this platform as the lists name it, such as linux-x86_64."""
    return f"{platform.system()}-{platform.machine()}".lower()


def chosen(lists: tuple[PackageList, ...], system: str, device: Device, python: str) -> PackageList:
    """Return the list for a platform, a device and a Python such as 3.11; raises `SetupError`."""
    here = [known for known in lists if known.system == system]
    if not here:
        sentence = "There is no PyTorch for this machine; set Connection File to a backend on another one."
        raise SetupError(sentence)
    fitting = [known for known in here if known.python == python]
    if not fitting:
        wanted = " or ".join(sorted({known.python for known in here}))
        raise SetupError(
            f"Python {wanted} is needed, this is {python}; name another Python, such as python3.13, in the field Python."
        )
    for known in fitting:
        if known.device is device:
            return known
    raise SetupError("There is no list of packages with CUDA for this platform; choose the processor, or use an environment.")


def check_room(plan: Plan) -> None:
    """Raise `SetupError` when the environment won't fit on the disk."""
    needed, free = plan.packages.size_bytes * DISK_FOR_EACH_BYTE, shutil.disk_usage(plan.root).free
    if free < needed:
        sentence = f"{needed / 1e9:.1f} GB are needed on the disk of {plan.root}, {free / 1e9:.1f} GB are free; make room."
        raise SetupError(sentence)


def command(plan: Plan, step: Step) -> list[str]:
    """Return the command of a step."""
    python = [str(python_of(plan.folder)), "-I"]
    pip = ["install", "--isolated", "--no-deps", "--no-compile", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    match step:
        case Step.CREATE:
            return [str(plan.python), "-I", "-m", "venv", str(plan.folder)]
        case Step.FETCH:
            locked = ["--only-binary", ":all:", "--require-hashes", "-r", str(plan.packages.file)]
            if plan.wheels is None:
                return [*python, "-c", _PIP, *pip, *_index(plan.packages), *locked]
            places = [str(plan.packages.file), str(plan.wheels), str(plan.private)]
            return [*python, "-c", _COPY + _PIP, *places, *pip, "--no-index", "--find-links", str(plan.private), *locked]
        case Step.INSTALL:
            return [*python, "-c", _PIP, *pip, "--no-index", str(plan.backend)]
        case Step.CHECK:
            return [*python, "-m", "backend", "models"]
        case Step.TIDY:
            return [str(plan.python), "-I", "-c", _TIDY, str(plan.root), CURRENT, MADE]


def torch_index(packages: PackageList) -> str | None:
    """Return the index that a list needs beside the common one, which has no PyTorch for the processor of Linux."""
    return TORCH_INDEX if packages.device is Device.CPU and packages.system.startswith("linux") else None


def _index(packages: PackageList) -> list[str]:
    index = torch_index(packages)
    return [] if index is None else ["--extra-index-url", index]


def begin(plan: Plan) -> None:
    """Note what an attempt makes in the folder of environments, before it makes it; raises `OSError`."""
    made = plan.root / MADE
    before = made.read_text(encoding="utf-8").split() if made.is_file() else []
    managed = _managed(plan.root)
    names = [*before, *([] if managed is None else [managed.name]), plan.folder.name, plan.downloads.name]
    write_atomically(made, "".join(f"{name}\n" for name in dict.fromkeys(names)).encode())
    plan.downloads.mkdir(mode=0o700)


def downloaded_bytes(plan: Plan) -> int:
    """Return how much of the archives is there. There are a few dozen files to look at, none of which is read."""
    total = 0
    for archive in plan.downloads.glob("*/*.whl"):
        try:
            total += archive.stat().st_size
        except OSError:
            continue  # it was needed no longer
    return total


def adopt(plan: Plan) -> None:
    """Make the finished environment the one that counts; raises `OSError`."""
    write_atomically(plan.root / CURRENT, plan.name.encode())


def managed_python(root: Path) -> Path | None:
    """Return the Python of the managed environment; None when there is none."""
    folder = _managed(root)
    if folder is None or lost_python(root) is not None:
        return None
    python = python_of(folder)
    return python if python.is_file() else None


def lost_python(root: Path) -> Path | None:
    """Return the Python that the managed environment was made with, where that has gone; None when nothing is wrong.

    An environment is only links to it, or on Windows a small program that starts it.
    """
    folder = _managed(root)
    settings = None if folder is None else folder / "pyvenv.cfg"
    if settings is None or not settings.is_file():
        return None
    named = re.search(r"^executable *= *(.+)$", settings.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return None if named is None or Path(named[1].strip()).is_file() else Path(named[1].strip())


def _managed(root: Path) -> Path | None:
    """Return the folder of the environment that counts."""
    current = root / CURRENT
    name = current.read_text(encoding="utf-8", errors="replace").strip() if current.is_file() else ""
    return root / name if _NAME.fullmatch(name) else None


def python_of(folder: Path) -> Path:
    """Return the Python of an environment."""
    return folder / "Scripts/python.exe" if _WINDOWS else folder / "bin/python"
