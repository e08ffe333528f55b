"""The add-on's exception tree; each error carries one sentence with its cause and its fix. No bpy.

AddonError
├── PokeError       an arrow that no model could use
├── PlateError      an object without a usable plate
├── FolderError     a place where results can't be written
└── SetupError      an environment that can't be made
"""

from __future__ import annotations


class AddonError(Exception):
    """Base of all errors that the add-on raises; `sentence` is what the artist reads."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class PokeError(AddonError):
    """An arrow that is too short, or that leaves the plate or the region."""


class PlateError(AddonError):
    """An object that has no plate, or whose plate can't be read."""


class FolderError(AddonError):
    """A folder for results that can't be made or moved."""


class SetupError(AddonError):
    """A backend that can't be set up on this machine as it was asked for."""
