"""`ipoke segment masks|train|evaluate|sheet`: the network that finds the thing under a click."""

from __future__ import annotations

import argparse
import sys

from . import evaluate, sheet, teacher, train

_COMMANDS = {"masks": teacher, "train": train, "evaluate": evaluate, "sheet": sheet}


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ipoke segment", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in _COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=module.__doc__, description=module.__doc__))
    options = parser.parse_args(arguments)
    return _COMMANDS[options.command].run(options)


if __name__ == "__main__":
    sys.exit(main())
