"""Owns the entry point `ipoke`: which command runs, and how errors become one sentence and an exit code. No torch."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from .commands import children, console, doctor, invert, keygen, models, poke, serve, status, thing, tracks, transfer
from .commands.errors import CommandError, UsageError
from .protocol.errors import IpokeError
from .protocol.version import PRODUCT_VERSION

_COMMANDS = {
    "poke": (poke, "variants of a poked still, as image sequences"),
    "thing": (thing, "the mask of what stands at a place of a still"),
    "invert": (invert, "the kinematics of a clip, as a file"),
    "transfer": (transfer, "the kinematics of a clip on another still"),
    "tracks": (tracks, "where places of a thing go in a variant, for video models and compositors"),
    "serve": (serve, "run the backend"),
    "status": (status, "what a running backend does"),
    "keygen": (keygen, "keys for a backend on another machine"),
    "doctor": (doctor, "look for what is missing, with a fix for each finding"),
    "models": (models, "the installed models"),
}
_MAY_BE_NEGATIVE = ("--mark",)
_PROGRAMS = {
    "generate": ("ipoke_models.data.procedural.generate", "make procedural clips to train on or to measure with"),
    "train": ("ipoke_models.training", "train a model on a folder of clips"),
    "evaluate": ("ipoke_models.evaluation", "measure a model on clips"),
    "segment": ("ipoke_models.segmentation", "train or measure the network that finds the thing under a click"),
    "convert": ("ipoke_models.convert", "turn a foreign checkpoint into a model folder"),
    "bench": ("ipoke_models.bench", "time and memory of every stage"),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}; see `{self.prog} --help`.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 on success, 2 on bad usage, 141 when nobody reads what it prints, 1 otherwise."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        console.prepare()
    if words and words[0] in _PROGRAMS:
        run = children.become_module if arguments is None else children.run_module
        return run(_PROGRAMS[words[0]][0], words[1:])
    try:
        code = _run(words)
    except SystemExit:  # --help and --version have printed, and nobody may have read it
        if console.finish():
            raise
        return console.CLOSED_PIPE_CODE
    return code if console.finish() or code else console.CLOSED_PIPE_CODE


def _run(words: list[str]) -> int:
    try:
        parsed = _parser().parse_args(_joined(words))
        return int(_COMMANDS[parsed.command][0].run(parsed))
    except IpokeError as error:
        _report(error.sentence, "--debug" in words)
        return error.exit_code if isinstance(error, CommandError) else 1
    except BrokenPipeError:
        return console.CLOSED_PIPE_CODE
    except KeyboardInterrupt:
        _report("Interrupted.", debug=False)
        return 1
    except Exception as error:  # the command line's border: no traceback for the user
        _report(f"This should not happen ({type(error).__name__}: {error}); run it with --debug.", "--debug" in words)
        return 1


def _joined(words: list[str]) -> list[str]:
    """The words with what begins with a dash bound to its option: argparse would take it for another option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in _MAY_BE_NEGATIVE and word[:1] == "-" and word[1:2].isdigit():
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ipoke", description="Poke a still image and see several plausible clips of it moving.")
    parser.add_argument("--version", action="version", version=f"ipoke {PRODUCT_VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, description) in _COMMANDS.items():
        command = commands.add_parser(name, help=description, description=description)
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
        module.add_arguments(command)
    for name, (_, description) in _PROGRAMS.items():
        commands.add_parser(name, help=description, add_help=False)
    return parser


def _report(sentence: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    console.remark(f"ipoke: {sentence}")
