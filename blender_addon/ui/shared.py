"""What the panels in the sidebar tab "iPOKE" share. Panels show what is there and change nothing."""

import textwrap

import bpy
from bpy.app.translations import pgettext_iface

from ..scene import plates

CHARACTER_PX = 6.3
MARGINS_PX = 75


def wrapped(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: str = "NONE") -> None:
    """Draw a sentence in Blender's language, in as many lines as the sidebar's width asks for."""
    column = layout.column(align=True)
    width_px = context.region.width / context.preferences.system.ui_scale - MARGINS_PX
    for line in textwrap.wrap(pgettext_iface(sentence), max(int(width_px / CHARACTER_PX), 16)):
        column.label(text=line, icon=icon, translate=False)
        icon = "NONE" if icon == "NONE" else "BLANK1"


class Panel:
    """Where a panel of the add-on is."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "iPOKE"


class PlatePanel(Panel):
    """A panel that is there with a plate only."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with a plate."""
        return plates.active(context) is not None
