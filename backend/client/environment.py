"""Owns what a Python program that this process starts inherits: nothing that changes which code Python runs, or how."""

from __future__ import annotations

import os
from collections.abc import Mapping

_PYTHON = "PYTHON"


def without_python_settings(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, or another, without Python's own variables.

    They are meant for some other Python, such as a studio's PYTHONPATH with packages of another version; Blender ignores
    them too.
    """
    given = os.environ if environment is None else environment
    return {name: value for name, value in given.items() if not name.upper().startswith(_PYTHON)}
