"""The operators that take the motion out of a clip, and replay it on another plate."""

import os
from dataclasses import replace
from pathlib import Path

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from .._vendor.client import InvertRequest, new_job_id
from ..core.errors import AddonError, PlateError
from ..core.gestures.pokes import LEAST_STRENGTH, MOST_STRENGTH
from ..core.jobs import clip_frames, folders
from ..core.jobs.app import Phase
from ..core.jobs.job import Job, JobKind
from ..core.jobs.settings import Replay
from ..scene import images, paths, plates, results
from ..session import model_choice, motion_library, running
from . import baking, sampling
from .reasons import BUSY, has_plate, has_whole_variant, holds


class _Extracts:
    """What the operators that take a motion out of a clip share."""

    bl_options = {"REGISTER"}

    name: StringProperty(name="Name", description="What the motion is called in the library", options={"SKIP_SAVE"})

    @classmethod
    def _is_ready(cls, context: bpy.types.Context) -> bool:
        up = running.state().backend.phase is Phase.READY and model_choice.installed()
        return (
            has_plate(cls, context)
            and holds(cls, up, "Start the backend first: it says how many frames the model takes")
            and holds(cls, not running.open_jobs(context.active_object), BUSY)
        )

    def _ask(self, obj: bpy.types.Object, request: InvertRequest, picture: bytes) -> set[str]:
        file = motion_library.free_file(self.name or request.source)
        job = Job(replace(request, source=motion_library.name_of(file)), JobKind.EXTRACT, plates.target(obj), file)
        outcome = sampling.run(self, job)
        motion_library.keep_picture(file, picture)
        return outcome


class IPOKE_OT_extract_from_variant(_Extracts, bpy.types.Operator):
    """Put the motion of the chosen variant into the library, to replay it on other plates"""

    bl_idname = "ipoke.extract_from_variant"
    bl_label = "Extract From Variant"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A whole variant must be chosen, and the backend be up."""
        if not cls._is_ready(context) or not has_whole_variant(cls, context):
            return False
        plate = plates.active(context)
        replays = plate.jobs[results.active_variant(plate).job_id].kinematics
        if not holds(cls, not replays, "The chosen variant replays a motion that the library has already"):
            return False
        return holds(cls, sampling.is_one_clip(plate), sampling.CHAINED)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for what the variant was drawn with; the backend has it exactly, without a look at the frames."""
        plate = plates.active(context)
        variant = results.active_variant(plate)
        asked = plate.jobs[variant.job_id]
        shots = clip_frames.pictures(folders.variant_folder(paths.folder(plate, asked.name), variant.index))
        try:
            sampled = baking.request_of(plate, asked, variant, baking.sampled_still(plate, asked))
            picture = clip_frames.read(shots[-1:])
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        request = InvertRequest.of_variant(new_job_id(), sampled, variant.index)
        return self._ask(context.active_object, request, b"".join(picture))


