"""Owns `ipoke models`: what is installed, told by the models' own package."""

from __future__ import annotations

import argparse

from ..child_python import python_command
from . import children
from .console import remark, say

_LIMIT_S = 120.0
MODULE = "ipoke_models.listing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--json", action="store_true", help="machine-readable, the default model first")


def run(arguments: argparse.Namespace) -> int:
    """Print the installed models."""
    command = [*python_command(MODULE), *(["--json"] if arguments.json else [])]
    code, output, errors = children.read_output(command, _LIMIT_S)
    for line in errors.splitlines():
        remark(line)
    if code == 0:
        say(output.rstrip("\n"))
    return code if code in (0, 2) else 1
