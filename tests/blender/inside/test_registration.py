from __future__ import annotations

import os
import sys

import bpy

from .conftest import MODULE

CYCLES = int(os.environ.get("IPOKE_CYCLES", "30"))


def traces() -> dict[str, object]:
    """Everything of the add-on that Blender can hold."""
    handlers = bpy.app.handlers
    return {
        "types": sorted(name for name in dir(bpy.types) if "IPOKE" in name or "ipoke" in name.lower()),
        "operators": sorted(dir(bpy.ops.ipoke)),
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
        assert set(gone["handlers"].values()) == {0}
        bpy.ops.preferences.addon_enable(module=MODULE)
    assert traces() == before


def test_what_is_stored_survives_disabling(plane):
    bpy.ops.preferences.addon_disable(module=MODULE)
    bpy.ops.preferences.addon_enable(module=MODULE)
    assert len(bpy.context.active_object.ipoke.pokes) == 1


def test_every_class_and_property_is_described():
    names = dir(bpy.ops.ipoke)
    assert len(names) > 10
    for name in names:
        operator = getattr(bpy.ops.ipoke, name).get_rna_type()
        described = [operator, *(item for item in operator.properties if item.identifier != "rna_type" and not item.is_hidden)]
        for item in described:
            assert item.description, (name, item)
            assert not item.description.endswith("."), (name, item.description)


def test_the_addon_brings_no_threads_and_no_heavy_libraries():
    loaded = [name for name, module in sys.modules.items() if name.startswith(MODULE) and hasattr(module, "threading")]
    assert not loaded
    assert "torch" not in sys.modules
