"""Every action is one undo step, and an undo of an action takes nothing from the disk or the list."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest


class WithWindow:
    """Blender's module, but that it says it has a window: operators then ask and don't wait."""

    app = SimpleNamespace(background=False)

    def __getattr__(self, name: str) -> object:
        return getattr(bpy, name)


def plain(group: bpy.types.PropertyGroup) -> dict[str, object]:
    """What a group of properties holds, as plain data."""
    held: dict[str, object] = {}
    for item in group.bl_rna.properties:
        value = getattr(group, item.identifier)
        if item.identifier == "rna_type":
            continue
        if item.type == "COLLECTION":
            held[item.identifier] = [plain(entry) for entry in value]
        elif isinstance(value, bpy.types.PropertyGroup):
            held[item.identifier] = plain(value)
        elif isinstance(value, bpy.types.ID):
            held[item.identifier] = (value.name, value.filepath)
        else:
            held[item.identifier] = tuple(value) if getattr(item, "is_array", False) else value
    return held


def strips() -> int:
    editor = bpy.context.scene.sequence_editor
    return 0 if editor is None else len(editor.strips if hasattr(editor, "strips") else editor.sequences)


def nodes() -> int:
    scene = bpy.context.scene
    tree = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
    return 0 if tree is None else len(tree.nodes)


def everything() -> tuple[object, ...]:
    """All that an action of the add-on can change in the file."""
    images = [(image.name, image.source, image.filepath) for image in bpy.data.images]
    return [(obj.name, plain(obj.ipoke)) for obj in bpy.data.objects], images, strips(), nodes()


@pytest.fixture
def rich(sampled) -> bpy.types.Object:
    """A plate with two jobs, one like the other, a baked variant, and arrows that are not those of the chosen one."""
    bpy.ops.ipoke.choose_variant(index=0)
    bpy.ops.ipoke.bake()
    bpy.ops.ipoke.more_like_this(amount=0.5)
    bpy.ops.ipoke.choose_variant(index=2)
    bpy.ops.ipoke.recall_settings()
    bpy.ops.ipoke.choose_variant(index=0)
    bpy.ops.ipoke.add_poke(tail=(0.2, 0.2), tip=(0.3, 0.3))
    return sampled


ACTIONS = {
    "choose_variant": {"index": 1},
    "show_bake": {},
    "show_still": {},
    "recall_settings": {},
    "show_job": {"index": 1},
    "delete_variant": {},
    "forget_like": {},
    "add_to_sequencer": {},
    "add_to_compositor": {},
    "add_poke": {"tail": (0.5, 0.5), "tip": (0.6, 0.6)},
}


def test_every_action_on_results_is_one_undo_step(rich):
    for action, arguments in ACTIONS.items():
        bpy.ops.ed.undo_push(message="Before")
        before = everything()
        assert getattr(bpy.ops.ipoke, action)("EXEC_DEFAULT", True, **arguments) == {"FINISHED"}, action
        assert everything() != before, action
        bpy.ops.ed.undo()
        assert everything() == before, action


@pytest.mark.parametrize("action", ["more_like_this", "reroll", "sample"])
def test_asking_for_variants_is_one_undo_step_and_they_come_all_the_same(rich, action, part, monkeypatch):
    timer = part("session.timer")
    bpy.ops.ed.undo_push(message="Before")
    before, count = plain(rich.ipoke), len(rich.ipoke.variants)
    rich.ipoke.lock_seed = before["lock_seed"] = False
    with monkeypatch.context() as window:
        window.setattr(part("operators.sampling"), "bpy", WithWindow())
        assert getattr(bpy.ops.ipoke, action)("EXEC_DEFAULT", True) == {"FINISHED"}
    asked = part("session.running").state().jobs[-1].job_id
    assert plain(bpy.context.active_object.ipoke) != before
    bpy.ops.ed.undo()
    after = plain(bpy.context.active_object.ipoke)
    for name in ("pokes", "seed", "like", "samples", "region", "shown", "active_variant"):
        assert after[name] == before[name], name
    timer.drive(lambda: part("session.running").outcome(asked) is not None)
    plate = bpy.context.active_object.ipoke
    assert len(plate.variants) == count + plate.samples
    assert {variant.complete for variant in plate.variants} == {True}
