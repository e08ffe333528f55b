"""What is stored in the .blend: plate, pokes, settings and results of an object, with a data version."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from .._vendor.client import Level
from .._vendor.protocol import limits
from ..core.german import CONTEXT
from ..core.gestures.pokes import LEAST_STRENGTH, MOST_STRENGTH
from ..core.jobs.bakes import PLAIN_TEMPLATE
from ..core.things.thing import Source
from . import choices, screens, shaders
from .sampling import IPOKE_PG_like, SamplingOfJob, SamplingOfPlate

MAX_SAMPLES = 64


@dataclass(frozen=True)
class Reactions:
    """What properties call when they are changed or searched; it stands on the properties, so `attach` is given it."""

    timing_changed: Callable[[bpy.types.Object], None]
    """The clip of an object starts at another frame, or is cyclic or not."""
    region_wanted: Callable[["IPOKE_PG_plate"], None]
    """A plate has a region of its own from now on, and none was set."""
    model_names: Callable[[], Iterable[str]]
    """Names of the models that the backend has."""
    backend_named: Callable[[], None]
    """The preferences name another backend."""


def _colour_spaces(_bake: "IPOKE_PG_bake", _context: bpy.types.Context, text: str) -> list[str]:
    known = bpy.types.ColorManagedInputColorspaceSettings.bl_rna.properties["name"].enum_items
    return [item.identifier for item in known if text.lower() in item.identifier.lower()]


def _models(_plate: "IPOKE_PG_plate", _context: bpy.types.Context, text: str) -> list[str]:
    return [name for name in reactions().model_names() if text.lower() in name.lower()]


def _surface(plate: "IPOKE_PG_plate") -> int:
    names = [name for name, _, _ in shaders.SHADERS]
    return names.index(shaders.of(plate.id_data) or names[0])


def _set_surface(plate: "IPOKE_PG_plate", number: int) -> None:
    shaders.change(plate.id_data, shaders.SHADERS[number][0])


def _timing_changed(plate: "IPOKE_PG_plate", _context: bpy.types.Context) -> None:
    reactions().timing_changed(plate.id_data)


def _bake_timed(bake: "IPOKE_PG_bake", _context: bpy.types.Context) -> None:
    bake.own_timing = True


def _region_switched(plate: "IPOKE_PG_plate", _context: bpy.types.Context) -> None:
    if plate.use_region and plate.region[2] <= plate.region[0]:
        reactions().region_wanted(plate)


def _thing_changed(_thing: "IPOKE_PG_thing", _context: bpy.types.Context) -> None:
    screens.redraw()  # what draws the thing sees that it is another


def _starred(variant: "IPOKE_PG_variant", _context: bpy.types.Context) -> None:
    job = variant.id_data.ipoke.jobs.get(variant.job_id)
    if job is not None and variant.starred:
        job.live = False  # what somebody has marked is no throw-away preview any more


class IPOKE_PG_poke(bpy.types.PropertyGroup):
    """An arrow on the plate, in fractions of its width and height from the top left."""

    tail: FloatVectorProperty(name="Tail", description="What is poked", size=2, min=0.0, max=1.0, default=(0.5, 0.5))
    tip: FloatVectorProperty(name="Tip", description="Where it goes", size=2, min=0.0, max=1.0, default=(0.6, 0.5))
    strength: FloatProperty(
        name="Strength",
        description="Stretches the arrow when sampling",
        min=LEAST_STRENGTH,
        max=MOST_STRENGTH,
        default=1.0,
        subtype="FACTOR",
    )
    enabled: BoolProperty(name="Enabled", description="Use this poke when sampling", default=True)


class IPOKE_PG_point(bpy.types.PropertyGroup):
    """A place on the plate."""

    at: FloatVectorProperty(name="Place", description="In fractions of the plate from the top left", size=2)


class IPOKE_PG_stroke(bpy.types.PropertyGroup):
    """A stroke that mends the thing."""

    points: CollectionProperty(name="Points", description="Where the brush went", type=IPOKE_PG_point)
    radius: FloatProperty(
        name="Radius", description="Of the brush, as a share of the plate's long side; 0 is a mere click", min=0.0, max=0.5
    )
    adds: BoolProperty(name="Adds", description="Whether it adds to the thing or takes away from it", default=True)


class IPOKE_PG_thing(bpy.types.PropertyGroup):
    """What the arrows of a plate move, as one elastic body."""

    source: EnumProperty(
        name="Thing",
        description="Where the thing comes from",
        items=choices.THING_SOURCES,
        default=Source.AUTO,
        update=_thing_changed,
    )
    image: PointerProperty(
        name="Mask",
        description="An image that is white, or opaque, where the thing is",
        type=bpy.types.Image,
        update=_thing_changed,
    )
    level: EnumProperty(
        name="Level",
        description="How much of what was found is the thing",
        items=choices.THING_LEVELS,
        default=Level.THING,
        update=_thing_changed,
    )
    strokes: CollectionProperty(name="Strokes", description="What was painted to mend the thing", type=IPOKE_PG_stroke)
    brush: FloatProperty(
        name="Brush",
        description="Radius of the strokes that mend the thing, as a share of the plate's long side",
        min=0.002,
        max=0.25,
        default=0.02,
        subtype="FACTOR",
    )


class IPOKE_PG_timing(bpy.types.PropertyGroup):
    """How long a clip is and how it plays."""

    fit: BoolProperty(
        name="Set Length", description="Lay the motion out over this time; otherwise it has the model's own pace", default=True
    )
    unit: EnumProperty(
        name="Unit",
        description="What the length is given in",
        items=choices.UNITS,
        default="SECONDS",
        translation_context=CONTEXT,
    )
    seconds: FloatProperty(
        name="Seconds", description="How long a clip lasts at the scene's frame rate", min=0.1, max=60.0, default=2.0
    )
    length: IntProperty(name="Frames", description="How many frames a clip has", min=2, max=limits.OUTPUT_FRAMES, default=48)
    hold: EnumProperty(name="Pace", description="For how many frames each drawing stays", items=choices.HOLDS, default="1")
    loop: EnumProperty(name="Loop", description="Whether the end meets the start", items=choices.LOOPS, default="settle")
    easing: EnumProperty(
        name="Easing",
        description="How a clip that plays once starts and ends",
        items=choices.EASINGS,
        default="linear",
        translation_context=CONTEXT,
    )
    chain: IntProperty(
        name="Chain",
        description="How many motions follow one another in a clip, each going on from where the last one ends",
        min=1,
        max=limits.CHAIN,
        default=1,
    )


class IPOKE_PG_job(SamplingOfJob, bpy.types.PropertyGroup):
    """What a job was asked with, so that its variants can be baked and recalled. Its name is the job's id."""

    folder: StringProperty(name="Folder", description="Where the job's files are")
    samples: IntProperty(name="Variants", description="How many variants were asked for", min=0)
    model: StringProperty(name="Model", description="Which model made the variants")
    plate_sha256: StringProperty(name="Plate", description="Hash of the still's file")
    still_frame: IntProperty(name="Frame", description="Which frame of a sequence or a movie was the still")
    group: StringProperty(name="Group", description="The same for jobs that differ in their seeds only")
    use_region: BoolProperty(name="Own Region", description="Whether the region was set by hand")
    region: FloatVectorProperty(
        name="Asked Region", description="The region that was set by hand, in fractions of the plate", size=4, min=0.0, max=1.0
    )
    region_px: IntVectorProperty(name="Region", description="What the model saw, in pixels of the plate", size=4, min=0)
    live: BoolProperty(name="Live", description="A preview that the next one replaces")
    kinematics: StringProperty(name="Kinematics", description="File of the motion that was replayed")
    strength: FloatProperty(name="Strength", description="How the replay stretched the arrows", default=1.0)
    mirror: BoolProperty(name="Mirror", description="Whether the motion was replayed with left and right swapped")
    free_ground: BoolProperty(name="Free Ground", description="Whether the ground did not hold the thing")
    is_timed: BoolProperty(
        name="Timed", description="Whether its clips are laid out in time; otherwise they have the model's own pace"
    )
    timing: PointerProperty(name="Timing", description="How long its clips are and how they play", type=IPOKE_PG_timing)
    pokes: CollectionProperty(name="Pokes", description="The arrows and pins that were asked for", type=IPOKE_PG_poke)
    thing: PointerProperty(name="Thing", description="What was set of the thing", type=IPOKE_PG_thing)
    thing_sha256: StringProperty(name="Mask", description="Hash of the thing's mask, which is with the job's files")


