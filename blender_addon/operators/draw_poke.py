"""The drag that draws or changes an arrow; what it means is in `core.gestures.gesture`, here is Blender's side of it."""

from __future__ import annotations

import math
from dataclasses import replace

import bpy

from ..core.errors import AddonError
from ..core.gestures import gesture, region
from ..core.gestures.gesture import Grab, Part
from ..core.gestures.plane import Vec2
from ..core.gestures.pokes import Arrow, length_px, longest_px
from ..core.jobs.settings import PokeSetting
from ..drawing import puppet, view
from ..scene import plates
from ..scene.properties import IPOKE_PG_plate
from ..session import finding, pointer, puppets, things
from . import live, pokes
from .picking import grabbed_ground, grabbed_handle, grabbed_poke
from .plate_drag import RUNNING, PlateDrag, mouse_of, step_of
from .thing import take_level


def _longest_px(plate: IPOKE_PG_plate, size_px: tuple[int, int]) -> float:
    if not plate.use_region:
        return longest_px(size_px)
    seen = region.to_region(plates.region_box(plate), size_px)
    return longest_px((seen.w, seen.h))


class IPOKE_OT_draw_poke(PlateDrag, bpy.types.Operator):
    """Drag from the part that is to move to where it goes, or click to pin a part; drag arrows and pins to change them"""

    bl_idname = "ipoke.draw_poke"
    bl_label = "Draw Poke"
    STATUS = "Release: keep    Click: pin    Esc: forget    Ctrl: snap the angle    Shift: fine    Alt on an arrow: copy it"
    LEVELS_STATUS = "    Wheel: more or less of the thing"

    def _grasp(self, context: bpy.types.Context, event: bpy.types.Event) -> bool:
        mouse = mouse_of(event)
        if grabbed_handle(context, mouse) is not None:
            return False
        grabbed = grabbed_poke(context, mouse)
        found = view.under_mouse(context, mouse)
        if found is None and grabbed is None:
            return False
        obj = context.active_object if grabbed is not None or found is None else found[0]
        self._begin(context, obj, view.surface(obj), found[1].triangle if found is not None and found[0] == obj else 0, mouse)
        at = self._plate_point(context, mouse)
        if at is None:
            self._end(context)
            return False
        self._state: gesture.State = gesture.Idle()
        self._level = obj.ipoke.thing.level
        pointer.state().candidate = None  # from here on the arrow says what is pointed at
        self._size_px = plates.image_size_px(obj)
        grab = self._grab(obj, grabbed, copy=event.alt)
        longest_px, on_ground = _longest_px(obj.ipoke, self._size_px), grabbed is None and grabbed_ground(context, mouse)
        self._take(context, gesture.Press(at, self._size_px, grab, longest_px, on_ground))
        finding.find(obj, start=not bpy.app.background)
        if plates.plate_of(obj) is None or things.may_have_levels(obj.ipoke):
            context.workspace.status_text_set(self.STATUS + self.LEVELS_STATUS)
        return True

    def _grab(self, obj: bpy.types.Object, grabbed: tuple[int, Part] | None, *, copy: bool) -> Grab | None:
        if grabbed is None:
            return None
        poke = obj.ipoke.pokes[grabbed[0]]
        return Grab(grabbed[0], Part.SHAFT if copy else grabbed[1], Arrow(tuple(poke.tail), tuple(poke.tip)), copy)

    def _follow(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        step = step_of(event)
        if not step:
            return PlateDrag._follow(self, context, event)
        if take_level(bpy.data.objects[self._object_name].ipoke, step):
            puppets.forget()  # until the mouse moves on, the outline says what was taken
            context.area.tag_redraw()
        return RUNNING

    def _forget(self) -> None:
        obj = bpy.data.objects.get(self._object_name)
        if obj is not None and obj.ipoke.thing.level != self._level:
            obj.ipoke.thing.level = self._level

    def _move(self, context: bpy.types.Context, at: Vec2, event: bpy.types.Event) -> None:
        self._take(context, gesture.Move(at, snap=event.ctrl, fine=event.shift))

    def _release(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            return self._take(context, gesture.Release(math.dist(self._pressed, mouse_of(event))))
        except AddonError as error:
            self.report({"INFO"}, error.sentence)
            return {"CANCELLED"}

    def _take(self, context: bpy.types.Context, event: gesture.Event) -> set[str]:
        self._state, effects = gesture.transition(self._state, event)
        outcome = RUNNING
        for effect in effects:
            outcome = self._apply(context, effect)
        return outcome

    def _apply(self, context: bpy.types.Context, effect: gesture.Effect) -> set[str]:
        match effect:
            case gesture.ShowDraft():
                self._show(context, effect)
                return RUNNING
            case gesture.Discard():
                return {"CANCELLED"}
        obj = bpy.data.objects[self._object_name]
        plate = plates.adopt(obj)
        plates.make_active(context, obj)
        match effect:
            case gesture.AddArrow(arrow=arrow, source=source):
                pokes.add_arrow(plate, arrow, None if source is None else plate.pokes[source])
            case gesture.ChangeArrow(index=index, arrow=arrow):
                pokes.change_arrow(plate, index, arrow)
            case gesture.SelectArrow(index=index):
                plate.active_poke = index
                return {"FINISHED"}
            case gesture.FreeGround():
                plate.free_ground = True
        puppets.of(obj)  # its ground may be another now
        live.sample(obj)
        return {"FINISHED"}

    def _let_go(self) -> None:
        puppets.let_go()

    def _play(self, context: bpy.types.Context, shown: gesture.ShowDraft) -> None:
        """Let the thing follow, where it is known what it is."""
        obj = bpy.data.objects[self._object_name]
        settings = list(plates.poke_settings(obj.ipoke.pokes))
        if shown.index is None:
            source = self._state.grab if isinstance(self._state, gesture.Dragging) else None
            strength = 1.0 if source is None else settings[source.index].strength
            settings.append(PokeSetting("", shown.arrow, strength))
        else:
            settings[shown.index] = replace(settings[shown.index], arrow=shown.arrow)
        play = puppets.follow(obj, settings)
        if play is not None:
            puppet.prepare(context, obj, play)

    def _show(self, context: bpy.types.Context, shown: gesture.ShowDraft) -> None:
        pointer.state().draft = pointer.PokeDraft(self._object_name, shown)
        self._play(context, shown)
        length = "Pin" if shown.arrow.is_pin else f"Poke: {length_px(shown.arrow, self._size_px):.0f} px"
        longest = ", the longest that the model was trained for"
        context.area.header_text_set(length + (longest if shown.clamped else ""))
        context.area.tag_redraw()


CLASSES = (IPOKE_OT_draw_poke,)
