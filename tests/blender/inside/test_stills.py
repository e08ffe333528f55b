"""A plate is what the plane shows: a frame of a sequence or a movie, what is packed, painted or generated, or a sentence."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from array import array
from pathlib import Path

import bpy
import numpy as np
import pytest

from .shots import sample, user

FRAMES = 6
SIZE_PX = (96, 64)


def rgba(level: float, alpha: float = 1.0) -> array:
    """A picture that has edges, and whose first pixel tells `level`."""
    width, height = SIZE_PX
    row = [value for x in range(width) for value in (level if x < 48 else 1 - level, x / width, 0.25, alpha)]
    return array("f", row * height)


@pytest.fixture(scope="session")
def footage(tmp_path_factory, extension) -> Path:
    """`shot.1001.png` to `shot.1006.png`."""
    home = tmp_path_factory.mktemp("footage")
    for number in range(FRAMES):
        image = bpy.data.images.new("Frame", *SIZE_PX)
        image.pixels.foreach_set(rgba(0.1 * number))
        image.filepath_raw, image.file_format = str(home / f"shot.{1001 + number}.png"), "PNG"
        image.save()
        bpy.data.images.remove(image)
    return home


@pytest.fixture(scope="session")
def movie(footage) -> Path:
    """The same as a movie."""
    scene = bpy.data.scenes.new("Movie")
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strip = strips.new_image("Frames", str(footage / "shot.1001.png"), 1, 1)
    for number in range(1002, 1001 + FRAMES):
        strip.elements.append(f"shot.{number}.png")
    render = scene.render
    scene.view_settings.view_transform = "Standard"
    render.resolution_x, render.resolution_y, render.resolution_percentage = *SIZE_PX, 100
    if bpy.app.version >= (5, 0, 0):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec, render.ffmpeg.constant_rate_factor = "MPEG4", "H264", "PERC_LOSSLESS"
    scene.frame_start, scene.frame_end = 1, FRAMES
    render.filepath = str(footage / "shot.mp4")
    bpy.ops.render.render(animation=True, scene=scene.name)
    bpy.data.scenes.remove(scene)
    return footage / "shot.mp4"


def textured(image: bpy.types.Image) -> bpy.types.Object:
    """A plane of the artist's own that shows an image, with an arrow."""
    bpy.ops.mesh.primitive_plane_add()
    obj, material = bpy.context.object, bpy.data.materials.new("Card")
    if material.node_tree is None:
        material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    obj.data.materials.append(material)
    return obj


def poked(obj: bpy.types.Object) -> bpy.types.Object:
    bpy.ops.ipoke.use_image()
    bpy.ops.ipoke.add_poke(tail=(0.4, 0.5), tip=(0.5, 0.4))
    return obj


def played(footage: Path, start: int = 1) -> bpy.types.Object:
    """A plane with the sequence, as Blender's own import of images as planes makes it."""
    image = bpy.data.images.load(str(footage / "shot.1001.png"))
    image.source = "SEQUENCE"
    obj = textured(image)
    timing = user(obj)
    timing.frame_duration, timing.frame_start, timing.frame_offset, timing.use_auto_refresh = FRAMES, start, 1000, True
    return poked(obj)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sampled(obj: bpy.types.Object) -> str:
    """The hash of what a new sample was made of."""
    sample(obj, samples=1)
    return obj.ipoke.jobs[-1].plate_sha256


def test_what_is_filled_in_behind_a_thing_belongs_to_one_frame_of_a_sequence(footage, part):
    obj, identity = played(footage), part("drawing.puppet")._identity
    first = identity(obj)
    bpy.context.scene.frame_set(3)
    assert identity(obj) != first
    bpy.context.scene.frame_set(1)
    assert identity(obj) == first


def test_what_plays_when_is_counted_as_blender_counts(footage, part):
    obj = played(footage)
    timing = user(obj)
    for frames, start, offset, cyclic in itertools.product((1, 5, 24), (1, -3, 7), (0, 1000, -1), (False, True)):
        timing.frame_duration, timing.frame_start, timing.frame_offset, timing.use_cyclic = frames, start, offset, cyclic
        for now in (-8, -4, 0, 1, 5, 6, 7, 13, 60):
            bpy.context.scene.frame_set(now)
            shown = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
            assert part("scene.stills").timing(timing).number(now) == user(shown).frame_current, (
                frames,
                start,
                offset,
                cyclic,
                now,
            )


