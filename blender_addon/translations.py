"""What the add-on says in other languages than English."""

import bpy

from .core import german


def add() -> None:
    """Hand the texts to Blender."""
    bpy.app.translations.register(__package__, {"de_DE": german.TEXTS})


def remove() -> None:
    """Take them back."""
    bpy.app.translations.unregister(__package__)
