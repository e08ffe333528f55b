"""What happens when a file is loaded or saved and when something is undone."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from ..scene import migration, paths, screens
from . import arrivals, playback, pointer, puppets, relocation, things

PASTED = "copybuffer.blend"
"""Where Blender keeps objects that were copied, until they are pasted."""


@persistent
def _on_load_pre(*_arguments: object) -> None:
    arrivals.sweep()


@persistent
def _on_load(*_arguments: object) -> None:
    pointer.state.reset()
    puppets.forget()
    things.cache.reset()
    paths.named_folders().add(Path(bpy.data.filepath))  # whoever opens a file on another machine knows that one
    migration.upgrade()
    arrivals.restore()


@persistent
def _on_import(imported: bpy.types.BlendImportContext) -> None:
    """Something was appended or linked in; Blender tells so from 4.3 on."""
    migration.upgrade()
    if "LINK" in imported.options:
        return
    for item in imported.import_items:
        if isinstance(item.id, bpy.types.Object) and item.source_library is not None:
            library = Path(bpy.path.abspath(item.source_library.filepath))
            if library.name != PASTED:  # nothing tells where what is pasted comes from; most often from this very file
                migration.settle(item.id, library)


@persistent
def _on_undo(*_arguments: object) -> None:
    things.note_painting()
    arrivals.restore()


@persistent
def _on_change(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Something was changed; that may be an image, or the end of painting on one."""
    if depsgraph.id_type_updated("IMAGE") or bpy.context.mode == "PAINT_TEXTURE":
        things.note_painting()


@persistent
def _on_frame(*_arguments: object) -> None:
    """The sidebar's pictures play with the scene; by itself Blender draws the 3D view alone."""
    if not bpy.app.background and playback.is_on() and any(obj.ipoke.variants for obj in bpy.data.objects):
        screens.redraw_sidebars()


@persistent
def _on_save_pre(path: str = "", *_arguments: object) -> None:
    migration.upgrade()  # Blender 4.2 does not tell of what was appended
    if path:
        relocation.before_save(Path(path).parent)


@persistent
def _on_save_post(*_arguments: object) -> None:
    relocation.after_save()


def _lists() -> tuple[tuple[list, object], ...]:
    handlers = bpy.app.handlers
    imports = ((handlers.blend_import_post, _on_import),) if hasattr(handlers, "blend_import_post") else ()
    return (
        *imports,
        (handlers.load_pre, _on_load_pre),
        (handlers.load_post, _on_load),
        (handlers.depsgraph_update_post, _on_change),
        (handlers.frame_change_post, _on_frame),
        (handlers.undo_post, _on_undo),
        (handlers.redo_post, _on_undo),
        (handlers.save_pre, _on_save_pre),
        (handlers.save_post, _on_save_post),
        (handlers.save_post_fail, _on_save_post),
    )


def add() -> None:
    """Listen."""
    for handlers, handler in _lists():
        handlers.append(handler)


def remove() -> None:
    """Listen no more."""
    for handlers, handler in _lists():
        handlers.remove(handler)
