"""Owns the operators that take the motion out of a clip, and replay it on another plate."""

import shutil
import tempfile
from pathlib import Path

import bpy
from bpy.props import StringProperty

from .. import library, plates, pump, results
from .._vendor.client import InvertRequest, Poke, new_job_id
from ..core import clips, folders
from ..core.app import Phase
from ..core.errors import AddonError, PlateError
from ..core.jobs import Job, JobKind
from ..core.settings import Settings
from . import sampling


class _Extracts:
    """What the operators that take a motion out of a clip share."""

    bl_options = {"REGISTER"}

    name: StringProperty(name="Name", description="What the motion is called in the library", options={"SKIP_SAVE"})

    @classmethod
    def _is_ready(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Start the backend first: it says how many frames the model takes")
        if pump.state().backend.phase is not Phase.READY or not pump.state().backend.info.models:
            return False
        cls.poll_message_set("Select an image plane that nothing is being made for")
        return plates.active(context) is not None and not sampling.open_jobs(context.active_object)

    def _ask(self, obj: bpy.types.Object, frames: tuple[bytes, ...], picture: Path, pokes: tuple[Poke, ...]) -> set[str]:
        file = library.free_file(self.name or picture.parent.name)
        request = InvertRequest(new_job_id(), frames, library.name_of(file), pokes, upright=False)
        outcome = sampling.run(self, Job(request, JobKind.EXTRACT, plates.target(obj), file))
        if picture.suffix == ".png":
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, library.picture_of(file))
        return outcome


class IPOKE_OT_extract_from_variant(_Extracts, bpy.types.Operator):
    """Put the motion of the chosen variant into the library, to replay it on other plates"""

    bl_idname = "ipoke.extract_from_variant"
    bl_label = "Extract From Variant"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A whole variant must be chosen, and the backend be up."""
        if not cls._is_ready(context):
            return False
        variant = results.active_variant(plates.active(context))
        cls.poll_message_set("Choose a variant first")
        return variant is not None and variant.complete

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Send the still and the variant's frames."""
        plate = plates.active(context)
        variant = results.active_variant(plate)
        asked = plate.jobs[variant.job_id]
        shots = clips.pictures(folders.variant_folder(results.folder(plate, asked.name), variant.index))
        try:
            frames = (_still(plate.still, shots), *clips.read(shots))
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return self._ask(context.active_object, frames, shots[-1], Settings(plates.poke_settings(asked.pokes)).asked)


class IPOKE_OT_extract_from_images(_Extracts, bpy.types.Operator):
    """Put the motion of an image sequence into the library; its first image is the still before the motion"""

    bl_idname = "ipoke.extract_from_images"
    bl_label = "Extract From Images"

    directory: StringProperty(
        name="Folder", description="Images of one size, in the order of their names", subtype="DIR_PATH", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The backend must be up."""
        return cls._is_ready(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Send as many of the images as the model takes, evenly spread."""
        try:
            count = pump.state().backend.info.models[0].frames + 1
            shots = clips.spread(clips.pictures(Path(bpy.path.abspath(self.directory))), count)
            return self._ask(context.active_object, clips.read(shots), shots[-1], ())
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}


class IPOKE_OT_transfer(bpy.types.Operator):
    """Replay a motion of the library on this plate, with its own arrows"""

    bl_idname = "ipoke.transfer"
    bl_label = "Transfer"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", description="The kinematics file", subtype="FILE_PATH", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """As for sampling: a plate with an arrow."""
        return sampling.IPOKE_OT_sample.poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for the replay."""
        try:
            job = sampling.new_job(context.active_object, kinematics=Path(bpy.path.abspath(self.filepath)))
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return sampling.run(self, job)


def _still(image: bpy.types.Image, shots: list[Path]) -> bytes:
    """Return the still at the size of a variant's frames, as a PNG file; raises `PlateError`."""
    if not shots:
        raise PlateError("The variant's files are missing; find them, or sample again.")
    frame = bpy.data.images.load(str(shots[0]))
    small = image.copy()
    try:
        small.scale(*frame.size)
        small.file_format = "PNG"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "still.png"
            small.save(filepath=str(path))
            return path.read_bytes()
    finally:
        bpy.data.images.remove(small)
        bpy.data.images.remove(frame)


CLASSES = (IPOKE_OT_extract_from_variant, IPOKE_OT_extract_from_images, IPOKE_OT_transfer)
