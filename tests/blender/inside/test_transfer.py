"""The motion of a variant, and of a folder of images, on another plate."""

from __future__ import annotations

import importlib
import json
import shutil
from array import array
from pathlib import Path

import bpy
import pytest

from .conftest import MODULE
from .shots import folder


@pytest.fixture
def library(tmp_path, extension) -> Path:
    """An empty library."""
    chosen = bpy.context.preferences.addons[MODULE].preferences
    chosen.library_folder = str(tmp_path / "library")
    yield tmp_path / "library"
    chosen.library_folder = ""


@pytest.fixture
def sampled(plane, tmp_path) -> bpy.types.Object:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    plane.ipoke.samples, plane.ipoke.seed, plane.ipoke.lock_seed = 1, 7, True
    assert bpy.ops.ipoke.sample() == {"FINISHED"}
    return plane


def frames_of(obj: bpy.types.Object) -> Path:
    variant = obj.ipoke.variants[obj.ipoke.active_variant]
    return Path(bpy.path.abspath(obj.ipoke.jobs[variant.job_id].folder)) / f"variant_{variant.index:02d}"


def test_a_motion_is_taken_out_kept_and_replayed_and_baked_on_another_plate(sampled, library, plate, tmp_path):
    assert bpy.ops.ipoke.extract_from_variant(name="sway") == {"FINISHED"}
    file = library / "sway.kin.safetensors"
    assert file.is_file()
    assert (library / "sway.png").is_file()
    module = importlib.import_module(f"{MODULE}.session.motion_library")
    assert module.files() == [file]

    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other.blend"))
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    bpy.ops.ipoke.add_poke(tail=(0.6, 0.5), tip=(0.7, 0.45))
    obj = bpy.context.active_object
    assert bpy.ops.ipoke.transfer(filepath=str(file)) == {"FINISHED"}
    assert obj.ipoke.shown == "VARIANT"
    job = json.loads((frames_of(obj).parent / "job.json").read_text())
    assert job["kinematics"]["sha256"]
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    baked = json.loads((frames_of(obj).parent / "bake/variant_00/job.json").read_text())
    assert baked["kinematics"] == job["kinematics"]


def test_a_motion_is_replayed_stronger_and_mirrored_and_baked_so(sampled, library):
    bpy.ops.ipoke.extract_from_variant(name="sway")
    file = str(library / "sway.kin.safetensors")
    assert bpy.ops.ipoke.transfer(filepath=file) == {"FINISHED"}
    assert bpy.ops.ipoke.transfer(filepath=file, strength=1.5, mirror=True) == {"FINISHED"}
    plain, turned = (json.loads((folder(sampled, job.name) / "job.json").read_text()) for job in list(sampled.ipoke.jobs)[1:])
    assert turned["kinematics"]["mirror"]
    assert not plain["kinematics"]["mirror"]
    assert turned["pokes"][0][2:] == pytest.approx([1.5 * value for value in plain["pokes"][0][2:]])
    assert turned["variants"][0]["sha256"] != plain["variants"][0]["sha256"]
    assert not bpy.ops.ipoke.extract_from_variant.poll(), "the library has that motion already"
    sampled.ipoke.replay_strength, sampled.ipoke.replay_mirror, sampled.ipoke.seed = 0.5, False, 3
    assert bpy.ops.ipoke.recall_settings() == {"FINISHED"}
    assert (sampled.ipoke.replay_strength, sampled.ipoke.replay_mirror, sampled.ipoke.seed) == (1.5, True, 3)
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    baked = json.loads((frames_of(sampled).parent / "bake/variant_00/job.json").read_text())
    assert (baked["kinematics"]["mirror"], baked["pokes"]) == (True, turned["pokes"])


def test_a_folder_of_images_gives_its_motion_too(sampled, library, tmp_path):
    shot = tmp_path / "other_shot"
    shutil.copytree(frames_of(sampled), shot)
    first = min(shot.glob("*.png"))
    shutil.copyfile(first, shot / "frame_0000.png")
    assert bpy.ops.ipoke.extract_from_images(directory=str(shot)) == {"FINISHED"}
    assert (library / "other_shot.kin.safetensors").is_file()


def test_a_damaged_picture_is_named(sampled, library, tmp_path):
    shot = tmp_path / "other_shot"
    shutil.copytree(frames_of(sampled), shot)
    first = min(shot.glob("*.png"))
    (shot / "frame_0000.png").write_bytes(first.read_bytes()[:100])
    before = len(bpy.data.images)
    with pytest.raises(RuntimeError, match=r"frame_0000\.png is damaged or no picture, and the motion needs it"):
        bpy.ops.ipoke.extract_from_images(directory=str(shot))
    assert len(bpy.data.images) == before


def test_too_short_a_clip_and_missing_kinematics_are_sentences(sampled, library, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match="longer clip"):
        bpy.ops.ipoke.extract_from_images(directory=str(tmp_path / "empty"))
    with pytest.raises(RuntimeError, match="choose others"):
        bpy.ops.ipoke.transfer(filepath=str(library / "gone.kin.safetensors"))


MOVIE_FRAMES, MOVIE_PX = 24, (160, 120)
FIELD = (0.1, 0.2, 0.1)


