"""Time and memory of every stage of sampling, with the plain row-by-row solver beside the fast one in the same run.

    python -m ipoke_models.bench [MODEL ...] [--batch N ...] [--threads N] [--device cuda] [--json]

MODEL is an installed model, a model folder, or `released-64` / `released-128`: the published sizes with random weights. Each
is measured in a process of its own, since memory that one leaves behind would count for the next.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict

import torch

from ..errors import ModelError
from ..installed import DEFAULT_MODEL
from .measure import Row, measure
from .released import RELEASED


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m ipoke_models.bench", description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", default=[DEFAULT_MODEL], metavar="MODEL", help=f"or {', '.join(RELEASED)}")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8], help="numbers of variants (default: 1 8)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to measure (default: cpu)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if min(options.batch) < 1 or options.threads < 1:
        parser.error("numbers of variants and of threads start at 1")
    if options.device == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA device, or this torch was built without CUDA; measure with --device cpu.", file=sys.stderr)
        return 1
    document: dict[str, list[dict[str, object]]] = {"rows": []}
    for name in options.models:
        try:
            rows = _in_child(name, options.batch, options.device, options.threads)
        except ModelError as error:
            print(error, file=sys.stderr)
            return 1
        document["rows"] += [{"model": name, **asdict(row)} for row in rows]
        if not options.json:
            _print_table(name, rows, options.threads)
    if options.json:
        about = {"torch": torch.__version__, "threads": options.threads, "device": _device_name(options.device)}
        print(json.dumps({**about, **document}, indent=2))
    return 0


def _in_child(name: str, batches: Sequence[int], device: str, threads: int) -> list[Row]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
        return child.submit(measure, name, batches, device, threads).result()


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"


def _print_table(name: str, rows: Sequence[Row], threads: int) -> None:
    print(f"\n{name}, {rows[0].size_px} px, {_device_name(rows[0].device)}, {threads} threads, medians")
    print("| stage | batch | plain s | ours s | ratio |\n|---|---|---|---|---|")
    for row in rows:
        cells = (_cell(row.plain_s, 3), _cell(row.ours_s, 3), _cell(row.ratio, 1))
        print(f"| {row.what} | {row.batch} | {' | '.join(cells)} |")


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
