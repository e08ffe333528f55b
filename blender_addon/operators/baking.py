"""The operator that makes the chosen variant again at the plate's own resolution."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, count
from pathlib import Path

import bpy
from bpy.props import BoolProperty

from .._vendor.client import IpokeError, OutputSize, Region, SampleRequest, new_job_id
from ..core.errors import AddonError, FolderError, PlateError
from ..core.jobs import bakes, folders, trusted_paths, unfinished
from ..core.jobs.bakes import Delivery, FileNames, Shot, ShowIn
from ..core.jobs.job import Job, JobKind
from ..core.jobs.settings import Settings
from ..core.things.thing import Source
from ..scene import paths, plates, results, stills, timing
from ..scene.properties import IPOKE_PG_job, IPOKE_PG_plate, IPOKE_PG_variant
from ..scene.sampling import of_job
from ..session import motion_library, running
from . import sampling
from .reasons import BUSY, has_whole_variant, holds


class IPOKE_OT_bake(bpy.types.Operator):
    """Make the chosen variant at the plate's own resolution and put it on the plane"""

    bl_idname = "ipoke.bake"
    bl_label = "Bake"
    bl_options = {"REGISTER", "UNDO"}

    overwrite: BoolProperty(
        name="Overwrite", description="Replace frames of the same name that are there already", options={"SKIP_SAVE"}
    )
    keep_both: BoolProperty(
        name="Keep Both",
        description="Leave frames of the same name as they are, and give these the next version's number; else they are replaced",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A whole variant must be chosen, and no job of this plate on its way."""
        return has_whole_variant(cls, context) and holds(cls, not running.open_jobs(context.active_object), BUSY)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask whether frames of the same name stay."""
        try:
            delivery = _delivery(context.active_object.ipoke, timing.shot_of(context.active_object, context.scene))
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        if not delivery.names.present(delivery.folder):
            return self.execute(context)
        self.overwrite = self.keep_both = True
        return context.window_manager.invoke_props_dialog(
            self, title="Frames of this name are there already", confirm_text="Bake"
        )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the question."""
        self.layout.prop(self, "keep_both")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the backend for the same variant, larger."""
        try:
            shot = timing.shot_of(context.active_object, context.scene)
            delivery = _delivery(context.active_object.ipoke, shot, keep_both=self.keep_both)
            job = _job(context.active_object, delivery, overwrite=self.overwrite)
        except (AddonError, IpokeError) as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        if job.request.kept:
            self.report({"INFO"}, f"Goes on after the first {len(job.request.kept)} frames, which are there already")
        return sampling.run(self, job)


def _job(obj: bpy.types.Object, delivery: Delivery, *, overwrite: bool) -> Job:
    plate = obj.ipoke
    variant = results.active_variant(plate)
    asked = plate.jobs[variant.job_id]
    still = sampled_still(plate, asked)
    if not overwrite and delivery.names.present(delivery.folder):
        raise PlateError(f"There are frames in {delivery.folder} already; name another place, or allow to overwrite them.")
    request = replace(request_of(plate, asked, variant, still), playback=timing.of_bake(plate, asked, delivery.shot))
    if asked.kinematics:
        request = replace(request, kinematics=motion_library.read(paths.of_blend(asked.kinematics, obj)))
    waiting = unfinished.folder(folders.bake_folder(paths.own_home(plate, asked)), request)
    busy = {job.folder for job in running.state().jobs}
    if waiting in busy:  # a copy of this object has the same results
        raise PlateError("This bake is being made already; wait for it.")
    others = {job.name for other in bpy.data.objects if other != obj for job in other.ipoke.jobs}
    homes = [folders.bake_folder(paths.own_home(plate, job)) for job in plate.jobs if job.name not in others]
    unfinished.remove_others(homes, {waiting, *busy}, paths.roots())
    request = unfinished.resumed(request, waiting)
    return Job(request, JobKind.BAKE, plates.target(obj), waiting, source=asked.name, delivery=delivery)


def sampled_still(plate: IPOKE_PG_plate, asked: IPOKE_PG_job) -> bytes:
    """Return the still's file, if it is still what a job sampled; raises `PlateError`."""
    still = stills.read(plate.still, asked.still_frame or stills.first_number(plate.still))
    if asked.plate_sha256 and asked.plate_sha256 != hashlib.sha256(still).hexdigest():
        raise PlateError("The plate's image has changed since this variant was sampled; sample again.")
    return still


def _delivery(plate: IPOKE_PG_plate, shot: Shot, *, keep_both: bool = False) -> Delivery:
    """Return where the chosen variant's bake goes; raises `FolderError`, also where it would replace what isn't ours."""
    variant, wanted = results.active_variant(plate), plate.bake
    names = _names(plate, wanted.file_name, 1)
    folder = _chosen_folder(plate) if wanted.folder else _own_place(plate, plate.jobs[variant.job_id], variant, names)
    if keep_both or bakes.VERSION in wanted.file_name:
        later = (_names(plate, bakes.versioned(wanted.file_name), version) for version in count(2))
        names = next(free for free in chain((names,), later) if not _taken(folder, free))
    if wanted.folder:
        _check_chosen(plate, folder, names)
    return Delivery(folder, names, shot, wanted.colour_space, ShowIn(wanted.place))


def _names(plate: IPOKE_PG_plate, template: str, version: int) -> FileNames:
    variant, wanted = results.active_variant(plate), plate.bake
    return bakes.file_names(
        template,
        wanted.first_number,
        ".exr" if _depth_bits(plate) == 32 else ".png",
        plate=Path(plate.still.name).stem,
        variant=variant.index + 1,
        seed=plate.jobs[variant.job_id].seed,
        version=version,
    )


def _chosen_folder(plate: IPOKE_PG_plate) -> Path:
    """Return the folder that is set on the plate; raises `FolderError`."""
    if plate.bake.folder.startswith("//") and not bpy.data.filepath:
        raise FolderError("The folder of the bake is told from where the file is; save the file first, or set a whole path.")
    folder = trusted_paths.stored(
        bpy.path.abspath(plate.bake.folder), (Path(bpy.data.filepath), Path(plate.bake.folder))
    )  # read by whoever bakes
    if folder == trusted_paths.NOWHERE:
        raise FolderError(f"{plate.bake.folder} can't be a folder; set another one under Output.")
    return folder


def _taken(folder: Path, names: FileNames) -> bool:
    """Tell whether frames of these names are in a folder, or on their way there."""
    return bool(names.present(folder)) or any(
        delivery.folder == folder and names.matches(delivery.first_file.name) for delivery in _on_their_way()
    )


def _check_chosen(plate: IPOKE_PG_plate, folder: Path, names: FileNames) -> None:
    """Raise `FolderError` where something is in the chosen folder that is not ours to replace."""
    owner = next((other for other, file in _baked_by_others(plate) if file.parent == folder and names.matches(file.name)), None)
    if owner is not None:
        raise FolderError(f"{owner} shows the frames that are in {folder}; name another folder or file name.")
    if any(delivery.folder == folder and names.matches(delivery.first_file.name) for delivery in _on_their_way()):
        raise FolderError(f"Another bake is on its way to {folder}; wait for it, or name another folder or file name.")
    bakes.check_place(folder, names)


def _own_place(plate: IPOKE_PG_plate, asked: IPOKE_PG_job, variant: IPOKE_PG_variant, names: FileNames) -> Path:
    """Return the first folder beside the variant's frames where no bake of another object and nothing of an artist's is."""
    place = paths.own_home(plate, asked) / folders.bake_place(variant.index)
    taken = {file.parent for _, file in _baked_by_others(plate)} | {delivery.folder for delivery in _on_their_way()}
    tried = (place, *(place.with_name(f"{place.name}_{number}") for number in trusted_paths.NUMBERS))
    return next(folder for folder in tried if folder not in taken and not bakes.in_the_way(folder, names))


def _baked_by_others(plate: IPOKE_PG_plate) -> Iterator[tuple[str, Path]]:
    """Yield the first file of each bake that another object has, with the object's name."""
    for other in bpy.data.objects:
        for variant in other.ipoke.variants if other != plate.id_data else ():
            if variant.baked_frames:
                yield other.name, paths.baked_file(paths.folder(other.ipoke, variant.job_id), variant)


def _on_their_way() -> list[Delivery]:
    return [job.delivery for job in running.state().jobs if job.delivery is not None]


def request_of(plate: IPOKE_PG_plate, asked: IPOKE_PG_job, variant: IPOKE_PG_variant, still: bytes) -> SampleRequest:
    """Return the request for one variant of a job at the plate's own size; a replay's lacks its kinematics."""
    return SampleRequest(
        job_id=new_job_id(),
        plate=still,
        plate_name=stills.name(plate.still, asked.still_frame),
        pokes=Settings(plates.poke_settings(asked.pokes), replay=results.replay_of(asked)).asked,
        mirror=asked.mirror,
        region=Region(*asked.region_px) if any(asked.region_px) else None,
        samples=1,
        first=variant.index,
        sampling=of_job(asked),
        free_ground=asked.free_ground,
        model=asked.model or None,
        size=OutputSize.PLATE,
        thing=sampling.mask_of_job(plate, asked),
        whole_region=asked.thing.source == Source.REGION,
        upright=False,
        depth_bits=_depth_bits(plate),
    )


def _depth_bits(plate: IPOKE_PG_plate) -> int:
    if plate.bake.depth != "AUTO":
        return int(plate.bake.depth)
    if stills.is_light(plate.still):
        return 32
    return 16 if plate.still.is_float else 8


CLASSES = (IPOKE_OT_bake,)