class _ExtractsPart(_Extracts):
    """What the operators that take a motion out of a part of a clip share."""

    first: IntProperty(name="First", description="First frame of the motion; the still before it moves", default=1, min=1)
    last: IntProperty(name="Last", description="Last frame of the motion; 0 goes to the end", default=0, min=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The backend must be up."""
        return cls._is_ready(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the file or the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def _pick(self, total: int) -> list[int]:
        """Return as many frames of the part as the model takes, evenly spread; raises `AddonError`."""
        plate = plates.active(bpy.context)
        model = model_choice.asked(plate)
        if model is None:
            raise PlateError(f"The model {plate.model} is not installed; choose another one in the panel Sample.")
        return clip_frames.FrameRange(self.first, self.last).spread(total, model.frames + 1)

    def _read_images(self, shots: list[Path]) -> tuple[bytes, ...]:
        chosen = [shots[number - 1] for number in self._pick(len(shots))]
        for path in chosen:
            images.check_picture(path)
        return clip_frames.read(chosen)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Read the frames and send them."""
        try:
            name, frames = self.read(context)
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        request = InvertRequest(new_job_id(), frames, name, model=plates.active(context).model or None, upright=False)
        return self._ask(context.active_object, request, frames[-1])


class IPOKE_OT_extract_from_images(_ExtractsPart, bpy.types.Operator):
    """Put the motion of an image sequence into the library; its first image is the still before the motion"""

    bl_idname = "ipoke.extract_from_images"
    bl_label = "Extract From Images"

    directory: StringProperty(
        name="Folder", description="Images of one size, in the order of their numbers", subtype="DIR_PATH", options={"SKIP_SAVE"}
    )

    def read(self, _context: bpy.types.Context) -> tuple[str, tuple[bytes, ...]]:
        """Return the folder's name and frames."""
        folder = Path(bpy.path.abspath(self.directory))
        return folder.name, self._read_images(clip_frames.pictures(folder))


class IPOKE_OT_extract_from_movie(_ExtractsPart, bpy.types.Operator):
    """Put the motion of a movie file into the library; its first frame is the still before the motion"""

    bl_idname = "ipoke.extract_from_movie"
    bl_label = "Extract From Movie"

    filepath: StringProperty(name="File", description="The movie", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_movie: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def read(self, _context: bpy.types.Context) -> tuple[str, tuple[bytes, ...]]:
        """Return the movie's name and frames."""
        path = Path(bpy.path.abspath(self.filepath))
        return path.stem, images.movie_clip(path, self._pick)


class IPOKE_OT_extract_from_clip(_ExtractsPart, bpy.types.Operator):
    """Put the motion of a movie clip of this file into the library; its first frame is the still before the motion"""

    bl_idname = "ipoke.extract_from_clip"
    bl_label = "Extract From Movie Clip"

    clip: StringProperty(name="Clip", description="Which movie clip; left alone, the first one", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a movie clip, and the backend be up."""
        return cls._is_ready(context) and holds(cls, bpy.data.movieclips, "Open a movie clip in the Movie Clip editor first")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask which clip, and how much of it."""
        self.clip = self.clip or bpy.data.movieclips[0].name
        return context.window_manager.invoke_props_dialog(self)

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw what is asked."""
        column = self.layout.column()
        column.use_property_split = True
        column.prop_search(self, "clip", bpy.data, "movieclips")
        column.prop(self, "first")
        column.prop(self, "last")

    def read(self, _context: bpy.types.Context) -> tuple[str, tuple[bytes, ...]]:
        """Return the clip's name and frames."""
        clip = bpy.data.movieclips.get(self.clip) if self.clip else bpy.data.movieclips[0]
        if clip is None:
            raise PlateError(f"There is no movie clip {self.clip}; choose one of this file's.")
        path = Path(bpy.path.abspath(clip.filepath, library=clip.library))
        if clip.source == "MOVIE":
            return path.stem, images.movie_clip(path, self._pick)
        return clip.name, self._read_images(folders.numbered_files(path, clip.frame_duration))


class IPOKE_OT_transfer(bpy.types.Operator):
    """Replay a motion of the library on this plate, with its own arrows; says so when the stills' poses differ much"""

    bl_idname = "ipoke.transfer"
    bl_label = "Transfer"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", description="The kinematics file", subtype="FILE_PATH", options={"SKIP_SAVE"})
    strength: FloatProperty(
        name="Strength",
        description="Stretches this plate's arrows",
        min=LEAST_STRENGTH,
        max=MOST_STRENGTH,
        default=1.0,
        options={"SKIP_SAVE"},
    )
    mirror: BoolProperty(name="Mirror", description="Replay the motion with left and right swapped", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """As for sampling: a plate with an arrow."""
        return sampling.IPOKE_OT_sample.poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for the replay."""
        try:
            replay = Replay(os.path.abspath(bpy.path.abspath(self.filepath)), self.strength, self.mirror)
            job = sampling.new_job(context.active_object, replay=replay)
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return sampling.run(self, job)


CLASSES = (
    IPOKE_OT_extract_from_variant,
    IPOKE_OT_extract_from_images,
    IPOKE_OT_extract_from_movie,
    IPOKE_OT_extract_from_clip,
    IPOKE_OT_transfer,
)
