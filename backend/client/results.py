"""Owns a job's folder on disk: `variant_00/frame_0001.png`, ..., `job.json` last. Files appear whole or not at all.

`job.json` names every file that was written, so that a later run knows what is ours (`owned`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..protocol.fields import to_plain
from ..protocol.messages import JobSummary, VariantDone
from . import mesh
from .events import FrameArrived, MeshArrived, PassesArrived, PosesArrived
from .owned import MANIFEST, move_new, remove_owned, sealed
from .request import SampleRequest

JOB_FILE = MANIFEST


def variant_folder_name(index: int) -> str:
    """Folder of a variant inside the job's folder."""
    return f"variant_{index:02d}"


def frame_file_name(t: int, depth_bits: int = 8) -> str:
    """File of frame `t` (1..T) inside the variant's folder: PNG for 8 and 16 bits, EXR for 32."""
    return f"frame_{t:04d}.{'exr' if depth_bits == 32 else 'png'}"


def poses_file(index: int) -> str:
    """File of how a variant's body moves, below the job's folder."""
    return f"{variant_folder_name(index)}/mesh.pc2"


def passes_folder_name(index: int) -> str:
    """Folder of a variant's passes inside the job's folder."""
    return f"passes_{index:02d}"


class ResultWriter:
    """Writes what a job brings into `folder`, which is made when the first frame arrives."""

    def __init__(self, folder: Path, request: SampleRequest) -> None:
        self._folder = folder
        self._request = request
        self._hashes: dict[int, dict[int, str]] = {}
        self._files: dict[str, str] = {}
        if request.kept:
            self._hashes[request.first] = dict(enumerate(request.kept, start=1))
            self._files = {self._name(request.first, t): sha256 for t, sha256 in enumerate(request.kept, start=1)}
        self._done: dict[int, VariantDone] = {}
        self._vertices = 0
        self._size_px = (1, 1)
        self._poses: dict[int, str] = {}

    @property
    def folder(self) -> Path:
        """The job's folder."""
        return self._folder

    @property
    def files(self) -> dict[str, str]:
        """What was written so far: names below the folder, with `/` between, and the SHA-256 of each."""
        return dict(self._files)

    @property
    def done_variants(self) -> tuple[int, ...]:
        """Indices of the variants that are whole on disk."""
        return tuple(sorted(self._done))

    def frame(self, event: FrameArrived) -> Path:
        """Write a frame; returns its file."""
        name = self._name(event.variant, event.t)
        path = self.write(name, event.image)
        self._hashes.setdefault(event.variant, {})[event.t] = self._files[name]
        return path

    def passes(self, event: PassesArrived) -> Path:
        """Write a frame's passes; returns their file."""
        return self.write(f"{passes_folder_name(event.variant)}/passes_{event.t:04d}.exr", event.passes)

    def mesh(self, event: MeshArrived) -> None:
        """Write the body at rest, its picture and the plate without it."""
        depth_bits = self._request.depth_bits
        self._vertices, self._size_px = event.mesh.vertices, event.size_px
        self.write(mesh.thing_file(depth_bits), event.thing)
        self.write(mesh.background_file(depth_bits), event.background)
        self.write(mesh.MATERIAL_FILE, mesh.material(depth_bits))
        self.write(mesh.OBJ_FILE, event.mesh.obj(self._size_px))

    def poses(self, event: PosesArrived) -> Path:
        """Write how a variant's body moves; returns the file."""
        self._poses[event.variant] = hashlib.sha256(event.poses).hexdigest()
        return self.write(poses_file(event.variant), mesh.point_cache(event.poses, self._vertices, self._size_px))

    def write(self, name: str, data: bytes) -> Path:
        """Write a file of the job by its name below the folder, such as `contact_sheet.png`; returns its path."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
        self._files[name] = hashlib.sha256(data).hexdigest()
        return path

    def variant_done(self, event: VariantDone) -> bool:
        """Note that a variant is whole; False when frames of it are missing or differ from what the backend sent."""
        have = self._hashes.get(event.variant, {})
        whole = tuple(have.get(t, "") for t in range(1, len(event.sha256s) + 1)) == event.sha256s
        if self._request.passes:
            folder = self._folder / passes_folder_name(event.variant)
            whole = whole and len(list(folder.glob("passes_*.exr"))) == len(event.sha256s)
        whole = whole and event.poses_sha256 == self._poses.get(event.variant)
        if whole:
            self._done[event.variant] = event
        return whole

    def finish(self, summary: JobSummary, more: Mapping[str, object] | None = None) -> Path:
        """Write `job.json`, which says that the job is whole, with `more` of the client's own in it; returns its path."""
        path = self._folder / JOB_FILE
        self._folder.mkdir(parents=True, exist_ok=True)
        job = sealed({**self._job(summary), **(more or {})})
        write_atomically(path, (json.dumps(job, indent=1) + "\n").encode())
        return path

    def abort(self) -> None:
        """Remove what was written of variants that are not whole, and the folders that are empty then."""
        whole = {"mesh"} if self._done else set()
        whole |= {folder for index in self._done for folder in (variant_folder_name(index), passes_folder_name(index))}
        halves = {name: sha256 for name, sha256 in self._files.items() if "/" in name and name.split("/")[0] not in whole}
        remove_owned(self._folder, halves)
        self._files = {name: sha256 for name, sha256 in self._files.items() if name not in halves}

    def discard(self) -> None:
        """Remove everything that was written, and the folders that are empty then."""
        remove_owned(self._folder, self._files)
        self._files = {}

    def _name(self, variant: int, t: int) -> str:
        return f"{variant_folder_name(variant)}/{frame_file_name(t, self._request.depth_bits)}"

    def _job(self, summary: JobSummary) -> dict[str, Any]:
        request = self._request
        return {
            "job_id": request.job_id,
            "pokes": [[poke.x, poke.y, poke.dx, poke.dy] for poke in request.pokes],
            "seed": request.sampling.seed,
            **{name: to_plain(value) for name, value in request.sampling.options.items()},
            "model": {"name": summary.model.name, "sha256": summary.model.sha256},
            "plate": {
                "name": request.plate_name.encode("utf-8", "replace").decode(),
                "sha256": summary.plate_sha256,
                "size_px": list(summary.plate_size_px),
                **({"layer": summary.layer} if summary.layer else {}),
            },
            "region_px": list(summary.region_px),
            **({"regions_px": [[seen.x, seen.y, seen.w, seen.h] for seen in summary.regions]} if summary.regions else {}),
            "size": str(request.size),
            "size_px": list(summary.output_size_px),
            "depth_bits": summary.depth_bits,
            "frames": summary.frames,
            "variants": [
                {
                    "index": index,
                    "seed": request.sampling.seed,
                    "folder": variant_folder_name(index),
                    "sha256": list(done.sha256s),
                    **({} if done.seam is None else {"seam": to_plain(done.seam)}),
                }
                for index, done in sorted(self._done.items())
            ],
            "files": dict(sorted(self._files.items())),
            "plate_options": self._plate_options(),
            **({} if request.kinematics is None else {"kinematics": self._kinematics(summary)}),
            "colour": summary.colour,
            **({} if not request.mesh else {"mesh": self._mesh()}),
            "versions": {part.name: part.version for part in summary.versions},
        }

    def _mesh(self) -> dict[str, Any]:
        depth_bits = self._request.depth_bits
        return {
            "rest": mesh.OBJ_FILE,
            "thing": mesh.thing_file(depth_bits),
            "background": mesh.background_file(depth_bits),
            "poses": [poses_file(index) for index in sorted(self._done)],
        }

    def _kinematics(self, summary: JobSummary) -> dict[str, Any]:
        return {
            "sha256": self._request.kinematics_sha256(),
            "pose_difference": summary.pose_difference,
            "mirror": self._request.mirror,
        }

    def _plate_options(self) -> dict[str, Any]:
        sample = self._request.message()
        return {
            "playback": to_plain(sample.playback),
            "lock_sha256": sample.lock_sha256,
            "clean_sha256": sample.clean_sha256,
            "thing_sha256": sample.thing_sha256,
            "whole_region": sample.whole_region,
            "free_ground": sample.free_ground,
            "passes": sample.passes,
            "premultiplied": sample.premultiplied,
            "upright": sample.upright,
            "layer": sample.layer,
        }


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    half = path.with_name(f".ipoke-{secrets.token_hex(6)}.part")  # short, since `path` may have the longest name there is
    try:
        half.write_bytes(data)
        os.replace(half, path)
    except OSError:
        with contextlib.suppress(OSError):
            half.unlink()
        raise


def write_new(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file whole to a name that is free; raises FileExistsError where it is not, and OSError."""
    half = path.with_name(f".ipoke-{secrets.token_hex(6)}.part")
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        move_new(half, path)
    except OSError:
        with contextlib.suppress(OSError):
            half.unlink()
        raise
