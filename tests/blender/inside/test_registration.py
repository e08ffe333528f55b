from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

from .conftest import MODULE

OURS = ("P", "PAGE_UP", "PAGE_DOWN")
CYCLES = int(os.environ.get("IPOKE_CYCLES", "30"))


def traces() -> dict[str, object]:
    """Everything of the add-on that Blender can hold."""
    handlers = bpy.app.handlers
    return {
        "types": sorted(name for name in dir(bpy.types) if "IPOKE" in name or "ipoke" in name.lower()),
        "operators": sorted(dir(bpy.ops.ipoke)),
        "keys": keys(),
        "property": hasattr(bpy.types.Object, "ipoke"),
        "handlers": {
            name: len([function for function in getattr(handlers, name) if "ipoke" in function.__module__])
            for name in ("load_post", "undo_post", "redo_post", "save_pre", "save_post", "save_post_fail")
        },
    }


def test_the_bundled_wheels_are_the_ones_in_use():
    import msgpack
    import zmq

    for module in (zmq, msgpack):
        assert bpy.utils.resource_path("USER") in module.__file__, module.__file__


def test_disabling_leaves_nothing_and_enabling_brings_everything_back():
    before = traces()
    for _ in range(CYCLES):
        bpy.ops.preferences.addon_disable(module=MODULE)
        gone = traces()
        assert gone["types"] == []
        assert gone["operators"] == []
        assert not gone["property"]
        assert gone["keys"] == []
        assert set(gone["handlers"].values()) == {0}
        bpy.ops.preferences.addon_enable(module=MODULE)
    assert traces() == before


def test_whatever_lives_while_the_addon_is_enabled_is_known_to_registration(part):
    lifetime, registration = part("core.lifetime"), part("registration")
    inside = [module for name, module in list(sys.modules.items()) if name.startswith(f"{MODULE}.")]
    values = {id(value) for module in inside for value in vars(module).values() if isinstance(value, lifetime.WhileEnabled)}
    assert len(values) > 10
    assert values == {id(state) for state in registration.STATES}
    assert all(state.is_open for state in registration.STATES)
    bpy.ops.preferences.addon_disable(module=MODULE)
    assert not any(state.is_open for state in registration.STATES)
    bpy.ops.preferences.addon_enable(module=MODULE)


def test_what_is_stored_survives_disabling(plane):
    bpy.ops.preferences.addon_disable(module=MODULE)
    bpy.ops.preferences.addon_enable(module=MODULE)
    assert len(bpy.context.active_object.ipoke.pokes) == 1


def described() -> Iterator[tuple[str, str, str]]:
    """Yield where, label and tooltip of everything that an artist can meet."""
    for name in dir(bpy.ops.ipoke):
        operator = getattr(bpy.ops.ipoke, name).get_rna_type()
        yield name, operator.name, operator.description
        yield from properties_of(operator, name)
    for cls in importlib.import_module(f"{MODULE}.registration").CLASSES:
        if issubclass(cls, bpy.types.PropertyGroup | bpy.types.AddonPreferences):
            yield from properties_of(cls.bl_rna, cls.__name__)


def properties_of(struct: bpy.types.Struct, where: str) -> Iterator[tuple[str, str, str]]:
    for item in struct.properties:
        builtin = item.identifier in ("rna_type", "name", "bl_idname") and where.startswith("IPOKE")
        if not (builtin or item.is_hidden or item.identifier == "rna_type"):
            yield f"{where}.{item.identifier}", item.name, item.description
            for choice in getattr(item, "enum_items", ()):
                yield f"{where}.{item.identifier}.{choice.identifier}", choice.name, choice.description


def test_everything_has_a_tooltip_without_a_final_period_and_a_label_in_title_case():
    small = {"iPOKE", "a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"}
    found = list(described())
    assert len(found) > 100
    for where, label, tooltip in found:
        assert tooltip, where
        assert not tooltip.endswith("."), (where, tooltip)
        first, *rest = label.split()
        assert first[0].isupper() or first[0].isdigit(), (where, label)
        assert all(word in small or not word[0].islower() for word in rest), (where, label)


def test_panels_and_menus_have_labels_in_title_case():
    labels = [getattr(bpy.types, name).bl_label for name in dir(bpy.types) if name.startswith(("IPOKE_PT", "IPOKE_MT"))]
    assert len(labels) > 8
    assert all(label.istitle() or label == "iPOKE" for label in labels), labels


def test_words_that_blender_translates_otherwise_have_a_context_of_our_own(part):
    german = part("core.german")
    classes = part("registration").CLASSES
    found = {cls.bl_label for cls in classes if getattr(cls, "bl_translation_context", "") == german.CONTEXT}
    for cls in classes:
        for item in cls.bl_rna.properties if issubclass(cls, bpy.types.PropertyGroup) else ():
            if item.translation_context == german.CONTEXT:
                found |= {item.name, *(choice.name for choice in getattr(item, "enum_items", ()))}
    assert found == set(german.OWN)


def keys() -> list[tuple[str, str, bool]]:
    """The keys that the add-on has put into the configuration of add-ons."""
    keymap = bpy.context.window_manager.keyconfigs.addon.keymaps.get("Object Mode")
    items = () if keymap is None else keymap.keymap_items
    return [(item.idname, item.type, item.shift) for item in items if item.type in OURS]


def test_the_keys_are_there_once_and_are_taken_by_nothing_of_blenders():
    bpy.ops.preferences.addon_disable(module=MODULE)
    assert keys() == []
    bpy.ops.preferences.addon_enable(module=MODULE)
    assert sorted(keys()) == [
        ("ipoke.sample", "P", True),
        ("ipoke.step_variant", "PAGE_DOWN", False),
        ("ipoke.step_variant", "PAGE_UP", False),
        ("wm.call_menu_pie", "P", False),
    ]
    taken = [(name, event) for name, event in blenders_keys() if event["type"] in OURS]
    assert all(event.get("ctrl") or event.get("alt") for _, event in taken), taken


def blenders_keys() -> Iterator[tuple[str, dict]]:
    """Every key that Blender's own configuration has where ours are looked at before or after."""
    scripts = Path(bpy.utils.resource_path("LOCAL")) / "scripts/presets/keyconfig/keymap_data/blender_default.py"
    spec = importlib.util.spec_from_file_location("blender_default", scripts)
    module = sys.modules["blender_default"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, _, content in module.generate_keymaps(module.Params()):
        if name in ("Object Mode", "Object Non-modal", "3D View", "3D View Generic", "Window", "Screen", "Frames"):
            yield from ((name, item[1]) for item in content["items"])


def test_the_addon_brings_no_threads_and_no_heavy_libraries():
    loaded = [name for name, module in sys.modules.items() if name.startswith(MODULE) and hasattr(module, "threading")]
    assert not loaded
    assert "torch" not in sys.modules
