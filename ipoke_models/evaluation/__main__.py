"""`ipoke evaluate`: the tables of a model on held-out clips, as Markdown and JSON, and its model card."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from ..checkpoint import CARD_FILE
from ..data.clips import add_footage_options, footage_command, footage_options, open_clips
from ..data.footage.layouts import Part
from ..data.store import ClipStore, StoreError
from ..errors import ModelError
from ..metrics.i3d import load_i3d
from ..metrics.key_points import KeyPointFinder
from ..metrics.lpips import load_lpips
from ..metrics.weights import VARIABLE, MetricWeightsError
from ..model import Model, load_model
from ..training.twin import load_twin
from .card import write_card
from .contestants import Contestants
from .figures import key_point_motion
from .figures.drawn import draw_figures
from .figures.plots import require_matplotlib
from .figures.stills import read_still
from .key_point_control import key_point_control
from .report import Report
from .residuals import residual_moments
from .run import Metrics, evaluate

TABLE_CLIPS, FIGURE_CLIPS = 100, 30


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ipoke evaluate", description=__doc__)
    parser.add_argument("model", help="name of an installed model, or its folder")
    parser.add_argument("clips", type=Path, help="clip store of held-out clips, or folder of footage")
    parser.add_argument("--also", action="append", default=[], metavar="MODEL", help="another model for the tables; repeatable")
    parser.add_argument("--twin", type=Path, metavar="WORK", help="compare with the flow's twin of this training's work folder")
    parser.add_argument("--count", type=int, metavar="N", help="number of clips (default: 100; for figures 30)")
    parser.add_argument("--variants", type=int, default=5, help="variants a clip (default: 5)")
    parser.add_argument(
        "--variation",
        type=float,
        action="append",
        default=[],
        metavar="V",
        help="a row of the model with this variation; repeatable",
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--metrics", type=Path, metavar="FOLDER", help=f"converted weights of the metrics (default: {VARIABLE})")
    parser.add_argument("--videos", type=int, metavar="N", help="how many clips FVD and motion are measured on (default: all)")
    parser.add_argument(
        "--quick", action="store_const", dest="videos", const=0, help="leave these out: they take most of the time"
    )
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw the figures there instead of measuring the tables")
    for option, what in (("--still", "a still for the contact sheet, with its arrow"), ("--place", "one that figure 7 pokes")):
        parser.add_argument(option, action="append", default=[], metavar="FILE@X0,Y0:X1,Y1", help=f"{what}; repeatable")
    parser.add_argument(
        "--key-points", metavar="PYTHON", help="measure figure 8 by people's key points instead; the Python has mediapipe"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="also write evaluation.md and evaluation.json there")
    parser.add_argument("--card", type=Path, metavar="WORK", help="rewrite the model card; WORK is the training's work folder")
    add_footage_options(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        models = [load_model(name) for name in (options.model, *options.also)]
        store = open_clips(options.clips, Part.HELD_OUT, models[0].size_px, models[0].frames, footage_options(options))
        if options.key_points:
            _measure_key_points(options, models, store)
        elif options.figures:
            _draw(options, models[0], store)
        else:
            _measure(options, models, store)
    except (ModelError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _draw(options: argparse.Namespace, model: Model, store: ClipStore) -> None:
    stills, places = ([read_still(argument, model.size_px) for argument in given] for given in (options.still, options.place))
    print(draw_figures(model, store, stills, places, options.count or FIGURE_CLIPS, options.seed, options.figures))


def _measure_key_points(options: argparse.Namespace, models: list[Model], store: ClipStore) -> None:
    if options.figures:
        require_matplotlib()
    with KeyPointFinder(options.key_points) as finder:
        report = key_point_control(_contestants(options, models), store, options.count or TABLE_CLIPS, options.seed, finder)
    document, table = json.dumps(report.document(), indent=1), report.markdown()
    print(document if options.json else table)
    if options.figures:
        key_point_motion.key_point_figure(report, options.figures / key_point_motion.FILE)
    if options.output:
        _write(options.output, "key_points", document, table)


def _measure(options: argparse.Namespace, models: list[Model], store: ClipStore) -> None:
    options.count = options.count or TABLE_CLIPS
    report = evaluate(_contestants(options, models), store, options.count, options.seed, _metrics(options))
    moments = residual_moments(models[0], store, options.count, options.seed)
    document, figures = json.dumps({**report.document(), "residual": moments}, indent=1), _figures(report, moments)
    print(document if options.json else figures)
    if options.card:
        card = write_card(models[0], (options.clips.name, store.info), figures, options.card, _command(options, store))
        (models[0].folder / CARD_FILE).write_text(card, encoding="utf-8")
    if options.output:
        _write(options.output, "evaluation", document, figures)


def _write(folder: Path, name: str, document: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(document + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(text + "\n", encoding="utf-8")


def _contestants(options: argparse.Namespace, models: list[Model]) -> Contestants:
    return Contestants(models, load_twin(options.twin) if options.twin else None, options.variants, options.variation)


def _metrics(options: argparse.Namespace) -> Metrics:
    """The metrics whose weights are there, and a sentence for each that is left out."""
    metrics = Metrics(videos=options.count if options.videos is None else options.videos)
    try:
        metrics = replace(metrics, lpips=load_lpips(options.metrics))
        if metrics.videos:
            metrics = replace(metrics, i3d=load_i3d(options.metrics))
    except MetricWeightsError as error:
        what = "FVD" if metrics.lpips else "LPIPS and FVD" if metrics.videos else "LPIPS"
        metrics = replace(metrics, left_out=(f"{what}. {error}",))
    return metrics


def _figures(report: Report, moments: dict[str, float]) -> str:
    listed = ", ".join(f"{name} {value:.3f}" for name, value in moments.items())
    return f"{report.markdown()}\n\nr of held-out clips (0, 1, 0, 0 and 0 for a perfect flow): {listed}."


def _command(options: argparse.Namespace, store: ClipStore) -> str:
    words = ["ipoke evaluate", Path(options.model).name, options.clips.name]
    words += [f"--also {Path(name).name}" for name in options.also]
    words += [f"--count {options.count} --variants {options.variants} --seed {options.seed}"]
    words += [f"--variation {variation:g}" for variation in options.variation]
    words += [f"--twin {options.twin.name}"] if options.twin else []
    words += [] if options.videos is None else [f"--videos {options.videos}"]
    return " ".join(words) + (footage_command(options) if store.info.footage else "")


if __name__ == "__main__":
    sys.exit(main())
