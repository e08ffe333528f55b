"""The operators on the thing of a plate: find it, mend it with strokes, take more or less of it, give it a mask."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, FloatVectorProperty, IntProperty, StringProperty

from .._vendor.client import Level, Stroke
from .._vendor.protocol import limits
from ..core.errors import AddonError, PlateError
from ..core.gestures.plane import clamped
from ..core.jobs import app
from ..core.jobs.app import Phase
from ..core.things.search import Answer
from ..core.things.thing import Source
from ..scene import plates, screens
from ..scene.properties import IPOKE_PG_plate, IPOKE_PG_point
from ..session import finding, pointer, running, things, timer
from . import live
from .reasons import has_plate, holds

NOT_THERE = (-1.0, -1.0)
WHEEL = frozenset({"WHEELUPMOUSE", "WHEELDOWNMOUSE"})
MOST_STROKES = limits.STROKES // 2
"""The rest of what can be sent is left for the tails of arrows."""


class _OnPlate:
    """What the operators on a plate's thing share."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a plate."""
        return has_plate(cls, context)


class _OnThing(_OnPlate):
    """What the operators share that mend a thing."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a plate whose region does not move as a whole."""
        if not has_plate(cls, context):
            return False
        whole = plates.active(context).thing.source == Source.REGION
        return holds(cls, not whole, "The whole region moves; choose another kind of thing first")


