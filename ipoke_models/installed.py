"""Finds the installed models. Whatever lies in a folder of models, it stops neither the others nor who asks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ipoke_values.names import MODELS_VARIABLE

from .checkpoint import CONFIG_FILE, format_of, read_manifest
from .errors import ModelError
from .segmentation.folder import FORMAT as SEGMENTER_FORMAT
from .segmentation.folder import read_segmenter_manifest
from .strangers import shown

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_MODEL = "garden-64"
DEFAULT_SEGMENTER = "thing"
MOST_MODELS = 64
"""In all; those beside this package always have their place."""
MOST_FOLDERS = 500
"""Looked at in one folder of models."""


@dataclass(frozen=True)
class ModelInfo:
    """An installed model, as its config.json tells it."""

    name: str
    folder: Path
    size_px: int
    frames: int
    max_pokes: int
    sha256: str
    default: bool


@dataclass(frozen=True)
class SegmenterInfo:
    """An installed segmenter, as its config.json tells it."""

    name: str
    folder: Path
    size_px: int
    sha256: str
    default: bool


@dataclass(frozen=True)
class LeftOut:
    """A folder whose models, or which itself, can't be used, and a sentence that says why."""

    folder: Path
    reason: str


@dataclass(frozen=True)
class Survey:
    """What was found: models and segmenters, the default first, and what was left out of them."""

    models: tuple[ModelInfo, ...]
    segmenters: tuple[SegmenterInfo, ...]
    left_out: tuple[LeftOut, ...]


@dataclass
class _Found:
    """Models and segmenters by name, up to `room` of them."""

    room: int
    models: dict[str, ModelInfo | SegmenterInfo] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def take(self, root: Path) -> None:
        """Add the models of a folder of models."""
        for folder in self._folders(root):
            try:
                info = _info(folder)
            except ModelError as error:
                self.left_out.append(LeftOut(folder, str(error)))
                continue
            first = self.models.get(info.name)
            if first is not None:
                reason = f"{shown(folder)} is called '{info.name}' as {shown(first.folder)} is, which comes first; rename one."
                self.left_out.append(LeftOut(folder, reason))
            elif len(self.models) == self.room:
                reason = f"{shown(folder)} is one model more than the {MOST_MODELS} that are listed; move some elsewhere."
                self.left_out.append(LeftOut(folder, reason))
                return
            else:
                self.models[info.name] = info

    def _folders(self, root: Path) -> Iterator[Path]:
        """Folders below `root` with a config.json, by their names."""
        try:
            names = sorted(name for name in os.listdir(root) if not name.startswith("."))
        except OSError as error:
            reason = f"{shown(root)} can't be listed ({error.strerror}); name another folder in {MODELS_VARIABLE}."
            self.left_out.append(LeftOut(root, reason))
            return
        folders = [root / name for name in names if _may_be_model(root / name)]
        if len(folders) > MOST_FOLDERS:
            reason = (
                f"{shown(root)} holds {len(folders)} folders of models, of which the first {MOST_FOLDERS} by name are looked at; "
                f"name a folder of fewer in {MODELS_VARIABLE}."
            )
            self.left_out.append(LeftOut(root, reason))
        yield from folders[:MOST_FOLDERS]


def survey() -> Survey:
    """Models and segmenters in the folders of IPOKE_MODELS and beside this package, the default first, and what was left out.

    Of several with one name it is that of the folder named first; those beside this package come last.
    """
    shipped = _Found(MOST_MODELS)
    shipped.take(WEIGHTS)
    found = _Found(MOST_MODELS - len(shipped.models))
    seen = {os.path.realpath(WEIGHTS)}
    for root in filter(None, os.environ.get(MODELS_VARIABLE, "").split(os.pathsep)):
        if os.path.realpath(root) not in seen:
            seen.add(os.path.realpath(root))
            found.take(Path(root))
    found.room = MOST_MODELS
    found.take(WEIGHTS)
    every = sorted(found.models.values(), key=lambda info: (not info.default, info.name))
    models = tuple(info for info in every if isinstance(info, ModelInfo))
    segmenters = tuple(info for info in every if isinstance(info, SegmenterInfo))
    return Survey(models, segmenters, tuple(found.left_out))


def installed_models() -> list[ModelInfo]:
    """The models of `survey`, the default first; damaged ones are left out."""
    return list(survey().models)


def find_model(name_or_folder: str | Path) -> Path:
    """The folder of an installed model, or the folder itself.

    Raises:
        ModelError: there is no such model.
    """
    return _find(name_or_folder, survey().models, "model")


def find_segmenter(name_or_folder: str | Path) -> Path:
    """The folder of an installed segmenter, or the folder itself.

    Raises:
        ModelError: there is no such segmenter.
    """
    return _find(name_or_folder, survey().segmenters, "segmenter")


def _find(name_or_folder: str | Path, infos: Sequence[ModelInfo | SegmenterInfo], kind: str) -> Path:
    if os.path.isdir(name_or_folder):
        return Path(name_or_folder)
    known = {info.name: info.folder for info in infos}
    if str(name_or_folder) not in known:
        listed = ", ".join(known) or "none"
        raise ModelError(f"There is no {kind} '{shown(name_or_folder)}'; installed are: {listed}.")
    return known[str(name_or_folder)]


def _may_be_model(folder: Path) -> bool:
    """Whether a folder has a config.json, or doesn't tell."""
    try:
        os.lstat(folder / CONFIG_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _info(folder: Path) -> ModelInfo | SegmenterInfo:
    if format_of(folder) == SEGMENTER_FORMAT:
        found = read_segmenter_manifest(folder)
        return SegmenterInfo(found.name, folder, found.networks.size_px, found.sha256, found.name == DEFAULT_SEGMENTER)
    manifest = read_manifest(folder)
    networks = manifest.networks
    return ModelInfo(
        manifest.name,
        folder,
        networks.size_px,
        networks.frames,
        networks.max_pokes,
        manifest.sha256,
        manifest.name == DEFAULT_MODEL,
    )
