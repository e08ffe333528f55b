"""What sampling is meant to reach, held against what `ipoke bench` measured; ends with 1 where a goal is missed.

ipoke bench garden-64 released-64 --threads 2 --json > bench.json && python -m benchmarks.sampling_goals bench.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from ipoke_models.bench.measure import FLOOR, FLOW, FLOW_RECORDED, MASKED, REQUEST_FIRST, REQUEST_LAST, ROOFLINE, Row
from ipoke_models.bench.released import RELEASED


@dataclass(frozen=True)
class Goal:
    """One goal and what was found. `met` is None for figures without a goal."""

    goal: str
    found: float
    met: bool | None


def goals(name: str, rows: Sequence[Row]) -> list[Goal]:
    """The goals for one model: those of the flow at the released sizes, those of requests at others."""
    by_key = {(row.what, row.batch): row for row in rows}
    cuda = rows[0].device == "cuda"
    found: list[Goal] = []
    for batch in sorted({row.batch for row in rows if row.what == FLOW}):
        flow = by_key.get((FLOW_RECORDED, batch), by_key[FLOW, batch])
        if name in RELEASED:
            found += _flow_goals(flow, by_key[MASKED, batch], by_key[FLOOR, batch], cuda)
        found.append(Goal(f"share of the roofline, batch {batch}", by_key[ROOFLINE, batch].ours_s / flow.ours_s, None))
        found += _memory_goals(by_key[FLOW, batch])
    if name not in RELEASED:
        limits_s = {REQUEST_FIRST: 0.1} if cuda else {REQUEST_FIRST: 0.5, REQUEST_LAST: 2.0}
        for what, limit_s in limits_s.items():
            row = by_key[what, max(row.batch for row in rows if row.what == what)]
            found.append(Goal(f"{what}, {row.batch} variants, s, under {limit_s}", row.ours_s, row.ours_s < limit_s))
    return found


def _flow_goals(flow: Row, masked: Row, floor: Row, cuda: bool) -> list[Goal]:
    assert flow.ratio is not None
    assert masked.ratio is not None
    times = {1: 20.0, 8: 40.0} if cuda else {1: 4.0}
    found = []
    if flow.batch in times:
        limit = times[flow.batch]
        found.append(
            Goal(f"flow, times faster than plain, batch {flow.batch}, at least {limit:g}", flow.ratio, flow.ratio >= limit)
        )
    if cuda:
        return found
    over_floor = flow.ours_s / floor.ours_s
    met = over_floor <= 1.3 if flow.batch == 8 else None
    found.append(Goal(f"flow over its floor, batch {flow.batch}{', at most 1.3' if flow.batch == 8 else ''}", over_floor, met))
    text = f"masked convolutions, times faster than plain, batch {flow.batch}, at least 8"
    found.append(Goal(text, masked.ratio, masked.ratio >= 8))
    return found


def _memory_goals(flow: Row) -> list[Goal]:
    if flow.peak_mb is None or flow.plain_peak_mb is None or flow.weights_mb is None:
        return []
    large = flow.weights_mb > 1000  # below that it is torch itself that is weighed
    ours, plain = flow.peak_mb / flow.weights_mb, flow.plain_peak_mb / flow.weights_mb
    text = f"peak memory over the weights, batch {flow.batch}"
    return [Goal(f"{text}, at most 1.2", ours, ours <= 1.2), Goal(f"{text}, plain", plain, None)] if large else []


def table(document: dict[str, Any]) -> tuple[str, bool]:
    """A table of Markdown of all models' goals, and whether none is missed."""
    lines, reached = ["| model | goal | found | |", "|---|---|---|---|"], True
    for model, rows in groupby(document["rows"], key=lambda row: str(row["model"])):
        for goal in goals(model, [Row(**{name: value for name, value in row.items() if name != "model"}) for row in rows]):
            told = "" if goal.met is None else "met" if goal.met else "missed"
            lines.append(f"| {model} | {goal.goal} | {goal.found:.2f} | {told} |")
            reached = reached and goal.met is not False
    return "\n".join(lines), reached


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path, help="what `ipoke bench --json` printed")
    printed, reached = table(json.loads(parser.parse_args().measured.read_text(encoding="utf-8")))
    print(printed)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