class IPOKE_OT_find_thing(_OnThing, bpy.types.Operator):
    """Find what the arrows stand on; for a script also what is at a place, which is pointed at from then on"""

    bl_idname = "ipoke.find_thing"
    bl_label = "Find Thing"

    at: FloatVectorProperty(
        name="Place", description="In fractions of the plate from the top left", size=2, default=NOT_THERE, options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask; without a window, wait for the answer."""
        obj = context.active_object
        if tuple(self.at) != NOT_THERE:
            plates.add_stroke(obj.ipoke.thing, Stroke((clamped(tuple(self.at)),)))
        try:
            return self._find(obj)
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}

    def _find(self, obj: bpy.types.Object) -> set[str]:
        plate = obj.ipoke
        if things.look(plate):
            return {"FINISHED"}
        question = finding.question_for(obj)
        if question is None:
            raise PlateError("Nothing says where the thing is; draw an arrow on it, or name a place.")
        if things.answered(plate) is None:
            timer.dispatch(app.ThingAsked(question))
        if not bpy.app.background:
            return {"FINISHED"}
        timer.drive(lambda: running.state().search.asked is None or running.state().backend.phase is Phase.FAILED)
        answer = things.answered(plate)
        if answer is None or not answer.masks:
            raise PlateError(why_not(answer))
        return {"FINISHED"}


def why_not(answer: Answer | None) -> str:
    """Return why there is no thing."""
    if answer is not None and answer.sentence:
        return answer.sentence
    backend = running.state().backend
    return backend.sentence if backend.phase is Phase.FAILED else "Nothing was found here; paint the thing with D and a drag"


class IPOKE_OT_mark_thing(_OnThing, bpy.types.Operator):
    """Paint a stroke that adds to the thing, or takes away from it"""

    bl_idname = "ipoke.mark_thing"
    bl_label = "Mark Thing"

    points: CollectionProperty(name="Points", description="Where the brush goes", type=IPOKE_PG_point, options={"SKIP_SAVE"})
    radius: FloatProperty(
        name="Radius",
        description="Of the brush, as a share of the plate's long side; 0 is a mere click",
        min=0.0,
        max=0.5,
        default=0.02,
        options={"SKIP_SAVE"},
    )
    adds: BoolProperty(
        name="Adds", description="Add to the thing; otherwise take away from it", default=True, options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the stroke."""
        obj = context.active_object
        stored, points = obj.ipoke.thing, tuple(clamped(tuple(point.at)) for point in self.points)
        refused = _refused(points, stored.strokes)
        if refused:
            self.report({"ERROR"}, refused)
            return {"CANCELLED"}
        plates.add_stroke(stored, Stroke(points, self.radius, self.adds))
        changed(obj)
        return {"FINISHED"}


def _refused(points: tuple[tuple[float, float], ...], before: bpy.types.bpy_prop_collection) -> str:
    """Why a stroke can't be added; empty where it can."""
    if not points:
        return "The stroke has no points; give it one at least"
    total = len(points) + sum(len(stroke.points) for stroke in before)
    if len(points) > limits.STROKE_POINTS or len(before) >= MOST_STROKES or total > limits.POINTS - limits.STROKES:
        return "These are too many strokes; clear some, or paint an image and use it as the mask"
    return ""


def changed(obj: bpy.types.Object) -> None:
    """Look for the thing anew after it was changed by hand, and preview it in live mode."""
    finding.find(obj)
    live.sample(obj)
    screens.redraw()


class IPOKE_OT_clear_strokes(_OnThing, bpy.types.Operator):
    """Remove all strokes that mend the thing"""

    bl_idname = "ipoke.clear_strokes"
    bl_label = "Clear Strokes"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be strokes."""
        return super().poll(context) and holds(cls, plates.active(context).thing.strokes, "No strokes were painted")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove them."""
        plates.active(context).thing.strokes.clear()
        changed(context.active_object)
        return {"FINISHED"}


class IPOKE_OT_change_level(_OnThing, bpy.types.Operator):
    """Take the next larger or smaller of the things that were found within one another"""

    bl_idname = "ipoke.change_level"
    bl_label = "Larger or Smaller Thing"

    step: IntProperty(name="Step", description="1 takes the larger one, -1 the smaller", default=1, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something must have been found."""
        if not super().poll(context):
            return False
        answer = _pointed_at(plates.active(context))
        found = answer is not None and answer.masks
        return holds(cls, found, "Nothing was found in the picture yet; draw an arrow on a thing first")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take it; the wheel is for somebody else unless what a click would take is shown."""
        if event.type in WHEEL and pointer.state().candidate is None:
            return {"PASS_THROUGH"}
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take it."""
        if not take_level(plates.active(context), self.step):
            self.report({"INFO"}, f"There is no {'larger' if self.step > 0 else 'smaller'} one")
            return {"CANCELLED"}
        live.sample(context.active_object)
        return {"FINISHED"}


def take_level(plate: IPOKE_PG_plate, step: int) -> bool:
    """Take the next larger (1) or smaller (-1) thing that was found; returns whether there is one."""
    answer = _pointed_at(plate)
    level = None if answer is None else answer.beside(Level(plate.thing.level), 1 if step > 0 else -1)
    if level is not None:
        plate.thing.level = level
    return level is not None


def _pointed_at(plate: IPOKE_PG_plate) -> Answer | None:
    """What was found where a click would take it, while that is shown, else under the arrows."""
    return things.answered(plate, pointer.candidate_on(plate.id_data))


class IPOKE_OT_use_image_as_mask(_OnPlate, bpy.types.Operator):
    """Let an image say what the thing is: it is white, or opaque, where the thing is. Paint on it as you like"""

    bl_idname = "ipoke.use_image_as_mask"
    bl_label = "Use Image as Mask"

    image: StringProperty(name="Image", description="Name of the image", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask which, unless one is named."""
        return self.execute(context) if self.image else context.window_manager.invoke_props_dialog(self)

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the question."""
        self.layout.prop_search(self, "image", bpy.data, "images")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take it."""
        stored, image = plates.active(context).thing, bpy.data.images.get(self.image)
        if image is None:
            self.report({"ERROR"}, f"There is no image called {self.image!r}; open it in Blender first")
            return {"CANCELLED"}
        before = stored.image, stored.source
        stored.image, stored.source = image, Source.IMAGE
        try:
            finding.mask_file(plates.active(context))
        except AddonError as error:
            stored.image, stored.source = before
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        changed(context.active_object)
        return {"FINISHED"}


CLASSES = (
    IPOKE_OT_find_thing,
    IPOKE_OT_mark_thing,
    IPOKE_OT_clear_strokes,
    IPOKE_OT_change_level,
    IPOKE_OT_use_image_as_mask,
)