@pytest.fixture(scope="session")
def movie(tmp_path_factory) -> Path:
    """A movie of a bright square that goes from left to right."""
    home = tmp_path_factory.mktemp("movie")
    for frame in range(1, MOVIE_FRAMES + 1):
        left, pixels = 5 * frame, array("f", (*FIELD, 1.0) * (MOVIE_PX[0] * MOVIE_PX[1]))
        for row in range(45, 75):
            start = 4 * (row * MOVIE_PX[0] + left)
            pixels[start : start + 4 * 30] = array("f", (0.9, 0.8, 0.1, 1.0) * 30)
        image = bpy.data.images.new("Frame", *MOVIE_PX)
        image.pixels.foreach_set(pixels)
        image.filepath_raw, image.file_format = str(home / f"{frame:04d}.png"), "PNG"
        image.save()
        bpy.data.images.remove(image)
    scene = bpy.data.scenes.new("Movie")
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strip = strips.new_image("Frames", str(home / "0001.png"), 1, 1)
    for frame in range(2, MOVIE_FRAMES + 1):
        strip.elements.append(f"{frame:04d}.png")
    scene.view_settings.view_transform = "Standard"
    render = scene.render
    render.resolution_x, render.resolution_y = MOVIE_PX
    render.resolution_percentage = 100
    if bpy.app.version >= (5, 0, 0):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MPEG4", "H264"
    scene.frame_start, scene.frame_end = 1, MOVIE_FRAMES
    path = home / "shot.mp4"
    render.filepath = str(path)
    bpy.ops.render.render(animation=True, scene=scene.name)
    bpy.data.scenes.remove(scene)
    return path


def frames_of_movie(movie: Path, *numbers: int) -> tuple[bytes, ...]:
    return importlib.import_module(f"{MODULE}.scene.images").movie_clip(movie, lambda total: list(numbers or range(1, total + 1)))


def test_a_movies_frames_are_read_as_they_are_and_nothing_is_left_of_the_reading(movie, tmp_path):
    before = {kind: len(getattr(bpy.data, kind)) for kind in ("scenes", "movieclips", "images", "textures")}
    frames = frames_of_movie(movie)
    assert len(frames) == 24
    assert len(set(frames)) == 24
    (tmp_path / "first.png").write_bytes(frames[0])
    image = bpy.data.images.load(str(tmp_path / "first.png"))
    assert tuple(image.size) == MOVIE_PX
    assert tuple(image.pixels[:3]) == pytest.approx(FIELD, abs=0.05)
    bpy.data.images.remove(image)
    after = {kind: len(getattr(bpy.data, kind)) for kind in before}
    assert after == before


def test_what_was_rendered_last_stays_when_a_movie_is_read(movie, tmp_path):
    render = bpy.context.scene.render
    render.resolution_x = render.resolution_y = 32
    render.engine = "CYCLES"
    bpy.context.scene.cycles.samples = 1
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.ops.render.render()
    result = next(image for image in bpy.data.images if image.type == "RENDER_RESULT")
    result.save_render(str(tmp_path / "before.png"))
    frames_of_movie(movie, 1)
    result.save_render(str(tmp_path / "after.png"))
    assert (tmp_path / "after.png").read_bytes() == (tmp_path / "before.png").read_bytes()


def test_a_movie_file_gives_its_motion(sampled, library, movie):
    assert bpy.ops.ipoke.extract_from_movie(filepath=str(movie), first=3) == {"FINISHED"}
    assert (library / "shot.kin.safetensors").is_file()
    assert (library / "shot.png").is_file()


def test_a_movie_clip_gives_its_motion_from_a_movie_and_from_images(sampled, library, movie, tmp_path):
    assert not bpy.ops.ipoke.extract_from_clip.poll()
    bpy.data.movieclips.load(str(movie))
    assert bpy.ops.ipoke.extract_from_clip(name="from a movie") == {"FINISHED"}
    for number, frame in enumerate(frames_of_movie(movie, *range(1, 13)), start=1):
        (tmp_path / f"shot_{number:03d}.png").write_bytes(frame)
    clip = bpy.data.movieclips.load(str(tmp_path / "shot_001.png"))
    assert bpy.ops.ipoke.extract_from_clip(clip=clip.name, name="from images") == {"FINISHED"}
    assert {path.name for path in library.glob("*.kin.safetensors")} == {
        "from_a_movie.kin.safetensors",
        "from_images.kin.safetensors",
    }


def test_what_is_no_movie_and_too_short_a_part_are_sentences(sampled, library, movie, tmp_path):
    (tmp_path / "notes.mp4").write_text("no movie")
    with pytest.raises(RuntimeError, match="no movie that Blender can read"):
        bpy.ops.ipoke.extract_from_movie(filepath=str(tmp_path / "notes.mp4"))
    with pytest.raises(RuntimeError, match="there are 4"):
        bpy.ops.ipoke.extract_from_movie(filepath=str(movie), first=21)
    bpy.data.movieclips.load(str(movie))
    with pytest.raises(RuntimeError, match="no movie clip"):
        bpy.ops.ipoke.extract_from_clip(clip="Another")


def test_without_a_backend_there_is_nothing_to_extract_with(plane, library):
    if bpy.ops.ipoke.stop_backend.poll():
        bpy.ops.ipoke.stop_backend()
    assert not bpy.ops.ipoke.extract_from_variant.poll()
    assert not bpy.ops.ipoke.extract_from_images.poll()
