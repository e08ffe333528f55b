"""Builds the Blender extension: stage, vendor what is shared, add the backend, fetch hash-locked wheels, zip, validate.

    python build_addon.py                       dist/ipoke-<version>.zip for every platform
    python build_addon.py --platform current    dist/ipoke-<version>-<platform>.zip with this platform's wheels only
    python build_addon.py --repository DIR      a zip for each platform and index.json, to be hosted for studios
    python build_addon.py --vendor              only bring blender_addon/_vendor up to date, for development

The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.build_backend import WheelError, backend_wheel

ROOT = Path(__file__).resolve().parent
SOURCE = ROOT / "blender_addon"
VENDOR = SOURCE / "_vendor"
SHARED = (ROOT / "backend" / "protocol", ROOT / "backend" / "client", ROOT / "ipoke_body", ROOT / "ipoke_values")
SHARED_FILES = (ROOT / "ipoke_media" / "frame_numbers.py",)
VENDOR_NOTE = b'"""Copies of what the backend shares: protocol, client, body, values, frame numbers; made by build_addon.py."""\n'
LOCK = SOURCE / "wheels.lock"
STAGE = ROOT / "build" / "addon"
WHEEL_CACHE = ROOT / ".cache" / "wheels"
DIST = ROOT / "dist"
ID = "ipoke"  # of the extension, in its manifest

PLATFORMS = {
    ("Linux", "x86_64"): "linux-x64",
    ("Windows", "AMD64"): "windows-x64",
    ("Darwin", "arm64"): "macos-arm64",
    ("Darwin", "x86_64"): "macos-x64",
}
WHEEL_TAGS = {
    "linux-x64": re.compile(r"manylinux.*_x86_64"),
    "windows-x64": re.compile(r"win_amd64"),
    "macos-arm64": re.compile(r"macosx_.*_(arm64|universal2)"),
    "macos-x64": re.compile(r"macosx_.*_(x86_64|universal2)"),
}
LEFT_OUT = {"__pycache__", "wheels", "wheels.lock"}
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
FILE_MODE = 0o644 << 16


class BuildError(Exception):
    """The extension can't be built; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file of the package index, as its name tells it."""

    file_name: str

    @property
    def _parts(self) -> list[str]:
        return self.file_name.removesuffix(".whl").split("-")

    @property
    def package(self) -> str:
        """The package's name."""
        return self._parts[0]

    @property
    def python(self) -> str:
        """Python's version, such as 3.11."""
        digits = self._parts[2].removeprefix("cp")
        return f"{digits[0]}.{digits[1:]}"

    @property
    def abi(self) -> str:
        """The binary interface, such as cp311 or abi3."""
        return self._parts[3]

    @property
    def tags(self) -> list[str]:
        """The platforms it runs on, as the package index names them."""
        return self._parts[4].split(".")

    def runs_on(self, blender_platform: str) -> bool:
        """Tell whether Blender on this platform can use it."""
        return any(WHEEL_TAGS[blender_platform].fullmatch(tag) for tag in self.tags)


def vendor() -> None:
    """Copy the code that backend and add-on share into the add-on; copies that are up to date are not touched."""
    wanted = {Path("__init__.py"): VENDOR_NOTE}
    for folder in SHARED:
        wanted |= {path.relative_to(folder.parent): _vendored(path, folder.parent) for path in folder.rglob("*.py")}
    wanted |= {Path(path.name): path.read_bytes() for path in SHARED_FILES}
    present = {path.relative_to(VENDOR): path.read_bytes() for path in VENDOR.rglob("*.py")}
    if present == wanted:
        return
    shutil.rmtree(VENDOR, ignore_errors=True)
    for relative, content in wanted.items():
        path = VENDOR / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _manifest() -> dict[str, Any]:
    return tomllib.loads((SOURCE / "blender_manifest.toml").read_text(encoding="utf-8"))


def version() -> str:
    """The extension's version."""
    return str(_manifest()["version"])


def _vendored(path: Path, parent: Path) -> bytes:
    """A shared file as the add-on has it: what it imports of another shared package lies beside its own."""
    dots = b"." * len(path.relative_to(parent).parts)
    return re.sub(rb"^from (?=ipoke_)", b"from " + dots, path.read_bytes(), flags=re.MULTILINE)


def build(blender_platform: str | None) -> Path:
    """Build the zip for one platform, or for all of them when None; returns its path."""
    vendor()
    manifest = _manifest()
    every = [Wheel(Path(path).name) for path in manifest["wheels"]]
    wheels = [wheel for wheel in every if blender_platform is None or wheel.runs_on(blender_platform)]
    locked = _locked_hashes()
    files = [_fetched(wheel, locked) for wheel in wheels]
    _stage(files, [wheel for wheel in every if wheel not in wheels], blender_platform)
    suffix = f"-{blender_platform}" if blender_platform else ""
    target = DIST / f"{ID}-{version()}{suffix}.zip"
    _write_zip(target)
    _validate(target)
    return target


