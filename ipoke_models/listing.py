"""`python -m ipoke_models.listing`: what is installed, as JSON for the other parts or as a list for people."""

from __future__ import annotations

import argparse
import json
import sys

from .checkpoint import read_card
from .installed import Survey, survey
from .strangers import printable, shown


def main() -> None:
    """Print the installed models, the default first; what was left out goes to stderr."""
    parser = argparse.ArgumentParser(prog="ipoke models", description=main.__doc__)
    parser.add_argument("--json", action="store_true", help="machine-readable")
    as_json = parser.parse_args().json
    found = survey()
    if as_json:
        print(json.dumps(_plain(found)))
        return
    for info in found.models:
        print(f"{info.name}: {info.size_px} px, {info.frames} frames, up to {info.max_pokes} pokes, in {shown(info.folder)}")
        print(printable(read_card(info.folder)))
    for segmenter in found.segmenters:
        print(f"{segmenter.name}: finds what an arrow stands on, {segmenter.size_px} px, in {shown(segmenter.folder)}")
        print(printable(read_card(segmenter.folder)))
    for one in found.left_out:
        print(f"left out: {one.reason}", file=sys.stderr)


def _plain(found: Survey) -> dict[str, object]:
    rows = [
        {
            "name": info.name,
            "size_px": info.size_px,
            "frames": info.frames,
            "max_pokes": info.max_pokes,
            "sha256": info.sha256,
            "folder": str(info.folder),
        }
        for info in found.models
    ]
    segmenters = [
        {"name": info.name, "size_px": info.size_px, "sha256": info.sha256, "folder": str(info.folder)}
        for info in found.segmenters
    ]
    return {
        "models": rows,
        "segmenters": segmenters,
        "left_out": [{"folder": str(one.folder), "reason": one.reason} for one in found.left_out],
    }


if __name__ == "__main__":
    main()
