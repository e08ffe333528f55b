"""The operators that bring a plate into the scene."""

from pathlib import Path

import bpy
from bpy.app.translations import pgettext_iface as tell
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, StringProperty

from ..core.errors import PlateError
from ..drawing import framing, shading
from ..scene import image_plane, images, plates, sequences, shaders, stills
from ..scene.plane_place import PlaceOptions, place_for
from .reasons import has_plate, holds


class _NewPlane:
    """What the operators that make a plane share."""

    bl_options = {"REGISTER", "UNDO"}

    surface: EnumProperty(
        name="Surface",
        description="How the plane takes light",
        items=shaders.SHADERS,
        default="EMISSION",
        options={"SKIP_SAVE"},
    )


class IPOKE_OT_add_plate(_NewPlane, PlaceOptions, bpy.types.Operator):
    """Add stills as image planes that can be poked, side by side at the 3D cursor"""

    bl_idname = "ipoke.add_plate"
    bl_label = "Add iPOKE Plate"

    filepath: StringProperty(
        name="File", description="The still to show on the plane", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    directory: StringProperty(name="Folder", description="Where the files are", subtype="DIR_PATH", options={"SKIP_SAVE"})
    files: CollectionProperty(
        name="Files", description="Several stills of the folder", type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE"}
    )
    frame_view: BoolProperty(
        name="Frame in View", description="Let the 3D view look straight at the new planes", default=True, options={"SKIP_SAVE"}
    )
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_movie: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Objects can be added in Object Mode only."""
        return holds(cls, context.mode == "OBJECT", "Leave the object's edit mode first")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the files, unless they were dropped on the view."""
        if self.filepath or self.files:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw what stands beside the files, and below the view once the planes are there."""
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(self, "size_mode")
        if self.size_mode == "ABSOLUTE":
            column.prop(self, "height")
            column.prop(self, "facing")
        column.prop(self, "surface")
        column.prop(self, "frame_view")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the planes; of several files those that are pictures."""
        added, refused = [], []
        for path in self._paths():
            try:
                added.append(self._add(context, path))
            except PlateError as error:
                refused.append(error.sentence)
        if refused:
            self.report({"WARNING" if added else "ERROR"}, " ".join(f"{sentence.rstrip('.')}." for sentence in refused))
        if not added:
            return {"CANCELLED"}
        self._arrive(context, added)
        return {"FINISHED"}

    def _paths(self) -> list[Path]:
        folder = Path(bpy.path.abspath(self.directory))
        several = [folder / file.name for file in self.files if file.name]
        return several or [Path(bpy.path.abspath(self.filepath))]

    def _add(self, context: bpy.types.Context, path: Path) -> bpy.types.Object:
        image = plates.load(path)
        obj = image_plane.add(context, image, self.surface, place_for(context, self, image.size[0] / image.size[1]))
        plates.adopt(obj)
        context.view_layer.update()  # the next plane stands beside this one
        return obj

    def _arrive(self, context: bpy.types.Context, added: list[bpy.types.Object]) -> None:
        """Select the planes and let the view show them; what of the view is changed is told."""
        space = context.space_data
        for obj in added:
            obj.select_set(True)
            if space is not None and space.type == "VIEW_3D" and space.local_view is not None:
                obj.local_view_set(space, True)
        if self.frame_view:
            framing.frame(context, added)
        show_pictures(self, context)


def show_pictures(operator: bpy.types.Operator, context: bpy.types.Context) -> None:
    """Let a solid 3D view that is as Blender starts show pictures, or the plane would be grey in it, and say so."""
    if shading.of(context) is False:
        shading.change(context, textures=True)
        operator.report({"INFO"}, tell("This solid view shows pictures in their own colours now; the panel Plate has the switch"))


class IPOKE_FH_plate(bpy.types.FileHandler):
    """Image files that are dropped on a 3D view become plates."""

    bl_idname = "IPOKE_FH_plate"
    bl_label = "iPOKE Plate"
    bl_import_operator = "ipoke.add_plate"
    bl_file_extensions = ";".join((*bpy.path.extensions_image, *bpy.path.extensions_movie))

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only on a 3D view in Object Mode."""
        return context.area is not None and context.area.type == "VIEW_3D" and context.mode == "OBJECT"


class IPOKE_OT_use_image(bpy.types.Operator):
    """Make the image on the active mesh a plate that can be poked"""

    bl_idname = "ipoke.use_image"
    bl_label = "Use Its Image"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The object must show an image."""
        obj = context.active_object
        shows = obj is not None and obj.type == "MESH" and next(plates.image_nodes(obj), None) is not None
        return holds(cls, shows, "Select a mesh whose material shows an image")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Adopt the image."""
        try:
            plates.adopt(context.active_object)
        except PlateError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return {"FINISHED"}


class IPOKE_OT_convert_empty(_NewPlane, bpy.types.Operator):
    """Put an image plane that can be poked in the place of a reference image, which is hidden"""

    bl_idname = "ipoke.convert_empty"
    bl_label = "Convert to Image Plane"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The object must be a reference image with a picture."""
        obj = context.active_object
        is_reference = obj is not None and obj.type == "EMPTY" and isinstance(obj.data, bpy.types.Image)
        return holds(cls, is_reference and context.mode == "OBJECT", "Select a reference image in Object Mode")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the plane there."""
        empty = context.active_object
        if empty.data.source in stills.PLAYED and 0 in empty.data.size:  # nothing has drawn it yet
            number = stills.timing(empty.image_user).number(context.scene.frame_current)
            images.load_frame(empty.data, number)
        if 0 in empty.data.size:
            self.report({"ERROR"}, f"{empty.data.name} holds no picture; relink the image")
            return {"CANCELLED"}
        plates.adopt(image_plane.from_empty(context, empty, self.surface))
        show_pictures(self, context)
        return {"FINISHED"}


class IPOKE_OT_show_still(bpy.types.Operator):
    """Show the original still on the plane; nothing is lost"""

    bl_idname = "ipoke.show_still"
    bl_label = "Show Original Still"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a plate."""
        return has_plate(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the still back."""
        sequences.show_still(context.active_object)
        return {"FINISHED"}


CLASSES = (IPOKE_OT_add_plate, IPOKE_FH_plate, IPOKE_OT_use_image, IPOKE_OT_convert_empty, IPOKE_OT_show_still)
