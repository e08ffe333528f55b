"""Masks of things that bodies are made of."""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 400


def drawn(*shapes) -> np.ndarray:
    """A mask (SIDE, SIDE) with each of (cv2 function, arguments) drawn on it."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for draw, *arguments in shapes:
        draw(mask, *arguments)
    return mask.astype(bool)


def hand() -> np.ndarray:
    """A palm with two fingers that are three pixels apart."""
    return drawn(
        (cv2.rectangle, (120, 220), (280, 360), 1, -1),
        (cv2.rectangle, (140, 60), (198, 230), 1, -1),
        (cv2.rectangle, (202, 60), (260, 230), 1, -1),
    )


def flower() -> np.ndarray:
    """A head on a thin stem that leaves the picture below."""
    return drawn((cv2.circle, (200, 110), 60, 1, -1), (cv2.line, (200, 110), (210, SIDE), 1, 9))


def strange() -> dict[str, np.ndarray]:
    """Masks that nobody wants to make a body of."""
    rows, columns = np.indices((200, 200))
    return {
        "one pixel": np.ones((1, 1), bool),
        "a pixel in a picture": np.pad(np.ones((1, 1), bool), 60),
        "a line": np.ones((1, 300), bool),
        "a diagonal": np.eye(200, dtype=bool),
        "a ring": np.abs(np.hypot(rows - 100, columns - 100) - 60) < 8,
        "islands": np.kron(np.eye(30, dtype=bool), np.ones((10, 10), bool)),
        "the whole plate": np.ones((120, 200), bool),
        "a chequered board": (rows // 2 + columns // 2) % 2 == 0,
        "noise": np.random.default_rng(0).random((200, 200)) < 0.3,
    }
