"""`python -m ipoke_models.models`: what is installed, as JSON for the other parts or as a list for people."""

from __future__ import annotations

import argparse
import json

from .checkpoint import read_card
from .inference import installed_models


def main() -> None:
    """Print the installed models, the default first."""
    parser = argparse.ArgumentParser(prog="ipoke models", description=main.__doc__)
    parser.add_argument("--json", action="store_true", help="machine-readable")
    if parser.parse_args().json:
        rows = [
            {
                "name": info.name,
                "size_px": info.size_px,
                "frames": info.frames,
                "max_pokes": info.max_pokes,
                "sha256": info.sha256,
                "folder": str(info.folder),
            }
            for info in installed_models()
        ]
        print(json.dumps({"models": rows}))
        return
    for info in installed_models():
        print(f"{info.name}: {info.size_px} px, {info.frames} frames, up to {info.max_pokes} pokes, in {info.folder}")
        print(read_card(info.folder))


if __name__ == "__main__":
    main()
