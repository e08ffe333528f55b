"""`python -m backend` is `ipoke`, and so is the program of that name. Imports nothing before the way to packages is clear."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Run the command line with the packages of its own environment."""
    leave_out_foreign_packages()
    from .cli import main as run

    return run()


def leave_out_foreign_packages() -> None:
    """Search no folder of PYTHONPATH, which is often meant for another Python, but the one that this package is in."""
    named = {os.path.abspath(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry}
    named.discard(str(Path(__file__).resolve().parent.parent))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) not in named]


if __name__ == "__main__":
    sys.exit(main())