def test_the_plate_is_the_frame_that_a_sequence_shows_now(footage):
    obj = played(footage, start=3)
    bpy.context.scene.frame_set(5)
    assert sampled(obj) == sha256(footage / "shot.1003.png")
    assert obj.ipoke.still_frame == 1003
    assert tuple(obj.ipoke.still.size) == SIZE_PX
    bpy.ops.ipoke.show_still()
    bpy.context.scene.frame_set(8)
    assert sampled(obj) == sha256(footage / "shot.1006.png")


def test_while_a_variant_plays_the_plate_stays_what_it_was(footage):
    obj = played(footage)
    bpy.context.scene.frame_set(2)
    first = sampled(obj)
    bpy.context.scene.frame_set(6)
    assert sampled(obj) == first == sha256(footage / "shot.1002.png")


def test_a_sequence_plays_again_as_before_when_the_still_is_shown(footage):
    obj = played(footage, start=-2)
    names = ("frame_duration", "frame_start", "frame_offset", "use_cyclic", "use_auto_refresh")
    before = [getattr(user(obj), name) for name in names]
    sampled(obj)
    assert [getattr(user(obj), name) for name in names] != before
    bpy.ops.ipoke.show_still()
    assert [getattr(user(obj), name) for name in names] == before


def test_a_variant_of_another_frame_is_baked_and_rolled_again_from_its_own(footage, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    obj = played(footage)
    bpy.context.scene.frame_set(2)
    first = sampled(obj)
    bpy.ops.ipoke.show_still()
    bpy.context.scene.frame_set(5)
    sampled(obj)
    obj.ipoke.active_variant = 0
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    bpy.ops.ipoke.show_still()
    assert bpy.ops.ipoke.reroll() == {"FINISHED"}
    assert obj.ipoke.jobs[-1].plate_sha256 == first
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    obj = bpy.context.active_object
    obj.ipoke.active_variant = 1
    bpy.context.scene.frame_set(1)
    assert bpy.ops.ipoke.bake(overwrite=True) == {"FINISHED"}


def test_a_frame_that_is_missing_is_named(footage, tmp_path):
    shutil.copy(footage / "shot.1001.png", tmp_path)
    played(tmp_path)
    bpy.context.scene.frame_set(3)
    with pytest.raises(RuntimeError, match=r"shot\.1003\.png, which the plane shows at this frame, can't be read"):
        bpy.ops.ipoke.sample()


def pixels_of(data: bytes, folder: Path) -> np.ndarray:
    (folder / "plate.png").write_bytes(data)
    image = bpy.data.images.load(str(folder / "plate.png"), check_existing=False)
    found = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)
    bpy.data.images.remove(image)
    return found


def test_the_plate_is_the_frame_that_a_movie_shows_now(movie, part, tmp_path):
    bpy.ops.ipoke.add_plate(filepath=str(movie))
    obj = bpy.context.active_object
    assert (user(obj).frame_duration, user(obj).use_auto_refresh) == (FRAMES, True)
    bpy.ops.ipoke.add_poke(tail=(0.4, 0.5), tip=(0.5, 0.4))
    bpy.context.scene.frame_set(4)
    told = sampled(obj)
    stills = part("scene.stills")
    data = stills.read(obj.ipoke.still, 4)
    assert told == hashlib.sha256(data).hexdigest(), "the same bytes each time"
    assert float(pixels_of(data, tmp_path)[5, 5, 0]) == pytest.approx(0.3, abs=0.03)
    assert stills.read(obj.ipoke.still, 99) == stills.read(obj.ipoke.still, FRAMES), "it stays on its last frame"
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    bpy.ops.ipoke.show_still()
    assert user(obj).frame_duration == FRAMES


