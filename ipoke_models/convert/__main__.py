"""python -m ipoke_models.convert LOGS --name NAME -o MODEL_DIR [--json]."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..errors import ModelError
from .conversion import convert


def main(arguments: list[str] | None = None) -> int:
    """Converts one model and prints its report."""
    parser = argparse.ArgumentParser(prog="python -m ipoke_models.convert", description=__doc__)
    parser.add_argument("logs", type=Path, metavar="LOGS", help="folder with the released logs")
    parser.add_argument("--name", required=True, help="the model's name, such as plants_128, or its folder's name")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="MODEL_DIR", help="model folder to write")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        report = convert(options.logs, options.name, options.output)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or options.output} can't be read or written ({error.strerror}).", file=sys.stderr)
        return 1
    print(json.dumps(report.as_json(), indent=2) if options.json else report.as_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
