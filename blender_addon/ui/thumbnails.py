"""The small pictures of variants in the sidebar."""

from __future__ import annotations

from pathlib import Path

import bpy.utils.previews

from .._vendor.client import frame_file_name
from ..core.jobs import trusted_paths
from ..core.lifetime import WhileEnabled

previews = WhileEnabled(bpy.utils.previews.new, bpy.utils.previews.remove)
"""Small pictures by their files."""


def icon(variant: Path, frame: int) -> int:
    """Return the icon of one frame of a variant; 0 when its file is missing."""
    return picture(variant / frame_file_name(frame))


def picture(path: Path) -> int:
    """Return the icon of an image file; 0 when it is missing."""
    key = str(path)
    loaded = previews()
    if key not in loaded:
        if not trusted_paths.is_file(path):
            return 0
        loaded.load(key, key, "IMAGE")
        _ = loaded[key].image_size[0]  # loads it now; by itself it would stay empty until some later redraw
    return int(loaded[key].icon_id)