def test_a_movie_of_ten_bits_is_a_plate_of_sixteen(part, tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "ten.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("prores_ks", rate=24)
        stream.width, stream.height, stream.pix_fmt = *SIZE_PX, "yuv422p10le"
        grey = np.full((SIZE_PX[1], SIZE_PX[0], 3), 130, np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format="yuv422p10le")))
        container.mux(stream.encode())
    data = part("scene.stills").read(bpy.data.images.load(str(path)), 1)
    assert data[24] == 16
    assert pixels_of(data, tmp_path)[5, 5, 0] == pytest.approx(((130 / 255 + 0.055) / 1.055) ** 2.4, abs=0.01)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "size_px", "rotation", "colour"),
    [
        ("a.mp4", "libx264", "yuv420p", SIZE_PX, None, None),
        ("a.mov", "libx264", "yuv420p", SIZE_PX, 90, None),
        ("a.mov", "libx264", "yuv420p", SIZE_PX, 270, (6, 1)),
        ("a.mp4", "libx264", "yuv420p", (1280, 720), None, (1, 1)),
        ("a.mov", "prores_ks", "yuv422p10le", SIZE_PX, None, None),
        ("a.webm", "libvpx-vp9", "yuv420p", SIZE_PX, None, None),
    ],
)
def test_the_backend_reads_of_a_video_what_blender_shows(part, tmp_path, name, codec, pix_fmt, size_px, rotation, colour):
    pytest.importorskip("av")
    from ipoke_media import video
    from tests.media.videos import counting, write

    options = {} if codec == "prores_ks" else {"crf": "4"}
    frames = counting(4, *size_px)
    path = write(tmp_path / name, frames, codec, pix_fmt, rotation=rotation, colour=colour, options=options)
    read = list(video.read_frames(path))[2].astype(float)
    shown = pixels_of(part("scene.images").movie_frame(path, 3), tmp_path)[::-1, :, :3]
    if codec == "prores_ks":  # 16 bits, which Blender turns into light
        shown = np.where(shown <= 0.0031308, shown * 12.92, 1.055 * np.maximum(shown, 1e-9) ** (1 / 2.4) - 0.055)
    assert read.shape == shown.shape
    assert np.abs(read - 255 * shown).mean() < 2


def test_of_a_clip_what_is_transparent_is_on_black(part, tmp_path):
    pytest.importorskip("av")
    from tests.media.videos import marked, write

    clear = np.dstack([marked(), np.full((64, 96), 255, np.uint8)])
    clear[:32, :48, 3], clear[:32, 48:, 3] = 0, 128
    path = write(tmp_path / "a.mov", [clear, clear], "qtrle", "argb", options={})
    (frame,) = part("scene.images").movie_clip(path, lambda total: [total])
    shown = np.rint(255 * pixels_of(frame, tmp_path)[::-1])
    assert [tuple(shown[place][:3]) for place in ((10, 10), (50, 10))] == [(0, 0, 0), (30, 30, 200)]
    assert shown[10, 80, 1] == pytest.approx(90, abs=1)
    whole = np.rint(255 * pixels_of(part("scene.images").movie_frame(path, 1), tmp_path)[::-1])
    assert (whole[10, 10, 3], whole[10, 80, 3], whole[50, 10, 3]) == (0, 128, 255), "a plate keeps its alpha"


def test_a_movie_larger_than_models_see_is_read_whole(part, tmp_path):
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 1280, 720
    scene = bpy.context.scene
    strips = scene.sequence_editor_create()
    strips = strips.strips if hasattr(strips, "strips") else strips.sequences
    for number, (colour, left) in enumerate((((1, 0, 0), 0), ((0, 0, 1), 1100)), start=1):
        strip = strips.new_effect(name=f"Bar {number}", type="COLOR", channel=number, frame_start=1, **_lasting(3))
        strip.color = colour
        strip.transform.scale_x, strip.transform.offset_x = 180 / 1280, left - 640 + 90
    if bpy.app.version >= (5, 0, 0):
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "H264"
    scene.view_settings.view_transform = "Standard"
    scene.frame_start, scene.frame_end, scene.render.filepath = 1, 3, str(tmp_path / "bars.mp4")
    bpy.ops.render.render(animation=True)
    (data,) = part("scene.images").movie_clip(tmp_path / "bars.mp4", lambda total: [total])
    found = pixels_of(data, tmp_path)
    assert found.shape[:2] == (360, 640)
    assert found[180, 20, 0] > 0.8, "its left end"
    assert found[180, 610, 2] > 0.8, "its right end"


