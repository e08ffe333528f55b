"""Owns the error about stills that can't be read."""

from __future__ import annotations


class ImageError(ValueError):
    """A still can't be used; `sentence` names the cause and the fix, and begins with "The image"."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
