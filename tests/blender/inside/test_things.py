"""What a plate's arrows stand on: from alpha and own masks without a backend, mended by strokes, kept with the file."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

SIZE_PX = (120, 80)
LEFT, RIGHT = (0.25, 0.5), (0.75, 0.5)


def image_of(pixels: np.ndarray, name: str) -> bpy.types.Image:
    """An image in memory of (H, W, 4) pixels in [0, 1], the first row on top."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1], np.float32).ravel())
    return image


def save_png(pixels: np.ndarray, path: Path) -> None:
    """Save (H, W, 4) pixels in [0, 1], the first row on top."""
    image = image_of(pixels, path.stem)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


def two_discs() -> np.ndarray:
    y, x = np.mgrid[: SIZE_PX[1], : SIZE_PX[0]] + 0.5
    discs = [np.hypot(x - cx * SIZE_PX[0], y - cy * SIZE_PX[1]) < 15 for cx, cy in (LEFT, RIGHT)]
    return np.logical_or(*discs).astype(np.float32)


@pytest.fixture
def cut_out(tmp_path) -> bpy.types.Object:
    """A plane of two discs on nothing, saved as a PNG, with an arrow on the left one."""
    alpha = two_discs()
    pixels = np.dstack([np.full_like(alpha, 0.5)] * 3 + [alpha])
    save_png(pixels, tmp_path / "discs.png")
    bpy.ops.ipoke.add_plate(filepath=str(tmp_path / "discs.png"))
    bpy.ops.ipoke.add_poke(tail=LEFT, tip=(0.3, 0.4))
    return bpy.context.active_object


def at(mask: np.ndarray, place: tuple[float, float]) -> float:
    return float(mask[int(place[1] * mask.shape[0]), int(place[0] * mask.shape[1])])


@pytest.fixture
def known(part):
    return part("session.things").known


def test_a_cut_outs_thing_is_the_part_below_the_arrows(cut_out, known):
    found = known(cut_out)
    assert found.origin == "alpha"
    assert found.mask.shape == SIZE_PX[::-1]
    assert found.mask.dtype == np.float32
    assert (at(found.mask, LEFT), at(found.mask, RIGHT)) == (1, 0)
    bpy.ops.ipoke.add_poke(tail=RIGHT, tip=(0.7, 0.4))
    assert at(known(cut_out).mask, RIGHT) == 1
    cut_out.ipoke.pokes[0].enabled = False
    assert at(known(cut_out).mask, LEFT) == 0


def test_a_photograph_has_no_thing_that_blender_knows_and_neither_has_a_whole_region(plane, known, cut_out):
    assert known(plane) is None
    cut_out.ipoke.thing.source = "REGION"
    assert known(cut_out) is None
    assert known(None) is None


def test_an_own_mask_goes_before_everything_and_repainting_it_changes_the_thing(plane, known, part):
    pixels = np.zeros((90, 160, 4), np.float32)
    pixels[..., 3] = 1
    pixels[20:40, 30:60, :3] = 1
    mask = image_of(pixels, "Mask")
    plane.ipoke.thing.image, plane.ipoke.thing.source = mask, "IMAGE"
    before = known(plane)
    assert before.origin == "mask"
    assert np.argwhere(before.mask == 1).min(axis=0).tolist() == [20, 30], "the first row is on top"
    pixels[20:40, 30:60, :3], pixels[60:80, 30:60, :3] = 0, 1
    mask.pixels.foreach_set(pixels[::-1].ravel())
    part("session.things").note_painting()
    after = known(plane)
    assert after.sha256 != before.sha256
    assert at(after.mask, (45 / 160, 70 / 90)) == 1
    mask.pixels.foreach_set(np.zeros(pixels.size, np.float32))
    part("session.things").note_painting()
    assert known(plane) is None, "a black mask marks nothing"


def mark(*points: tuple[float, float], radius: float, adds: bool = True) -> set[str]:
    return bpy.ops.ipoke.mark_thing(points=[{"name": "", "at": point} for point in points], radius=radius, adds=adds)


def test_strokes_mend_what_alpha_and_own_masks_say(cut_out, known):
    assert mark(RIGHT, radius=0.05) == {"FINISHED"}
    assert mark(LEFT, (0.25, 0.6), radius=0.03, adds=False) == {"FINISHED"}
    found = known(cut_out).mask
    assert (at(found, RIGHT), at(found, LEFT)) == (1, 0)


def test_while_nothing_is_known_strokes_are_painted_once_and_drawing_asks_for_no_redraw(plane, part, monkeypatch):
    things, finding, redrawn = part("session.things"), part("session.finding"), []
    mark(RIGHT, radius=0.05)
    monkeypatch.setattr(part("scene.screens"), "redraw", lambda: redrawn.append(True))
    before = things.drawn(plane)
    assert at(before.mask, RIGHT) == 1
    assert not things.is_settled(plane.ipoke)
    finding.pending().object_name = plane.name
    finding._find_pending()
    assert things.drawn(plane) is before
    assert not redrawn
    mark(LEFT, radius=0.05)
    assert at(things.drawn(plane).mask, LEFT) == 1


def test_the_thing_is_kept_in_the_file_copied_with_its_object_and_appended(cut_out, known, part, tmp_path):
    plates = part("scene.plates")
    mark(RIGHT, (0.8, 0.6), radius=0.05)
    mark(LEFT, radius=0.02, adds=False)
    before, stored = known(cut_out).sha256, plates.strokes(cut_out.ipoke.thing)
    bpy.ops.object.duplicate()
    copy = bpy.context.active_object
    assert copy != cut_out
    assert known(copy).sha256 == before
    copy.ipoke.thing.strokes.clear()
    assert known(cut_out).sha256 == before, "a copy's strokes are its own"
    home = tmp_path / "shot.blend"
    name = cut_out.name
    bpy.ops.wm.save_as_mainfile(filepath=str(home))
    bpy.ops.wm.open_mainfile(filepath=str(home))
    assert known(bpy.data.objects[name]).sha256 == before
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.append(directory=str(home / "Object"), filename=name)
    appended = bpy.data.objects[name]
    assert plates.strokes(appended.ipoke.thing) == stored
    assert known(appended).sha256 == before


def test_an_own_mask_is_appended_with_its_plate(plane, known, tmp_path: Path):
    pixels = np.zeros((30, 40, 4), np.float32)
    pixels[..., 3] = 1
    pixels[10:20, 10:20] = 1
    mask = image_of(pixels, "Mask")
    mask.pack()
    plane.ipoke.thing.image, plane.ipoke.thing.source = mask, "IMAGE"
    before, name, home = known(plane).sha256, plane.name, tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(home))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.append(directory=str(home / "Object"), filename=name)
    assert known(bpy.data.objects[name]).sha256 == before
