"""What is drawn in Blender's windows."""

import bpy


def redraw() -> None:
    """Draw the 3D views and the preferences again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()
