"""The operators that add, remove and clear pokes and pins. The mouse ends in the same functions as a script."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatVectorProperty, IntProperty

from ..core.errors import AddonError
from ..core.gestures.pokes import Arrow, Axis, beside, checked, mirrored
from ..core.jobs.settings import numbered
from ..scene import plates
from ..scene.properties import IPOKE_PG_plate, IPOKE_PG_poke
from . import live
from .reasons import NO_PLATE, has_plate, holds


def add_arrow(plate: IPOKE_PG_plate, arrow: Arrow, source: IPOKE_PG_poke | None = None) -> None:
    """Store a new poke and make it the active one; raises `PokeError` when no model could use it.

    What is no matter of its place, it takes from `source`.
    """
    good = checked(arrow.tail, arrow.tip)
    strength, enabled = (1.0, True) if source is None else (source.strength, source.enabled)
    name = numbered((poke.name for poke in plate.pokes), "Pin" if good.is_pin else "Poke")
    poke = plate.pokes.add()
    poke.name, poke.strength, poke.enabled = name, strength, enabled
    poke.tail, poke.tip = good.tail, good.tip
    plate.active_poke = len(plate.pokes) - 1
    plate.show_arrows = True


def change_arrow(plate: IPOKE_PG_plate, index: int, arrow: Arrow) -> None:
    """Give a poke another tail and tip; raises `PokeError` when no model could use it."""
    good = checked(arrow.tail, arrow.tip)
    plate.pokes[index].tail, plate.pokes[index].tip = good.tail, good.tip
    plate.active_poke = index


class IPOKE_OT_add_poke(bpy.types.Operator):
    """Add an arrow to the active plate, from tail to tip"""

    bl_idname = "ipoke.add_poke"
    bl_label = "Add Poke"
    bl_options = {"REGISTER", "UNDO"}

    tail: FloatVectorProperty(
        name="Tail",
        description="What is poked, in fractions of the plate from the top left",
        size=2,
        default=(0.5, 0.5),
    )
    tip: FloatVectorProperty(
        name="Tip", description="Where it goes, in fractions of the plate from the top left", size=2, default=(0.6, 0.5)
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a mesh to poke."""
        return holds(cls, context.active_object is not None and context.active_object.type == "MESH", NO_PLATE)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the arrow."""
        return _added(self, context, Arrow(tuple(self.tail), tuple(self.tip)))


def _added(operator: bpy.types.Operator, context: bpy.types.Context, arrow: Arrow) -> set[str]:
    try:
        add_arrow(plates.adopt(context.active_object), arrow)
    except AddonError as error:
        operator.report({"ERROR"}, error.sentence)
        return {"CANCELLED"}
    return {"FINISHED"}


class IPOKE_OT_add_pin(bpy.types.Operator):
    """Add a pin to the active plate: a place of the thing that stays where it is"""

    bl_idname = "ipoke.add_pin"
    bl_label = "Add Pin"
    bl_options = {"REGISTER", "UNDO"}

    at: FloatVectorProperty(
        name="Place", description="What is held, in fractions of the plate from the top left", size=2, default=(0.5, 0.5)
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """As for arrows."""
        return IPOKE_OT_add_poke.poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the pin."""
        return _added(self, context, Arrow(tuple(self.at), tuple(self.at)))


class _PokesOperator:
    """What the operators on existing pokes share."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a poke."""
        return has_plate(cls, context) and holds(cls, plates.active(context).pokes, "Draw an arrow first")


class _PokeOperator(_PokesOperator):
    """What the operators on one poke share."""

    index: IntProperty(
        name="Index", description="Which arrow; -1 takes the active one", default=-1, min=-1, options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Find it and act."""
        plate = plates.active(context)
        index = plate.active_poke if self.index < 0 else self.index
        if not 0 <= index < len(plate.pokes):
            self.report({"ERROR"}, f"There is no arrow number {index + 1}; choose one from the list")
            return {"CANCELLED"}
        self.act(plate, index)
        live.sample(plate.id_data)
        return {"FINISHED"}


class IPOKE_OT_remove_poke(_PokeOperator, bpy.types.Operator):
    """Remove an arrow"""

    bl_idname = "ipoke.remove_poke"
    bl_label = "Remove Poke"

    def act(self, plate: IPOKE_PG_plate, index: int) -> None:
        """Remove it."""
        plate.pokes.remove(index)
        plate.active_poke = min(index, len(plate.pokes) - 1)


class IPOKE_OT_duplicate_poke(_PokeOperator, bpy.types.Operator):
    """Add a copy of an arrow, with its strength, a little aside"""

    bl_idname = "ipoke.duplicate_poke"
    bl_label = "Duplicate Poke"

    def act(self, plate: IPOKE_PG_plate, index: int) -> None:
        """Copy it."""
        source = plate.pokes[index]
        add_arrow(plate, beside(Arrow(tuple(source.tail), tuple(source.tip))), source)


class IPOKE_OT_mirror_pokes(_PokesOperator, bpy.types.Operator):
    """Reflect the arrows in the middle of the plate"""

    bl_idname = "ipoke.mirror_pokes"
    bl_label = "Mirror Pokes"

    axis: EnumProperty(
        name="Axis",
        description="In which direction",
        items=((Axis.X.value, "Left to Right", "Swap left and right"), (Axis.Y.value, "Top to Bottom", "Swap top and bottom")),
        default=Axis.X.value,
    )
    only_active: BoolProperty(name="Only Active", description="Mirror the active arrow alone")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Reflect them."""
        plate = plates.active(context)
        for index, poke in enumerate(plate.pokes):
            if not self.only_active or index == plate.active_poke:
                arrow = mirrored(Arrow(tuple(poke.tail), tuple(poke.tip)), Axis(self.axis))
                poke.tail, poke.tip = arrow.tail, arrow.tip
        live.sample(plate.id_data)
        return {"FINISHED"}


class IPOKE_OT_clear_pokes(_PokesOperator, bpy.types.Operator):
    """Remove all arrows of the active plate"""

    bl_idname = "ipoke.clear_pokes"
    bl_label = "Clear Pokes"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove them."""
        plate = plates.active(context)
        plate.pokes.clear()
        plate.active_poke = -1
        return {"FINISHED"}


CLASSES = (
    IPOKE_OT_add_poke,
    IPOKE_OT_add_pin,
    IPOKE_OT_remove_poke,
    IPOKE_OT_duplicate_poke,
    IPOKE_OT_mirror_pokes,
    IPOKE_OT_clear_pokes,
)
