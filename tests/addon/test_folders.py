from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.core.errors import FolderError
from blender_addon.core.jobs import folders


@pytest.mark.slow
@given(st.text(max_size=200))
def test_any_name_becomes_one_folder_name(name):
    safe = folders.safe_name(name)
    assert safe
    assert Path(safe).name == safe
    assert len(safe) <= folders.NAME_CHARACTERS
    assert safe.isascii()


def test_a_jobs_folder_is_named_after_plate_and_job():
    assert folders.job_folder(Path("r"), "my plate.001.jpg", "0123456789abcdef") == Path("r/my_plate.001/0123456789ab")


@pytest.mark.parametrize("name", ["con", "NUL.txt", "com1", "a" * 39 + ".b"])
def test_names_that_windows_cannot_have_become_others(name):
    safe = folders.safe_name(name)
    assert safe.lower().partition(".")[0] not in {"con", "nul", "com1"}
    assert not safe.endswith(".")


@pytest.mark.parametrize("job_id", ["../../../etc", "/etc/passwd", "a/b", "..", ""])
def test_a_jobs_id_never_leads_out_of_the_root(job_id):
    assert folders.job_folder(Path("r"), "leaf.jpg", job_id).parent == Path("r/leaf")


def test_a_file_without_a_number_starts_no_sequence():
    with pytest.raises(FolderError, match="no number"):
        folders.numbered_files(Path("leaf.png"), 3)
