"""Blender's own playback: it starts when the first frames of a sample are there, and whether it runs."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..scene import plates, preferences
from . import pointer


def is_on() -> bool:
    """Return whether any window plays its scene."""
    return any(window.screen.is_animation_playing for window in _windows())


def start(obj: bpy.types.Object) -> None:
    """Play a clip that an object shows from now on, where that is wanted, nothing plays or is scrubbed, and no arrow is drawn."""
    if bpy.app.background or not preferences.get().plays_at_once or is_on() or pointer.state().draft is not None:
        return
    windows = (window for window in _windows() if obj.name in window.scene.objects)
    window = next(windows, None)
    if window is None or plates.plate_of(obj) is None or any(other.screen.is_scrubbing for other in _windows()):
        return
    scene, first = window.scene, obj.ipoke.start_frame
    with bpy.context.temp_override(window=window):
        if not bpy.ops.screen.animation_play.poll():  # a render is on
            return
        if scene.frame_current < first <= scene.frame_end:
            scene.frame_set(first)
        bpy.ops.screen.animation_play()


def _windows() -> Iterable[bpy.types.Window]:
    return bpy.context.window_manager.windows