def build_repository(folder: Path) -> Path:
    """Build a zip for each platform into `folder` and list them in its `index.json`; returns that file.

    Entries of other extensions, and blocked ones, that are listed there stay.
    The format is Blender's (https://docs.blender.org/manual/en/latest/advanced/extensions/creating_repository/).
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.json"
    listed = _read_index(index)
    packages = []
    for blender_platform in sorted(WHEEL_TAGS):
        zipped = folder / shutil.copy(build(blender_platform), folder)
        packages.append(_listed(zipped))
    others = [entry for entry in listed["data"] if entry.get("id") != ID]
    half = index.with_suffix(".part")
    half.write_text(json.dumps(listed | {"data": [*others, *packages]}, indent=2) + "\n", encoding="utf-8")
    half.replace(index)
    return index


def _read_index(index: Path) -> dict[str, Any]:
    """What a repository lists already."""
    if not index.exists():
        return {"version": "v1", "blocklist": [], "data": []}
    try:
        listed = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        listed = None
    entries = listed.get("data") if isinstance(listed, dict) and listed.get("version") == "v1" else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BuildError(f"{index} is no list of extensions; give another folder for the repository.")
    return listed


def _listed(zipped: Path) -> dict[str, object]:
    """What a repository says of one zip: its manifest, but for the wheels inside, and the file itself."""
    with zipfile.ZipFile(zipped) as archive:
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    content = zipped.read_bytes()
    listed = {key: value for key, value in manifest.items() if key != "wheels"}
    wheels = [Wheel(Path(path).name) for path in manifest["wheels"]]
    return listed | {
        "python_versions": sorted({wheel.python for wheel in wheels if wheel.abi != "abi3"}),
        "archive_size": len(content),
        "archive_hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "archive_url": f"./{zipped.name}",
    }


def current_platform() -> str:
    """Return Blender's name of this platform."""
    found = PLATFORMS.get((platform.system(), platform.machine()))
    if found is None:
        raise BuildError(f"There are no wheels for {platform.system()} on {platform.machine()}; build for all platforms.")
    return found


def _locked_hashes() -> dict[str, list[str]]:
    """Requirement lines of the lock file, by package: the pin and then its hashes."""
    text = re.sub(r"#.*\n", "", LOCK.read_text(encoding="utf-8")).replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return {words[0].split("==")[0]: words for words in lines}


def _fetched(wheel: Wheel, locked: dict[str, list[str]]) -> Path:
    cached = WHEEL_CACHE / wheel.file_name
    words = locked[wheel.package]
    if not cached.is_file():
        _download(wheel, words)
    if not cached.is_file():
        raise BuildError(f"The package index offered another file than {wheel.file_name}; update wheels.lock and the manifest.")
    if f"--hash=sha256:{hashlib.sha256(cached.read_bytes()).hexdigest()}" not in words:
        raise BuildError(f"{cached} differs from wheels.lock; delete it and build again.")
    return cached


def _download(wheel: Wheel, words: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder) / "requirement.txt"
        requirement.write_text(" ".join(words) + "\n")
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--require-hashes",
        ]
        command += ["--implementation", "cp", "--python-version", wheel.python, "--abi", wheel.abi]
        command += [word for tag in wheel.tags for word in ("--platform", tag)]
        done = subprocess.run([*command, "-r", str(requirement), "-d", str(WHEEL_CACHE)], check=False)
    if done.returncode:
        raise BuildError(f"{wheel.file_name} can't be downloaded; check the network and try again.")


def _stage(wheels: list[Path], absent: list[Wheel], blender_platform: str | None) -> None:
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(SOURCE, STAGE, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (STAGE / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy(wheel, STAGE / "wheels")
    shutil.copy(backend_wheel(), STAGE / "environment")  # not for Blender's Python: Set Up Backend installs it elsewhere
    manifest = STAGE / "blender_manifest.toml"
    lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not any(wheel.file_name in line for wheel in absent)]
    if blender_platform is not None:
        kept = [f'platforms = ["{blender_platform}"]\n' if line.startswith("platforms") else line for line in kept]
    manifest.write_text("".join(kept), encoding="utf-8")


def _write_zip(target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    half = target.with_suffix(".part")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(STAGE.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(STAGE).as_posix(), FIXED_TIME)
                entry.external_attr = FILE_MODE
                entry.compress_type = zipfile.ZIP_STORED if path.suffix == ".whl" else zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    half.replace(target)


def _validate(target: Path) -> None:
    """Let Blender's own tool judge the zip, where the bpy wheel is installed."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        return
    tool = next(Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"), None)
    if tool is None:
        return
    done = subprocess.run([sys.executable, str(tool), "validate", str(target)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"Blender refuses {target.name}: {done.stdout.strip()} {done.stderr.strip()}")


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the Blender extension.")
    parser.add_argument("--platform", choices=("all", "current"), default="all", help="whose wheels to pack")
    parser.add_argument("--repository", type=Path, metavar="DIR", help="write a repository that can be hosted as it is")
    parser.add_argument("--vendor", action="store_true", help="only copy the shared code into the add-on")
    arguments = parser.parse_args()
    try:
        if arguments.vendor:
            vendor()
        elif arguments.repository is not None:
            print(build_repository(arguments.repository))
        else:
            print(build(current_platform() if arguments.platform == "current" else None))
    except (BuildError, WheelError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
