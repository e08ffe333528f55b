"""Blender's own playback: it starts when the first frames of a sample are there, and whether it runs."""

from __future__ import annotations

import bpy

from ..scene import plates, preferences
from . import pointer


def is_on() -> bool:
    """Return whether any window plays its scene."""
    return any(window.screen.is_animation_playing for window in bpy.context.window_manager.windows)


def start(obj: bpy.types.Object) -> None:
    """Play a clip that an object shows from now on, unless that is not wanted, something plays, or an arrow is being drawn."""
    if bpy.app.background or not preferences.get().plays_at_once or is_on() or pointer.state().draft is not None:
        return
    windows = (window for window in bpy.context.window_manager.windows if obj.name in window.scene.objects)
    window = next(windows, None)
    if window is None or plates.plate_of(obj) is None:
        return
    scene, first = window.scene, obj.ipoke.start_frame
    if scene.frame_current < first <= scene.frame_end:
        scene.frame_set(first)
    with bpy.context.temp_override(window=window):
        bpy.ops.screen.animation_play()