class IPOKE_PG_variant(bpy.types.PropertyGroup):
    """One sampled outcome."""

    job_id: StringProperty(name="Job", description="Name of the job that made it")
    index: IntProperty(name="Index", description="Its number in the job, from 0", min=0)
    frames: IntProperty(name="Frames", description="How many frames are on disk", min=0)
    complete: BoolProperty(name="Complete", description="All frames are on disk")
    starred: BoolProperty(name="Star", description="Mark this variant as a favourite", update=_starred)
    baked_frames: IntProperty(name="Baked Frames", description="How many frames are baked at the plate's size", min=0)
    baked_file: StringProperty(name="Baked File", description="First file of the bake; inside the job's folder without //")
    baked_colour: StringProperty(name="Colour Space", description="What the bake is read in; empty fits it to the still")
    baked_first: IntProperty(name="First Number", description="Number in the name of the bake's first file", default=1)


class IPOKE_PG_bake(bpy.types.PropertyGroup):
    """How a bake is made and where it goes."""

    folder: StringProperty(
        name="Folder",
        description="Where the frames go; empty keeps them with the variant's other files",
        subtype="DIR_PATH",
        options=choices.RELATIVE_PATH,
    )
    file_name: StringProperty(
        name="File Name",
        description="Name of the frames, ending in #### for the number; {plate}, {variant}, {seed} and {version} are filled in",
        default=PLAIN_TEMPLATE,
    )
    first_number: IntProperty(name="First Number", description="Number of the first frame's file", min=0, default=1)
    colour_space: StringProperty(
        name="Colour Space",
        description="What Blender reads the frames in; empty takes the plate's own, or linear light for EXR of an 8-bit plate",
        search=_colour_spaces,
    )
    place: EnumProperty(name="Show In", description="Where the bake plays when it is made", items=choices.PLACES, default="PLANE")
    depth: EnumProperty(name="Depth", description="Format of the frames", items=choices.DEPTHS, default="AUTO")
    own_timing: BoolProperty(
        name="Own Timing", description="Lay the bake out in time otherwise than the variant; switched on by what is set below"
    )
    hold: EnumProperty(
        name="Pace", description="For how many frames each drawing stays", items=choices.HOLDS, default="1", update=_bake_timed
    )
    fit: BoolProperty(name="Fit Length", description="Stretch the motion to a number of frames", update=_bake_timed)
    unit: EnumProperty(
        name="Unit", description="What the length is given in", items=choices.UNITS, default="FRAMES", translation_context=CONTEXT
    )
    seconds: FloatProperty(
        name="Seconds",
        description="How long the bake lasts at the scene's frame rate",
        min=0.1,
        max=60.0,
        default=2.0,
        update=_bake_timed,
    )
    length: IntProperty(name="Frames", description="How many frames the bake has", min=2, max=600, default=48, update=_bake_timed)
    loop: EnumProperty(
        name="Loop", description="Whether the end meets the start", items=choices.LOOPS, default="none", update=_bake_timed
    )
    easing: EnumProperty(
        name="Easing",
        description="How a clip that plays once starts and ends",
        items=choices.EASINGS,
        default="linear",
        translation_context=CONTEXT,
        update=_bake_timed,
    )


