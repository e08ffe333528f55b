"""An artist's first hour with the mouse in a real Blender window, checked against what the file holds. See README.md."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
from mathutils import Vector

sys.path.insert(0, str(Path(__file__).parent))

from hand import (
    CONNECTION_FILE,
    MODULE,
    at_rest,
    busy,
    click,
    drag,
    move,
    override,
    part,
    play,
    press,
    screen,
    set_up,
    shoot,
    tap,
    timed,
    told,
    wait_until,
    window,
)

HEAD = ((0.29, 0.33), (0.37, 0.27))
STEM = ((0.29, 0.72), (0.36, 0.6))
STEM_LATER = (0.34, 0.68)
THING = HEAD
STROKE = ((0.56, 0.9), (0.64, 0.9))
"""Over the grass in front, where no thing is found."""
OTHER = ((0.82, 0.78), (0.75, 0.66))
ELSEWHERE = ((0.6, 0.3), (0.68, 0.4))
SECOND_VARIANT = (948, 448)
"""The button of the second variant while Variants alone is open, in pixels of a window of 1280 x 800 from the bottom left."""
PLATE_HEADER = (830, 703)
"""The header of the panel Plate. Ctrl and a click open a panel and close the others, whose headers then stand in a stack."""
PLATE_PX, HEADER_PX = 115, 28
"""How high an open panel Plate is below its header, and each header."""
MOTION = (930, 389)
"""The button of the first motion, while Transfer alone is open."""
BESIDE = (0.5, 1.25)
BELOW_PX = 90
TOLERANCE = 0.01


def near(a: Vector, b: tuple[float, float]) -> bool:
    return math.dist(tuple(a), b) < TOLERANCE


def plate() -> bpy.types.PropertyGroup:
    """The plate; undo makes it anew, so nobody keeps it."""
    return bpy.context.active_object.ipoke


def draw_and_edit() -> Iterator[float]:
    obj = bpy.context.active_object
    pokes = obj.ipoke.pokes
    shoot("first_use")
    yield from drag(screen(obj, HEAD[0]), screen(obj, HEAD[1]))
    assert len(pokes) == 1, len(pokes)
    assert near(pokes[0].tail, HEAD[0])
    assert near(pokes[0].tip, HEAD[1])

    yield from drag(screen(obj, STEM[0]), screen(obj, STEM[1]), release=False)
    shoot("drawing")
    press("ESC", screen(obj, STEM[1]))
    yield 0.2
    press("LEFTMOUSE", screen(obj, STEM[1]), "RELEASE")
    yield 0.2
    assert len(pokes) == 1, "Esc keeps nothing"

    yield from drag(screen(obj, STEM[0]), screen(obj, STEM[1]))
    assert len(pokes) == 2, len(pokes)
    move(screen(obj, STEM[1]))
    yield from at_rest()
    shoot("draw")
    assert part_lit() == (1, "TIP"), part_lit()
    move(screen(obj, STEM[0]))
    yield 0.2
    assert part_lit() == (1, "TAIL"), part_lit()
    yield from drag(screen(obj, STEM[1]), screen(obj, STEM_LATER))
    assert near(pokes[1].tip, STEM_LATER)
    assert near(pokes[1].tail, STEM[0])

    press("Z", screen(obj, (0.5, 0.5)), ctrl=True)
    yield 0.3
    obj = bpy.context.active_object
    assert near(obj.ipoke.pokes[1].tip, STEM[1]), "undo takes one step"
    press("Z", screen(obj, (0.5, 0.5)), ctrl=True, shift=True)
    yield 0.3
    obj = bpy.context.active_object
    assert near(obj.ipoke.pokes[1].tip, STEM_LATER), "redo brings it back"


def draw_a_third() -> Iterator[float]:
    obj = bpy.context.active_object
    yield from drag(screen(obj, OTHER[0]), screen(obj, OTHER[1]))
    assert len(plate().pokes) == 3
    assert near(plate().pokes[2].tip, OTHER[1])
    yield from at_rest()
    shoot("three_arrows")
    yield from tap("X", screen(obj, OTHER[1]))
    assert len(plate().pokes) == 2, "X removes the arrow under the mouse"
    yield from tap("Z", screen(obj, BESIDE), ctrl=True)
    assert len(plate().pokes) == 3, "undo brings it back"


def mend_the_thing() -> Iterator[float]:
    """What an arrow stands on is outlined; D and a drag adds to it, Shift D takes away, undo takes a stroke back."""
    bpy.ops.ed.undo_push(message="Image Plane")
    if CONNECTION_FILE:
        bpy.context.preferences.addons[MODULE].preferences.connection_file = CONNECTION_FILE
        yield from point_at_the_thing()
    with override():
        bpy.ops.ipoke.add_poke("EXEC_DEFAULT", True, tail=THING[0], tip=THING[1])
    yield 0.5
    yield from paint(STROKE)
    assert len(plate().thing.strokes) == 1
    assert covered(STROKE[1]) == 1, "what is painted is the thing"
    yield from paint(STROKE[:1], shift=True)
    assert [stroke.adds for stroke in plate().thing.strokes] == [True, False]
    assert (covered(STROKE[0]), covered(STROKE[1])) == (0, 1)
    beside = screen(bpy.context.active_object, BESIDE)
    move(beside)
    yield 0.5
    shoot("mended")
    for left in (1, 0):
        yield from tap("Z", beside, ctrl=True)
        assert len(plate().thing.strokes) == left, "undo takes one stroke"
    yield from tap("Z", beside, ctrl=True)
    assert not plate().pokes, "and then the arrow"


def point_at_the_thing() -> Iterator[float]:
    """The press shows what it takes, the wheel takes more or less of it, then it follows; with Alt it is shown before."""
    obj = bpy.context.active_object
    at, beside = screen(obj, THING[0]), screen(obj, BESIDE)
    move(at)
    yield 0.2
    press("LEFTMOUSE", at)
    yield from wait_until(lambda: part("session.things").is_settled(plate()), "the thing under the arrow")
    yield 0.3
    shoot("thing")
    assert covered(THING[0]) == 1, "the thing under the arrow"
    sides = [part("session.things").known(obj).mask.sum()]
    for turn in ("WHEELUPMOUSE", "WHEELDOWNMOUSE", "WHEELDOWNMOUSE"):
        press(turn, at)
        yield 1.0
        shoot(f"thing_{plate().thing.level}")
        sides.append(part("session.things").known(obj).mask.sum())
    assert sides[3] < sides[2] == sides[0] < sides[1], "the wheel takes more and less"
    move(screen(obj, THING[1]))
    yield from wait_until(lambda: part("session.puppets").state().play is not None, "the thing that follows")
    press("ESC", screen(obj, THING[1]))
    yield 0.2
    press("LEFTMOUSE", screen(obj, THING[1]), "RELEASE")
    yield 0.3
    assert (plate().thing.level, len(plate().pokes)) == ("thing", 0), "Esc keeps nothing"
    move(at)
    yield 0.2
    press("LEFT_ALT", at, alt=True)
    window().event_simulate("MOUSEMOVE", "NOTHING", x=at[0] + 1, y=at[1], alt=True)
    yield from wait_until(lambda: part("session.pointer").state().candidate is not None, "what a click would take")
    yield 0.5
    shoot("peeked")
    press("LEFT_ALT", at, "RELEASE")
    move(beside)
    yield from wait_until(lambda: part("session.pointer").state().candidate is None, "the end of that")


def paint(way: tuple[tuple[float, float], ...], *, shift: bool = False) -> Iterator[float]:
    """Hold D and drag along some places of the plate."""
    obj = bpy.context.active_object
    move(screen(obj, way[0]))
    yield 0.2
    press("D", screen(obj, way[0]), shift=shift)
    yield 0.2
    yield from drag(screen(obj, way[0]), screen(obj, way[-1]), shift=shift)
    press("D", screen(obj, way[-1]), "RELEASE")
    yield 0.4


def covered(at: tuple[float, float]) -> float:
    """How much the thing covers a place of the plate."""
    known = part("session.things").known(bpy.context.active_object)
    height, width = known.mask.shape
    return round(float(known.mask[int(at[1] * height), int(at[0] * width)]), 1)


def part_lit() -> tuple[int, str] | None:
    """Which part of which arrow lights up under the mouse."""
    lit = part("session.pointer").state().hovered
    return (lit[0], lit[1].name) if isinstance(lit, tuple) else None


def copy_and_clamp() -> Iterator[float]:
    obj = bpy.context.active_object
    middle = tuple((a + b) / 2 for a, b in zip(*HEAD, strict=True))
    aside = (middle[0] + 0.3, middle[1] + 0.1)
    yield from drag(screen(obj, middle), screen(obj, aside), alt=True)
    assert len(obj.ipoke.pokes) == 4, "Alt leaves a copy"
    assert near(obj.ipoke.pokes[0].tail, HEAD[0]), "and the arrow where it was"
    press("X", screen(obj, aside))
    yield 0.3
    obj = bpy.context.active_object
    assert len(obj.ipoke.pokes) == 3

    a, b = screen(obj, (0.1, 0.9)), screen(obj, (0.9, 0.9))
    yield from drag(a, b, release=False)
    shoot("longest")
    press("ESC", b)
    yield 0.2
    press("LEFTMOUSE", b, "RELEASE")
    yield 0.2
    assert len(obj.ipoke.pokes) == 3


def edit_region() -> Iterator[float]:
    obj = bpy.context.active_object
    obj.ipoke.use_region = True
    bpy.ops.ed.undo_push(message="Own Region")
    yield 0.3
    left, top, right, bottom = obj.ipoke.region
    yield from drag(screen(obj, (right, bottom)), screen(obj, (right - 0.1, bottom - 0.1)))
    assert math.dist(obj.ipoke.region, (left, top, right - 0.1, bottom - 0.1)) < TOLERANCE, tuple(obj.ipoke.region)
    move(screen(obj, (left, top)))
    yield 0.3
    shoot("region")
    press("Z", screen(obj, (0.5, 0.5)), ctrl=True)
    yield 0.3
    obj = bpy.context.active_object
    assert math.dist(obj.ipoke.region, (left, top, right, bottom)) < TOLERANCE, "undo takes one step"
    obj.ipoke.use_region = False
    bpy.ops.ed.undo_push(message="Automatic Region")


def rotate_and_draw() -> Iterator[float]:
    obj = bpy.context.active_object
    obj.rotation_euler = (0.3, 0.4, -0.5)
    obj.scale = (0.9, 1.0, 0.7)
    yield 0.3
    yield from drag(screen(obj, ELSEWHERE[0]), screen(obj, ELSEWHERE[1]))
    poke = obj.ipoke.pokes[3]
    assert near(poke.tail, ELSEWHERE[0])
    assert near(poke.tip, ELSEWHERE[1])
    yield from at_rest()
    shoot("any_placement")
    move(screen(obj, ELSEWHERE[1]))
    yield 0.2
    press("X", screen(obj, ELSEWHERE[1]))
    yield 0.3
    assert len(plate().pokes) == 3, "X removes the arrow under the mouse"


def sample() -> Iterator[float]:
    """Shift P samples; frames play on the plane while they arrive."""
    bpy.context.preferences.addons[MODULE].preferences.connection_file = CONNECTION_FILE
    obj = bpy.context.active_object
    obj.rotation_euler, obj.scale = (0, 0, 0), (1, 1, 1)
    obj.ipoke.seed, obj.ipoke.lock_seed = 7, True
    bpy.ops.ed.undo_push(message="Straight")
    yield 0.3
    took_ms = timed(part("session.timer"), "advance")
    yield from tap("P", screen(obj, BESIDE), shift=True)
    assert busy(), "Shift P samples"
    yield from wait_until(lambda: plate().variants and plate().variants[0].frames > 2, "the first frames")
    shoot("arriving")
    yield from wait_until(lambda: not busy(), "the variants")
    print(told("timer callbacks", took_ms), flush=True)
    assert len(plate().variants) == plate().samples, plate().message
    assert plate().shown == "VARIANT"
    assert bpy.context.screen.is_animation_playing, "it plays by itself"
    yield from tap("SPACE", screen(bpy.context.active_object, BESIDE))
    assert not bpy.context.screen.is_animation_playing
    bpy.context.scene.frame_set(plate().start_frame + plate().variants[0].frames // 2)
    yield 1.0
    shoot("variants")


def pick_and_play() -> Iterator[float]:
    """A click on a variant's button puts it on the plane; the space bar plays it."""
    obj = bpy.context.active_object
    yield from open_alone(4)
    shoot("variants_panel")
    yield from click(SECOND_VARIANT)
    assert plate().active_variant == 1, "the second variant's button"
    assert "variant_01" in plate().clip.filepath
    before = bpy.context.scene.frame_current
    yield from tap("SPACE", screen(obj, BESIDE))
    assert bpy.context.screen.is_animation_playing
    yield 1.5
    yield from tap("SPACE", screen(obj, BESIDE))
    assert not bpy.context.screen.is_animation_playing
    assert bpy.context.scene.frame_current != before


