"""What a panel shows, drawn into a layout that remembers it: without a window Blender draws none."""

from __future__ import annotations

from types import SimpleNamespace

import bpy


class Layout:
    """A layout that remembers the labels and the operators, and the properties that operators were given."""

    def __init__(self, log: list[tuple[str, SimpleNamespace]] | None = None) -> None:
        self.log = [] if log is None else log

    def __getattr__(self, name: str) -> object:
        def noted(*arguments: object, **options: object) -> object:
            given = SimpleNamespace(arguments=arguments, **options)
            self.log.append((name, given))
            return given if name == "operator" else Layout(self.log)

        return noted

    def operators(self, idname: str) -> list[SimpleNamespace]:
        return [given for name, given in self.log if name == "operator" and given.arguments[0] == idname]

    @property
    def words(self) -> str:
        return " ".join(given.text for name, given in self.log if name == "label" and hasattr(given, "text"))


def drawn(panel: str) -> Layout:
    """The panel as it is drawn now, in a sidebar of the usual width."""
    layout = Layout()
    shown = SimpleNamespace(
        active_object=bpy.context.active_object,
        region=SimpleNamespace(width=280),
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
        scene=bpy.context.scene,
        mode=bpy.context.mode,
        space_data=None,
    )
    cls = getattr(bpy.types, panel)
    if not hasattr(cls, "poll") or cls.poll(shown):
        owner = SimpleNamespace(layout=layout, **{name: getattr(cls, name) for name in dir(cls) if name.startswith("_draw")})
        owner.__dict__.update({name: value.__get__(owner) for name, value in owner.__dict__.items() if name.startswith("_draw")})
        cls.draw(owner, shown)
    return layout
