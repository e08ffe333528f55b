"""Owns the operators that add, remove and clear pokes. The mouse ends in the same functions as a script."""

import bpy
from bpy.props import FloatVectorProperty, IntProperty

from .. import plates
from ..core.errors import AddonError
from ..core.pokes import Arrow, checked
from ..properties import IPOKE_PG_plate


def add_arrow(plate: IPOKE_PG_plate, arrow: Arrow) -> None:
    """Store a new poke and make it the active one; raises `PokeError` when no model could use it."""
    good = checked(arrow.tail, arrow.tip)
    poke = plate.pokes.add()
    poke.name = f"Poke {len(plate.pokes)}"
    poke.tail, poke.tip = good.tail, good.tip
    plate.active_poke = len(plate.pokes) - 1


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
        cls.poll_message_set("Select an image plane")
        return context.active_object is not None and context.active_object.type == "MESH"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the arrow."""
        try:
            add_arrow(plates.adopt(context.active_object), Arrow(tuple(self.tail), tuple(self.tip)))
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return {"FINISHED"}


class _PokesOperator:
    """What the operators on existing pokes share."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a poke."""
        plate = plates.active(context)
        cls.poll_message_set("Draw an arrow first")
        return plate is not None and len(plate.pokes) > 0


class IPOKE_OT_remove_poke(_PokesOperator, bpy.types.Operator):
    """Remove an arrow"""

    bl_idname = "ipoke.remove_poke"
    bl_label = "Remove Poke"

    index: IntProperty(
        name="Index", description="Which arrow; -1 takes the active one", default=-1, min=-1, options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        plate = plates.active(context)
        index = plate.active_poke if self.index < 0 else self.index
        if not 0 <= index < len(plate.pokes):
            self.report({"ERROR"}, f"There is no arrow number {index + 1}; choose one from the list")
            return {"CANCELLED"}
        plate.pokes.remove(index)
        plate.active_poke = min(index, len(plate.pokes) - 1)
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


CLASSES = (IPOKE_OT_add_poke, IPOKE_OT_remove_poke, IPOKE_OT_clear_pokes)
