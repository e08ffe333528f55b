"""Owns `ipoke models`: what is installed, told by the models' own package."""

from __future__ import annotations

import argparse

from . import children

MODULE = "ipoke_models.models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--json", action="store_true", help="machine-readable, the default model first")


def run(arguments: argparse.Namespace) -> int:
    """Print the installed models."""
    return children.run_module(MODULE, ["--json"] if arguments.json else [])
