"""The thing follows while an arrow or a pin is dragged: what a drag event does in Blender's own Python, and what it leaves."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.inside.test_drawing import Hand, context, screen  # noqa: F401

TAIL, TIP = (0.5, 0.3), (0.65, 0.35)
LIGHTS = ((0.0, 0.0, 0.0), (0.18, 0.18, 0.18), (1.0, 1.0, 1.0), (0.9, 0.1, 0.02), (0.05, 0.4, 0.9), (6.0, 3.0, 1.0))


@pytest.fixture
def plane(plate) -> bpy.types.Object:
    """A plane without arrows whose thing is a head on a stem, by the artist's own mask."""
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    obj = bpy.context.active_object
    width, height = obj.ipoke.still.size
    rows, columns = np.indices((height, width))
    mark = (np.hypot(rows - 0.3 * height, columns - 0.5 * width) < 0.2 * height) | (
        (abs(columns - 0.5 * width) < 0.02 * width) & (rows > 0.3 * height)
    )
    mask = bpy.data.images.new("Mask", width, height)
    mask.pixels.foreach_set(np.repeat(mark[::-1, :, None], 4, axis=2).astype(np.float32).ravel())
    obj.ipoke.thing.source, obj.ipoke.thing.image = "IMAGE", mask
    return obj


@pytest.fixture
def hand(context) -> Hand:  # noqa: F811
    return Hand(context)


def posed(part) -> list[np.ndarray]:
    """The poses that are shown from now on, in fractions of the plate off the rest."""
    puppets, shown = part("session.puppets"), []
    follow = puppets.follow

    def followed(*arguments: object) -> object:
        play = follow(*arguments)
        if play is not None:
            shown.append(play.pose - play.thing.puppet.rest)
        return play

    puppets.follow = followed
    return shown


@pytest.fixture
def poses(part):
    puppets = part("session.puppets")
    follow = puppets.follow
    yield posed(part)
    puppets.follow = follow


def data_blocks() -> dict[str, set[str]]:
    """The names of everything that the file holds."""
    kinds = ("images", "scenes", "objects", "meshes", "materials", "textures")
    return {kind: set(getattr(bpy.data, kind).keys()) for kind in kinds}


def test_the_thing_follows_the_tip_and_an_escape_changes_nothing(hand, context, plane, poses, part):  # noqa: F811
    before = data_blocks()
    way = [screen(context, plane, (x, 0.3 + x / 10)) for x in np.linspace(TAIL[0], TIP[0], 8)]
    assert hand.drag(*way, end="ESC") == {"CANCELLED"}
    assert len(poses) == len(way)
    assert np.abs(poses[0]).max() < 1e-6
    assert np.abs(poses[-1][:, 0]).max() == pytest.approx(TIP[0] - TAIL[0], rel=0.3)
    assert part("session.puppets").state().play is None
    assert data_blocks() == before
    assert not plane.ipoke.pokes


def test_arrows_that_are_there_stay_at_their_tips_and_pins_where_they_are(hand, context, plane, poses, part):  # noqa: F811
    bpy.ops.ipoke.add_poke(tail=(0.45, 0.2), tip=(0.4, 0.2))
    bpy.ops.ipoke.add_pin(at=(0.5, 0.6))
    hand.drag(screen(context, plane, TAIL), screen(context, plane, (0.52, 0.32)))
    puppet = part("session.puppets").state().last.puppet
    moved = {at: poses[-1][int(np.hypot(*(puppet.rest - at).T).argmin())] for at in ((0.45, 0.2), (0.5, 0.6), (0.5, 0.99))}
    assert moved[(0.45, 0.2)] == pytest.approx((-0.05, 0.0), abs=0.02)
    assert np.abs(moved[(0.5, 0.6)]).max() < 0.02
    assert np.abs(moved[(0.5, 0.99)]).max() < 0.01


def test_a_click_on_the_ground_frees_it_and_undo_of_the_switch_holds_it_again(hand, context, plane, part):  # noqa: F811
    part("session.puppets").of(plane)
    (place, *_) = part("session.puppets").ground(plane)
    assert place[1] > 0.9
    assert hand.drag(screen(context, plane, place)) == {"FINISHED"}
    assert plane.ipoke.free_ground
    assert not plane.ipoke.pokes
    assert part("session.puppets").ground(plane) == []
    plane.ipoke.free_ground = False
    assert part("session.puppets").ground(plane)


def test_without_a_thing_a_drag_is_as_ever(hand, context, plane, poses, part):  # noqa: F811
    plane.ipoke.thing.source = "REGION"
    assert hand.drag(screen(context, plane, TAIL), screen(context, plane, TIP)) == {"FINISHED"}
    assert not poses
    assert len(plane.ipoke.pokes) == 1


@pytest.mark.parametrize("transform", ["Standard", "AgX", "Filmic"])
def test_light_becomes_the_colours_that_blender_itself_renders(plane, part, transform):
    scene, colours = bpy.context.scene, part("drawing.colours")
    scene.view_settings.view_transform = transform
    before = data_blocks()
    table = colours.table_of(scene)
    assert data_blocks() == before
    for light in LIGHTS:
        stops = (np.log2(np.maximum(light, 1e-9)) - colours.DARKEST) / (colours.BRIGHTEST - colours.DARKEST)
        assert looked_up(table, np.clip(stops, 0, 1)) == pytest.approx(rendered(scene, light), abs=0.03), light


def looked_up(table: np.ndarray, place: np.ndarray) -> np.ndarray:
    """What a graphics card reads of a table at a place in [0, 1]: red last in the table's axes."""
    at = place[::-1] * (len(table) - 1)
    low = np.minimum(at.astype(int), len(table) - 2)
    share, found = at - low, np.zeros(3)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod([s if up else 1 - s for up, s in zip(corner, share, strict=True)])
        found += weight * table[tuple(low + corner)]
    return found


def rendered(scene: bpy.types.Scene, light: tuple[float, float, float]) -> np.ndarray:
    """The colour that Blender saves of a picture of this light."""
    image = bpy.data.images.new("Light", 4, 4, float_buffer=True)
    image.pixels.foreach_set(np.tile((*light, 1.0), 16).astype(np.float32))
    path = bpy.app.tempdir + "light.png"
    scene.render.image_settings.file_format = "PNG"
    image.save_render(path, scene=scene)
    saved = bpy.data.images.load(path, check_existing=False)
    colour = np.array(saved.pixels[:3])
    bpy.data.images.remove(saved)
    bpy.data.images.remove(image)
    return colour