def open_alone(number: int) -> Iterator[float]:
    """Open one panel of the tab, counted from 0, and close the others."""
    x, y = PLATE_HEADER
    yield from click((x, y), ctrl=True)
    yield from click((x, y - PLATE_PX - number * HEADER_PX), ctrl=True)
    yield 0.8  # the panels glide to their places


def bake() -> Iterator[float]:
    """The pie menu's lower entry bakes; the bake goes into the sequencer as well."""
    wanted = plate().bake
    wanted.fit, wanted.length, wanted.loop, wanted.place = True, 24, "closed", "SEQUENCER"
    at = screen(bpy.context.active_object, (0.8, 0.3))
    yield from tap("P", at)
    yield 1.5
    shoot("pie")
    yield from click((at[0], at[1] - BELOW_PX))
    assert busy(), "the pie menu bakes"
    yield from wait_until(lambda: not busy(), "the bake")
    assert plate().shown == "BAKE", plate().message
    assert plate().variants[1].baked_frames == 24
    editor = bpy.context.scene.sequence_editor
    strips = list(editor.strips if hasattr(editor, "strips") else editor.sequences)
    assert [len(strip.elements) for strip in strips] == [24]
    bpy.context.scene.frame_set(20)
    yield 1.0
    shoot("bake")
    yield from open_alone(5)
    shoot("bake_panel")
    with override():
        bpy.ops.ipoke.show_still("INVOKE_DEFAULT")
    yield 0.5
    assert plate().shown == "STILL"


