"""The demo: the whole path from a photograph to a baked clip in Blender, with real parts only. `make demo` runs it.

It builds the extension, lets `scene.py` do the artist's work inside Blender, makes the previews, and checks everything that
it leaves in `demo-output/`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from checks import DemoError, check_output, check_same_picture
from output import own_output
from previews import make_previews
from steps import step

DEMO = Path(__file__).resolve().parent
ROOT = DEMO.parent
OUTPUT = ROOT / "demo-output"
PLATE = DEMO / "plate.jpg"
LIMIT_S = 1200

sys.path.append(str(ROOT))

import build_addon  # noqa: E402


def in_blender(resources: Path, part: str, *paths: Path) -> None:
    """Run a part of `scene.py` with Blender's own settings folder."""
    environment = {
        **os.environ,
        "BLENDER_USER_RESOURCES": str(resources),
        "IPOKE_BACKEND": sys.executable,
    }
    command = [sys.executable, str(DEMO / "scene.py"), part, *map(str, paths)]
    try:
        subprocess.run(command, env=environment, timeout=LIMIT_S, check=True)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"Blender did not come to its end within {LIMIT_S} s; close other programs, try again.") from error
    except subprocess.CalledProcessError as error:
        raise DemoError(f"Blender ended with code {error.returncode}; see the messages above.") from error


def new_settings(folder: Path) -> Path:
    """Make a settings folder for Blender, which looks for the wheels of extensions at its start only, and only there."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "extensions/.local/lib" / python / "site-packages").mkdir(parents=True)
    return folder


def check_opens_elsewhere(resources: Path, last_render: Path) -> None:
    """Copy the output to another place, open its .blend there and see the same picture."""
    with tempfile.TemporaryDirectory() as elsewhere:
        copy = Path(shutil.copytree(OUTPUT, Path(elsewhere) / "moved"))
        picture = Path(elsewhere) / "frame.png"
        in_blender(resources, "open", copy / "scene.blend", picture)
        check_same_picture(picture, last_render)


def main() -> int:
    """Run all steps; returns the exit code."""
    began_at = time.perf_counter()
    try:
        if importlib.util.find_spec("bpy") is None:
            raise DemoError("Blender's module bpy is missing; use Python 3.11 or 3.13, pip install -r requirements-blender.txt.")
        with step("Build the extension"):
            extension = build_addon.build(build_addon.current_platform())
        with own_output(OUTPUT), tempfile.TemporaryDirectory() as settings:
            plate = Path(shutil.copy(PLATE, OUTPUT))  # beside the .blend, so that all it needs lies in one folder
            resources = new_settings(Path(settings))
            in_blender(resources, "make", extension, plate, OUTPUT)
            with step("Make the contact sheet and the previews"):
                make_previews(OUTPUT)
            with step("Check the results"):
                result = check_output(OUTPUT)
                check_opens_elsewhere(resources, result.renders[-1])
    except (DemoError, build_addon.BuildError) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    print(f"\nDone in {time.perf_counter() - began_at:.0f} s. Look at:\n{result.listing(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
