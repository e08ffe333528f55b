"""Owns the versions of the parts that have a hand in every result."""

from __future__ import annotations

import platform
from importlib import metadata

import cv2
import numpy as np

from ..protocol.messages import Version
from ..protocol.version import PRODUCT_VERSION


def own_versions() -> tuple[Version, ...]:
    """Product, Python, and the libraries that touch pixels."""
    return (
        Version("ipoke", PRODUCT_VERSION),
        Version("python", platform.python_version()),
        Version("numpy", np.__version__),
        Version("opencv", cv2.__version__),
        Version("openimageio", metadata.version("OpenImageIO")),
    )