def transfer() -> Iterator[float]:
    """The motion of the chosen variant goes into the library, and is replayed on the plate."""
    library = Path(bpy.app.tempdir) / "library"
    bpy.context.preferences.addons[MODULE].preferences.library_folder = str(library)
    with override():
        bpy.ops.ipoke.extract_from_variant("INVOKE_DEFAULT", name="sway")
    yield from wait_until(lambda: not busy(), "the motion")
    file = library / "sway.kin.safetensors"
    assert file.is_file(), plate().message
    count = len(plate().variants)
    plate().replay_strength = 1.25
    bpy.ops.ed.undo_push(message="Strength")
    yield from open_alone(6)
    yield 3.5  # the library is looked through every few seconds
    yield from click(MOTION)
    yield from wait_until(lambda: not busy(), "the replay")
    assert len(plate().variants) == count + 1
    job = plate().jobs[-1]
    assert (job.kinematics, job.strength, job.mirror) == (str(file), 1.25, False), "as the panel says"
    bpy.context.scene.frame_set(plate().variants[-1].frames)
    yield 1.0
    shoot("transfer")
    shutil.rmtree(library)


def undo_results() -> Iterator[float]:
    """Undo takes what is shown back step by step; variants that are on disk stay in the list."""
    count = len(bpy.context.active_object.ipoke.variants)
    for shift in (False, False, False, True, True):
        press("Z", screen(bpy.context.active_object, (0.5, 0.5)), ctrl=True, shift=shift)
        yield 0.5
        assert len(bpy.context.active_object.ipoke.variants) == count
    with override():
        bpy.ops.ipoke.choose_variant("INVOKE_DEFAULT", index=1)
    yield 0.5
    assert bpy.context.active_object.ipoke.shown == "VARIANT"


