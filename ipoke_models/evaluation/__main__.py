"""`ipoke evaluate`: the tables of a model on held-out clips, as Markdown or JSON, and its model card."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from ..checkpoint import CARD_FILE
from ..data.store import ClipStore, StoreError
from ..errors import ModelError
from ..inference import load_model
from ..training.twin import load_twin
from .card import write_card
from .control import Row, control_table
from .residuals import residual_moments


def as_markdown(table: dict[str, Row]) -> str:
    """The control table; medians carry their 95 % bootstrap interval."""
    lines = [
        "| | tip error, median % of the arrow | right way, % | background drift, px | leak, % of the arrow | PSNR, dB "
        "| between variants, levels |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in table.items():
        low, high = row.tip_error_interval
        spread = "" if row.spread_levels is None else f"{row.spread_levels:.2f}"
        lines.append(
            f"| {name} | {row.tip_error_percent:.1f} ({low:.1f} to {high:.1f}) | {row.right_way_percent:.1f} "
            f"| {row.background_drift_px:.3f} | {row.leak_percent:.1f} | {row.psnr_db:.2f} | {spread} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ipoke evaluate", description=__doc__)
    parser.add_argument("model", help="name of an installed model, or its folder")
    parser.add_argument("clips", type=Path, help="clip store of held-out clips (see 'ipoke generate --held-out')")
    parser.add_argument("--count", type=int, default=100, help="number of clips")
    parser.add_argument("--variants", type=int, default=4, help="variants a clip")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--twin", type=Path, metavar="WORK", help="compare with the flow's twin of this training's work folder")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.add_argument("--card", type=Path, metavar="WORK", help="rewrite the model card; WORK is the training's work folder")
    options = parser.parse_args(arguments)
    try:
        model, store = load_model(options.model), ClipStore(options.clips)
        twin = load_twin(options.twin) if options.twin else None
    except (ModelError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    table = control_table(model, store, options.count, options.variants, options.seed, twin)
    moments = residual_moments(model, store, options.count, options.seed)
    if options.card:
        (model.folder / CARD_FILE).write_text(
            write_card(model, store, _figures(table, moments), options.card, _command(options)), encoding="utf-8"
        )
    if options.json:
        print(json.dumps({"rows": {name: asdict(row) for name, row in table.items()}, "residual": moments}, indent=1))
    else:
        print(_figures(table, moments))
    return 0


def _figures(table: dict[str, Row], moments: dict[str, float]) -> str:
    listed = ", ".join(f"{name} {value:.3f}" for name, value in moments.items())
    return f"{as_markdown(table)}\n\nr of held-out clips (0, 1, 0, 0 and 0 for a perfect flow): {listed}."


def _command(options: argparse.Namespace) -> str:
    name, clips = Path(options.model).name, options.clips.name
    twin = f" --twin {options.twin.name}" if options.twin else ""
    return f"ipoke evaluate {name} {clips} --count {options.count} --variants {options.variants} --seed {options.seed}{twin}"


if __name__ == "__main__":
    sys.exit(main())
