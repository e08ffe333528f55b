"""The operator that finds results again which are not where the file says."""

from collections.abc import Iterable
from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..scene import paths, plates, results, sequences
from ..scene.properties import IPOKE_PG_job
from .reasons import has_plate, holds


class IPOKE_OT_find_results(bpy.types.Operator):
    """Look in a folder, and the folders in it, for results that are not where this file expects them"""

    bl_idname = "ipoke.find_results"
    bl_label = "Find Missing Results"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(name="Folder", description="Where to look", subtype="DIR_PATH", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something must be missing."""
        return has_plate(cls, context) and holds(cls, results.missing(plates.active(context)), "Nothing is missing")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask where to look."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Point the plate's jobs to the folders of the same name."""
        obj = context.active_object
        root = Path(bpy.path.abspath(self.directory)) if self.directory else Path()
        if not self.directory or not root.is_dir():
            self.report({"ERROR"}, "Name a folder to look in")
            return {"CANCELLED"}
        paths.named_folders().add(root)
        left = _found(results.missing(obj.ipoke), root)
        results.refresh(obj)
        if left:
            self.report({"WARNING"}, f"{left} of the samples are not in {root}; choose another folder, or delete them")
        return {"FINISHED"}


def _found(missing: Iterable[IPOKE_PG_job], root: Path) -> int:
    """Find what can be found; returns how many are still missing."""
    found = {path.parent.name: path.parent for path in root.rglob("job.json")}
    left = 0
    for job in missing:
        folder = found.get(paths.stored_folder(job).name)
        if folder is None:
            left += 1
        else:
            job.folder = sequences.blend_path(folder)
    return left


CLASSES = (IPOKE_OT_find_results,)
