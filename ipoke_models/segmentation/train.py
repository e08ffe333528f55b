"""`ipoke segment train`: composites on the fly, first the decoder, then all; the same command goes on where one stopped."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..checkpoint import read_card, require_free, require_name
from ..data.pictures import PictureError
from ..errors import CheckpointError, ModelError
from ..notes import kept_notes
from ..training.interruption import terminate_like_interrupt
from ..training.packages import how_to_install
from .card import PROVENANCE_FILE
from .config import SegmenterConfig
from .folder import FORMAT, read_segmenter, save_segmenter
from .network import Segmenter, with_channels_last
from .salience import Salience
from .stock import SOURCE_SIDE_PX, Stock, load_stock

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ipoke segment train`."""
    parser.add_argument("pictures", type=Path, help="folder with cutouts, photos and masks of photographs")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder to write; its name is the model's")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--encoder", type=Path, help="weights of `python -m ipoke_models.convert.encoder_weights`")
    start.add_argument("--from", dest="source", type=Path, metavar="MODEL", help="model folder to start from")
    parser.add_argument(
        "--salience", type=Path, help="weights of `python -m ipoke_models.convert.salience_weights` to put beside the network"
    )
    parser.add_argument("--size", type=int, default=192, help="side of the training's squares, px")
    parser.add_argument("--working-size", type=int, default=256, help="side of the squares that the model is asked in, px")
    parser.add_argument("--decoder-steps", type=int, default=1200, help="steps of the decoder alone")
    parser.add_argument("--steps", type=int, default=4000, help="steps of all of it after that")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=4e-4, help="learning rate of all of it; the decoder alone has more")
    parser.add_argument("--work", type=Path, help="folder for checkpoints and the log (default: runs/MODEL)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)


def run(options: argparse.Namespace) -> int:
    """Train; returns the exit code."""
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    terminate_like_interrupt()
    try:
        return _train(options)
    except (ModelError, PictureError) as error:
        print(error, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(how_to_install(error), file=sys.stderr)
        return 2


def start_network(config: SegmenterConfig, encoder: Path | None, source: Path | None) -> Segmenter:
    """A fresh decoder on a published encoder, or all of a finished model at another size.

    Raises:
        ModelError: the weights can't be read, or are of another network.
    """
    network = Segmenter(config)
    if source is not None:
        network.load_state_dict(read_segmenter(source)[1].state_dict())
        return network
    try:
        network.encoder.load_state_dict(load_file(encoder or Path()))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(
            f"{encoder} holds no weights of the encoder; make them with `python -m ipoke_models.convert.encoder_weights`."
        ) from error
    return network


def read_salience(weights: Path | None, source: Path | None) -> Salience | None:
    """The network that finds what stands out, of a converted file or of the model that is started from.

    Raises:
        ModelError: the weights can't be read, or are of another network.
    """
    if weights is None:
        return None if source is None else read_segmenter(source)[2]
    salience = Salience()
    try:
        salience.load_state_dict(load_file(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(
            f"{weights} holds no weights of U²-Net-p; make them with `python -m ipoke_models.convert.salience_weights`."
        ) from error
    return salience


def _train(options: argparse.Namespace) -> int:
    options.output = Path(os.path.realpath(options.output))
    require_name(options.output.name)
    require_free(options.output, FORMAT)
    from ..training.launch import launch
    from ..training.work_lock import claim  # with what only training needs

    fabric = launch(options.device, bf16=False)
    torch.manual_seed(options.seed)
    network = start_network(SegmenterConfig(size_px=options.working_size), options.encoder, options.source)
    salience = read_salience(options.salience, options.source)
    side_px = min(SOURCE_SIDE_PX, options.size * 5 // 4)  # what is painted from smaller pictures is painted faster
    train, held_out = (load_stock(options.pictures, part, side_px) for part in (False, True))
    work: Path = options.work or Path("runs") / options.output.name
    work.mkdir(parents=True, exist_ok=True)
    with claim(work):
        record = {
            "command": _command(options),
            "torch": torch.__version__,
            "train": train.summary(),
            "held_out": held_out.summary(),
            "networks": asdict(network.config),
        }
        (work / PROVENANCE_FILE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        try:
            _stages(with_channels_last(network.to(fabric.device)), train, held_out, options, work, fabric)
        except KeyboardInterrupt:
            print(f"Interrupted; the same command goes on from the last checkpoint in {work}.", file=sys.stderr)
            return 1
    card = (
        f"# {options.output.name}\n\nNot measured yet: run `ipoke segment evaluate {options.output} PICTURES`.\n\n"
        f"{kept_notes(read_card(options.output))}"
    )
    save_segmenter(options.output, network.cpu(), options.output.name, card, salience)
    print(f"Wrote {options.output}.", file=sys.stderr)
    return 0


def _stages(network: Segmenter, train: Stock, held_out: Stock, options: argparse.Namespace, work: Path, fabric: Fabric) -> None:
    from ..training.loop import train_stage
    from ..training.schedule import Schedule
    from .stage import SegmentationStage

    for whole, steps, rate in ((False, options.decoder_steps, 1e-3), (True, options.steps, options.rate)):
        if steps:
            stage = SegmentationStage(network, train, held_out, options.size, options.batch, options.seed, whole=whole)
            train_stage(stage, Schedule(steps, options.batch, rate), work, fabric)


def _command(options: argparse.Namespace) -> str:
    start = f"--from {options.source.name}" if options.source else f"--encoder {options.encoder.name}"
    beside = f" --salience {options.salience.name}" if options.salience else ""
    return (
        f"ipoke segment train PICTURES -o {options.output.name} {start}{beside} --size {options.size} "
        f"--working-size {options.working_size} --batch {options.batch} "
        f"--decoder-steps {options.decoder_steps} --steps {options.steps} --rate {options.rate} --seed {options.seed}"
    )