def _lasting(frames: int) -> dict[str, int]:
    return {"length": frames} if bpy.app.version >= (5, 0, 0) else {"frame_end": 1 + frames}


@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_what_is_painted_is_a_plate_as_it_is_stored(part, tmp_path, alpha):
    image = bpy.data.images.new("Painted", *SIZE_PX, alpha=True)
    wanted = rgba(0.2, alpha)
    image.pixels.foreach_set(wanted)
    obj = poked(textured(image))
    assert sampled(obj)
    found = pixels_of(part("scene.stills").read(image), tmp_path)
    assert np.abs(found.ravel() - np.array(wanted)).max() < 0.003
    assert image.is_dirty, "it is not saved by being read"


def test_a_picture_that_is_painted_over_is_a_plate_without_being_saved(footage, part, tmp_path):
    shutil.copy(footage / "shot.1001.png", tmp_path / "own.png")
    image = bpy.data.images.load(str(tmp_path / "own.png"))
    before = sha256(tmp_path / "own.png")
    image.pixels[0] = 1.0
    assert image.is_dirty
    assert sampled(poked(textured(image))) != before
    assert sha256(tmp_path / "own.png") == before
    assert pixels_of(part("scene.stills").read(image), tmp_path)[0, 0, 0] == 1.0


def test_generated_light_keeps_its_range(part, tmp_path):
    image = bpy.data.images.new("Light", *SIZE_PX, float_buffer=True)
    bright = array("f", [4.0, 0.5, -0.25, 1.0] * (SIZE_PX[0] * SIZE_PX[1]))
    image.pixels.foreach_set(bright)
    data = part("scene.stills").read(image)
    (tmp_path / "light.exr").write_bytes(data)
    read = bpy.data.images.load(str(tmp_path / "light.exr"))
    assert tuple(read.pixels[:4]) == pytest.approx((4.0, 0.5, -0.25, 1.0))
    image.pixels.foreach_set(rgba(0.3))
    obj = poked(textured(image))
    sampled(obj)
    assert obj.ipoke.clip.colorspace_settings.name == "Linear Rec.709"
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert obj.ipoke.variants[0].baked_file.endswith(".exr")


def test_a_packed_picture_is_read_from_the_file_that_is_inside(footage):
    image = bpy.data.images.load(str(footage / "shot.1002.png"))
    image.pack()
    image.filepath = "/gone/elsewhere.png"
    assert sampled(poked(textured(image))) == sha256(footage / "shot.1002.png")


def test_images_that_are_no_one_picture_say_what_to_do():
    poked(textured(bpy.data.images.new("Tiles", *SIZE_PX, tiled=True)))
    with pytest.raises(RuntimeError, match="Tiles is a UDIM image, and a plate is one picture; choose the file"):
        bpy.ops.ipoke.sample()
    gone = bpy.data.images.new("Nothing", *SIZE_PX)
    gone.source, gone.filepath = "FILE", "/gone/nothing.png"
    poked(textured(gone))
    with pytest.raises(RuntimeError, match=r"/gone/nothing\.png can't be read: No such file"):
        bpy.ops.ipoke.sample()


def test_a_reference_that_plays_is_converted_with_its_timing(footage):
    image = bpy.data.images.load(str(footage / "shot.1001.png"))
    image.source = "SEQUENCE"
    empty = bpy.data.objects.new("Reference", None)
    empty.empty_display_type, empty.data = "IMAGE", image
    bpy.context.collection.objects.link(empty)
    timing = empty.image_user
    timing.frame_duration, timing.frame_start, timing.frame_offset = FRAMES, 3, 1000
    bpy.context.view_layer.objects.active = empty
    bpy.context.scene.frame_set(4)
    assert bpy.ops.ipoke.convert_empty() == {"FINISHED"}
    obj = bpy.context.active_object
    assert (user(obj).frame_duration, user(obj).frame_start, user(obj).frame_offset) == (FRAMES, 3, 1000)
    bpy.ops.ipoke.add_poke(tail=(0.4, 0.5), tip=(0.5, 0.4))
    assert sampled(obj) == sha256(footage / "shot.1002.png")