def live_preview() -> Iterator[float]:
    """In live mode letting an arrow go brings one preview, and the next one takes its place."""
    obj = bpy.context.active_object
    yield from open_alone(3)
    obj.ipoke.live = True
    bpy.ops.ed.undo_push(message="Live")
    for tip in ((0.33, 0.2), (0.36, 0.36)):
        yield from drag(screen(obj, tuple(obj.ipoke.pokes[0].tip)), screen(obj, tip))
        yield from wait_until(lambda: not busy(), "the preview")
        yield 0.3
    obj = bpy.context.active_object
    assert [job.live for job in obj.ipoke.jobs].count(True) == 1
    assert obj.ipoke.variants[obj.ipoke.active_variant].job_id == obj.ipoke.jobs[-1].name
    shoot("live")


def in_german() -> Iterator[float]:
    """Labels fit, and say what they mean, in a language that Blender has other words for."""
    try:
        bpy.context.preferences.view.language = "de_DE"
    except TypeError:
        print("scenario: this Blender has no German", flush=True)
        return
    bpy.context.preferences.view.use_translate_interface = True
    yield 1.0
    assert bpy.app.translations.pgettext_iface("Sample", "iPOKE") == "Varianten erzeugen"
    yield from open_alone(4)
    yield 0.5
    shoot("german")


def story() -> Iterator[float]:
    yield from set_up()
    yield from mend_the_thing()
    yield from draw_and_edit()
    yield from draw_a_third()
    yield from copy_and_clamp()
    yield from edit_region()
    yield from rotate_and_draw()
    if not CONNECTION_FILE:
        print("scenario: without IPOKE_CONNECTION_FILE nothing is sampled", flush=True)
        return
    yield from sample()
    yield from pick_and_play()
    yield from bake()
    yield from undo_results()
    yield from transfer()
    yield from live_preview()
    yield from in_german()


play(story())
