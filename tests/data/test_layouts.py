"""Each layout finds its sources under the names that the owners of the data sets use, and divides them as they do."""

from pathlib import Path

import pytest

from ipoke_models.data.footage.layouts import LAYOUTS, Excerpt, Part
from ipoke_models.data.footage.sources import FootageError, find_sources


def _touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def _divided(layout: str, folder: Path, share: float = 0.2) -> tuple[list[Excerpt], list[Excerpt]]:
    parts = LAYOUTS[layout].divide(folder, find_sources(folder), share)
    return parts[Part.TRAIN], parts[Part.HELD_OUT]


def _names(excerpts: list[Excerpt]) -> list[str]:
    return [excerpt.source.name for excerpt in excerpts]


@pytest.mark.parametrize(("count", "held_out"), [(2, 1), (3, 1), (8, 2), (20, 4)])
def test_a_fifth_of_the_sources_is_held_out_and_at_least_one(tmp_path: Path, count: int, held_out: int) -> None:
    folder = _touched(tmp_path, *(f"clip {number}.mp4" for number in range(count)))
    train, judge = _divided("folder", folder)
    assert (len(train), len(judge)) == (count - held_out, held_out)
    assert sorted(_names(train) + _names(judge)) == sorted(path.name for path in folder.iterdir())
    assert _names(judge) == _names(_divided("folder", folder)[1])


def test_a_share_of_one_holds_out_everything(tmp_path: Path) -> None:
    train, judge = _divided("folder", _touched(tmp_path, "a.mp4", "b.mp4"), 1.0)
    assert (len(train), len(judge)) == (0, 2)


def test_a_lone_source_is_divided_in_time(tmp_path: Path) -> None:
    train, judge = _divided("folder", _touched(tmp_path, "a.mov"))
    assert [(part.start, part.stop) for part in (*train, *judge)] == [(0.0, 0.8), (0.8, 1.0)]


def test_videos_and_folders_of_pictures_are_found_side_by_side_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    _touched(tmp_path, "shot 10.MP4", "shot 2.mkv", "plates/take/f9.png", "plates/take/f10.png", "notes.txt")
    sources = find_sources(tmp_path)
    assert [source.name for source in sources] == ["plates/take", "shot 2.mkv", "shot 10.MP4"]
    assert [path.name for path in sources[0].pictures] == ["f9.png", "f10.png"]


@pytest.mark.parametrize(("name", "sentence"), [("missing", "does not exist"), (".", "neither videos nor folders")])
def test_a_folder_without_footage_is_refused_in_a_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(FootageError, match=sentence):
        find_sources(tmp_path / name)


def test_poking_plants_is_divided_in_time(tmp_path: Path) -> None:
    train, judge = _divided("poking-plants", _touched(tmp_path, "plant_1.mp4", "plant_2.mp4"))
    assert _names(train) == _names(judge) == ["plant_1.mp4", "plant_2.mp4"]
    assert {(part.start, part.stop) for part in train} == {(0.0, 0.8)}
    assert {(part.start, part.stop) for part in judge} == {(0.8, 1.0)}


@pytest.mark.parametrize(
    ("train_name", "test_name"),
    [
        ("images_HD/001/10/2/0000.jpg", "images_HD/001/1/1/0000.jpg"),
        ("iPER_256_video_release/001_10_2.mp4", "iPER_256_video_release/001_1_1.mp4"),
    ],
)
def test_iper_is_divided_by_its_lists(tmp_path: Path, train_name: str, test_name: str) -> None:
    folder = _touched(tmp_path, train_name, test_name)
    (folder / "train.txt").write_text("001/10/2\n002/1/1\n")
    (folder / "val.txt").write_text("001/1/1\n")
    train, judge = _divided("iper", folder)
    assert [train_name.startswith(name) for name in _names(train)] == [True]
    assert [test_name.startswith(name) for name in _names(judge)] == [True]


def test_iper_without_its_lists_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FootageError, match=r"train\.txt is missing"):
        _divided("iper", _touched(tmp_path, "images_HD/001/1/1/0000.jpg"))


def test_taichi_is_divided_by_its_folders(tmp_path: Path) -> None:
    names = ("train/5AhLc#000010#000200.mp4", "train/7yVdk#000001#000099.mp4/0000000.png", "test/xPVbW#000010#000100.mp4")
    train, judge = _divided("taichi", _touched(tmp_path, *names))
    assert _names(train) == ["train/5AhLc#000010#000200.mp4", "train/7yVdk#000001#000099.mp4"]
    assert _names(judge) == ["test/xPVbW#000010#000100.mp4"]


def test_human36m_is_divided_by_subject_without_the_videos_called_all(tmp_path: Path) -> None:
    names = ("S1/Videos/Directions 1.54138969.mp4", "S1/Videos/_ALL 1.54138969.mp4", "S11/Videos/Eating.55011271.mp4")
    train, judge = _divided("h36m", _touched(tmp_path, *names, "S2/Videos/Eating.54138969.mp4", "S9/Videos/Photo.60457274.mp4"))
    assert _names(train) == ["S1/Videos/Directions 1.54138969.mp4"]
    assert _names(judge) == ["S9/Videos/Photo.60457274.mp4", "S11/Videos/Eating.55011271.mp4"]


def test_the_steps_give_the_published_lags() -> None:
    lags = {name: 10 * layout.frame_step for name, layout in LAYOUTS.items()}
    assert lags == {"folder": 10, "poking-plants": 20, "iper": 10, "taichi": 20, "h36m": 80}


def test_links_to_folders_of_footage_are_followed_once(tmp_path: Path) -> None:
    _touched(tmp_path / "disk", "shot/f_1.png", "shot/f_2.png", "a.mp4")
    footage = tmp_path / "footage"
    footage.mkdir()
    (footage / "here").symlink_to(tmp_path / "disk", target_is_directory=True)
    (footage / "again").symlink_to(tmp_path / "disk", target_is_directory=True)
    (tmp_path / "disk" / "round").symlink_to(footage, target_is_directory=True)
    assert [source.name for source in find_sources(footage)] == ["again/a.mp4", "again/shot"]


def test_hidden_files_and_strangers_beside_frames_are_no_footage(tmp_path: Path) -> None:
    _touched(tmp_path, "take/f_1.png", "take/f_2.png", "take/._f_1.png", "take/f_1.thumb.jpg", "take/poster.png", "._a.mp4")
    _touched(tmp_path, ".Trash-0/old.mp4", "take/.thumbnails/f_1.png")
    (source,) = find_sources(tmp_path)
    assert [path.name for path in source.pictures] == ["f_1.png", "f_2.png"]


def test_several_sequences_in_one_folder_are_sources_of_their_own(tmp_path: Path) -> None:
    _touched(tmp_path, "take/a.1001.png", "take/a.1002.png", "take/b.9.png", "take/b.10.png")
    sources = find_sources(tmp_path)
    assert [source.name for source in sources] == ["take/a.####.png", "take/b.#.png"]
    assert [[path.name for path in source.pictures] for source in sources] == [
        ["a.1001.png", "a.1002.png"],
        ["b.9.png", "b.10.png"],
    ]