class IPOKE_PG_deleted(bpy.types.PropertyGroup):
    """What was deleted on purpose, so that it is not brought back. Its name is a job's id, or that and a variant's index."""


class IPOKE_PG_plate(SamplingOfPlate, bpy.types.PropertyGroup):
    """Everything that iPOKE keeps on an object."""

    data_version: IntProperty(options={"HIDDEN"})  # a default is not stored, so 0 stands for version 1 as well
    plate_id: StringProperty(options={"HIDDEN"})
    still: PointerProperty(name="Still", description="The original still; it is never changed", type=bpy.types.Image)
    still_frame: IntProperty(name="Frame", description="Which frame of a sequence or a movie is the still")
    clip: PointerProperty(name="Clip", description="The image sequence on the plane", type=bpy.types.Image)

    surface: EnumProperty(
        name="Surface",
        description="How the plane takes light",
        items=shaders.SHADERS,
        get=_surface,
        set=_set_surface,  # the material says it, so that copies and other files do too
    )

    pokes: CollectionProperty(name="Pokes", description="The arrows and pins on the plate", type=IPOKE_PG_poke)
    show_arrows: BoolProperty(name="Show Arrows", description="Draw the arrows and pins over the plate", default=True)
    thing: PointerProperty(name="Thing", description="What the arrows move", type=IPOKE_PG_thing)
    active_poke: IntProperty(name="Active Poke", description="The arrow that is chosen in the list", default=-1)
    free_ground: BoolProperty(
        name="Free Ground",
        description="Don't hold the thing by itself where it leaves the picture or stands on something",
    )

    samples: IntProperty(
        name="Variants", description="How many variants to sample", min=1, max=MAX_SAMPLES, soft_max=16, default=4
    )
    difference: FloatProperty(
        name="Difference",
        description="How far from the chosen variant the ones like it may be; at 1 they are as different as any others",
        min=0.05,
        max=1.0,
        default=0.3,
        subtype="FACTOR",
    )
    model: StringProperty(
        name="Model",
        description="Which of the backend's models says how things move; empty leaves the choice to the backend",
        search=_models,
    )
    live: BoolProperty(name="Live", description="Sample one preview whenever an arrow was drawn or changed")
    use_region: BoolProperty(
        name="Own Region",
        description="Choose by hand what part of the plate the model sees; nothing outside it moves",
        update=_region_switched,
    )
    region: FloatVectorProperty(
        name="Region", description="Left, top, right and bottom in fractions of the plate", size=4, min=0.0, max=1.0
    )
    timing: PointerProperty(name="Timing", description="How long clips are and how they play", type=IPOKE_PG_timing)
    bake: PointerProperty(name="Bake", description="How bakes are made", type=IPOKE_PG_bake)
    replay_strength: FloatProperty(
        name="Strength",
        description="Stretches this plate's arrows when a motion of the library is replayed",
        min=LEAST_STRENGTH,
        max=MOST_STRENGTH,
        default=1.0,
        subtype="FACTOR",
    )
    replay_mirror: BoolProperty(name="Mirror", description="Replay motions of the library with left and right swapped")

    jobs: CollectionProperty(name="Jobs", description="Everything that was asked for the plate", type=IPOKE_PG_job)
    variants: CollectionProperty(name="Variants", description="Everything that came back", type=IPOKE_PG_variant)
    deleted: CollectionProperty(name="Deleted", description="What is not to come back", type=IPOKE_PG_deleted)
    active_variant: IntProperty(name="Active Variant", description="The chosen variant", default=-1)
    shown: EnumProperty(
        name="Shown", description="What the plane shows", items=choices.SHOWN, default="STILL", options={"HIDDEN"}
    )
    start_frame: IntProperty(
        name="Start Frame", description="Scene frame at which the clip starts", default=1, update=_timing_changed
    )
    cyclic: BoolProperty(
        name="Cyclic",
        description="Play the clip over and over",
        default=True,
        update=_timing_changed,
        translation_context=CONTEXT,
    )
    message: StringProperty(name="Message", description="How the last job ended", options={"HIDDEN"})


CLASSES = (
    IPOKE_PG_poke,
    IPOKE_PG_point,
    IPOKE_PG_stroke,
    IPOKE_PG_thing,
    IPOKE_PG_like,
    IPOKE_PG_timing,
    IPOKE_PG_job,
    IPOKE_PG_variant,
    IPOKE_PG_bake,
    IPOKE_PG_deleted,
    IPOKE_PG_plate,
)


class _Attached:
    reactions: Reactions | None = None


def reactions() -> Reactions:
    """Return what is called when a property has changed."""
    assert _Attached.reactions is not None, "The properties are not attached."
    return _Attached.reactions


def attach(reactions: Reactions) -> None:
    """Give every object a plate."""
    _Attached.reactions = reactions
    bpy.types.Object.ipoke = PointerProperty(type=IPOKE_PG_plate)


def detach() -> None:
    """Take the plates away from Python; what is stored in the file stays there."""
    del bpy.types.Object.ipoke
    _Attached.reactions = None
