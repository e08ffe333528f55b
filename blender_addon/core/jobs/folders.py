"""Where results lie: the names of folders and files. No bpy."""

from __future__ import annotations

import re
from pathlib import Path

from ..._vendor.client import frame_file_name, variant_folder_name
from ..._vendor.frame_numbers import frame_name
from ..errors import FolderError

RESULTS = "ipoke"
BAKES = "bake"
THING_FILE = "thing.png"
"""The mask of what a job's pokes moved, at the plate's size."""
TAKEN = "taken"
NAME_CHARACTERS = 40
SHORT_ID_CHARACTERS = 12
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names of devices on Windows


def safe_name(name: str) -> str:
    """Return a folder name that every file system takes; never empty and never a path."""
    kept = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._ ")[:NAME_CHARACTERS].rstrip(".")
    return f"plate_{kept}" if _RESERVED.fullmatch(kept) else kept or "plate"


def job_folder(root: Path, plate_name: str, job_id: str) -> Path:
    """Return the folder of a job below the results' root."""
    return root / safe_name(Path(plate_name).stem) / safe_name(job_id)[:SHORT_ID_CHARACTERS]


def bake_folder(job: Path) -> Path:
    """Return where the bakes of a job's variants go."""
    return job / BAKES


def taken_folder(job: Path, job_id: str) -> Path:
    """Return where a variant of a job goes that was taken as a mesh, by the id of its own job."""
    return job / TAKEN / safe_name(job_id)[:SHORT_ID_CHARACTERS]


def bake_place(index: int) -> Path:
    """Return where a variant's bake lies inside its job's folder, if nothing else is asked for."""
    return Path(BAKES) / variant_folder_name(index)


def variant_folder(job: Path, index: int) -> Path:
    """Return the folder of one variant's frames."""
    return job / variant_folder_name(index)


def first_frame(variant: Path) -> Path:
    """Return the file that an image sequence starts with."""
    return variant / frame_file_name(1)


def numbered_files(first: Path, count: int) -> list[Path]:
    """Return the files of a sequence, given the one that it starts with; raises `FolderError` when that has no number."""
    name = frame_name(first.name)
    if name is None:
        if count == 1:
            return [first]
        raise FolderError(f"The name of {first} has no number to count on from; name the files like shot_0001.png.")
    return [first.with_name(name.at(name.counted + step)) for step in range(count)]
