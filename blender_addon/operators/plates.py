"""The operators that bring a plate into the scene."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..core.errors import PlateError
from ..scene import image_plane, images, plates, sequences, shaders, stills
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


class IPOKE_OT_add_plate(_NewPlane, bpy.types.Operator):
    """Add a still as an image plane that can be poked"""

    bl_idname = "ipoke.add_plate"
    bl_label = "Add Image Plane"

    filepath: StringProperty(
        name="File", description="The still to show on the plane", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Objects can be added in Object Mode only."""
        return holds(cls, context.mode == "OBJECT", "Leave the object's edit mode first")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the plane at the 3D cursor."""
        try:
            image = plates.load(Path(bpy.path.abspath(self.filepath)))
        except PlateError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        obj = image_plane.add(context, image, self.surface)
        plates.adopt(obj)
        image_plane.show_textures(context)
        return {"FINISHED"}


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
        image_plane.show_textures(context)
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


CLASSES = (IPOKE_OT_add_plate, IPOKE_OT_use_image, IPOKE_OT_convert_empty, IPOKE_OT_show_still)
