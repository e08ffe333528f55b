"""Finds a model's files in the released tree, and reads the YAML beside them.

Two layouts are read:

    LOGS/{first_stage,img_encoder,poke_encoder,second_stage}/{ckpt/MODEL/0/*.ckpt, config/MODEL/config.yaml}
    LOGS[/NAME]/{second_stage.ckpt, {first_stage,img_encoder,poke_encoder,second_stage}/config.yaml}
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import CheckpointError
from ..strangers import brief, read_small

STAGES = ("first_stage", "img_encoder", "poke_encoder", "second_stage")
MOST_YAML_BYTES = 64 << 10
"""Those of a release have under 4 KiB."""
_MOST_ALIASES = 32
_FLAT_CHECKPOINT = "second_stage.ckpt"
_BEST = "best_k_models.yaml"
_LAST = "last.ckpt"
_SHORT_NAME = re.compile(r"(?P<data>[a-z0-9]+)_(?P<size>\d+)")
_NAMED_BY = {"first_stage": "first_stage", "img_encoder": "conditioner", "poke_encoder": "poke_embedder"}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML is untyped
    """The safe loader, and tuples, which the released files contain; merged keys and many aliases, which can grow without end,
    are refused."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node:
        """Count aliases."""
        self._aliases += self.check_event(yaml.AliasEvent)
        if self._aliases > _MOST_ALIASES:
            raise yaml.YAMLError("it has too many aliases")
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse keys that are merged in."""
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("it merges keys")


# Beside its own errors, PyYAML lets those of the types that it makes through, such as that of a date that can't be.
_NO_YAML = (yaml.YAMLError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
_Loader.add_constructor("tag:yaml.org,2002:python/tuple", lambda loader, node: tuple(loader.construct_sequence(node)))


@dataclass(frozen=True)
class Source:
    """Where a model's weights are, and what its four YAML files say."""

    checkpoint: Path
    configs: Mapping[str, Settings]


@dataclass(frozen=True)
class Settings:
    """One `config.yaml`."""

    path: Path
    values: Mapping[str, Any]

    def get(self, *keys: str) -> Any:
        """The value under nested keys, or None."""
        value: Any = self.values
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def require(self, *keys: str) -> Any:
        """The same, and a sentence where it is absent."""
        value = self.get(*keys)
        if value is None:
            raise CheckpointError(f"{self.path} has no {'.'.join(keys)}, which the conversion needs.")
        return value

    def whole(self, *keys: str) -> int:
        """A whole number that must be there."""
        value = self.require(*keys)
        if type(value) is not int:
            raise CheckpointError(f"{self.path}: {'.'.join(keys)} must be a whole number, not {brief(value)}.")
        return value

    def name(self, *keys: str) -> str:
        """The name of a folder, that must be there."""
        value = self.require(*keys)
        if not isinstance(value, str | int) or not re.fullmatch(r"(?!\.\.?$)[^/\\\x00]{1,255}", str(value)):
            raise CheckpointError(f"{self.path}: {'.'.join(keys)} must be the name of a folder, not {brief(value)}.")
        return str(value)


def find(logs: Path, name: str) -> Source:
    """The files of model `name` under `logs`.

    Raises:
        CheckpointError: nothing of that name is there, or files of it are missing.
    """
    if not logs.is_dir():
        raise CheckpointError(f"{logs} is no folder; give the folder that holds the released logs.")
    for folder in (logs, logs / name):
        if (folder / _FLAT_CHECKPOINT).is_file():
            return Source(folder / _FLAT_CHECKPOINT, {stage: _read_yaml(folder / stage / "config.yaml") for stage in STAGES})
    model = _model_folder(logs / "second_stage" / "ckpt", name)
    second = _read_yaml(logs / "second_stage" / "config" / model.name / "config.yaml")
    configs = {"second_stage": second}
    for stage, key in _NAMED_BY.items():
        configs[stage] = _read_yaml(logs / stage / "config" / second.name(key, "name") / "config.yaml")
    return Source(_best_checkpoint(model), configs)


def _model_folder(parent: Path, name: str) -> Path:
    folders = sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []
    if not folders:
        raise CheckpointError(f"{parent} holds no model; give the folder that holds the released logs.")
    matching = [folder for folder in folders if folder.name == name]
    short = _SHORT_NAME.fullmatch(name)
    if not matching and short:
        size = re.compile(rf"(^|\D){short['size']}(\D|$)")
        matching = [folder for folder in folders if folder.name.startswith(short["data"]) and size.search(folder.name)]
    if len(matching) != 1:
        problem = "is not among" if not matching else "could be several of"
        raise CheckpointError(f"{name} {problem} the models in {parent}: {', '.join(f.name for f in folders)}.")
    return matching[0]


def _best_checkpoint(model: Path) -> Path:
    folder = model / "0" if (model / "0").is_dir() else model
    if (folder / _BEST).is_file():
        ranked = sorted((score, str(path)) for path, score in _scores(folder / _BEST).items() if not math.isnan(score))
        for _, path in ranked:
            # The paths are those of the machine that trained; the file lies beside the list.
            candidate = folder / re.split(r"[/\\]", path)[-1]
            if candidate.is_file():
                return candidate
    if (folder / _LAST).is_file():
        return folder / _LAST
    files = sorted(folder.glob("*.ckpt"))
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise CheckpointError(f"{folder} must hold one .ckpt file, {_LAST} or {_BEST} to choose by; found {found}.")
    return files[0]


def _scores(path: Path) -> dict[str, float]:
    try:
        return {str(file): float(score) for file, score in _read_yaml(path).values.items()}
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path} must hold a number for each checkpoint ({error}).") from error


def _read_yaml(path: Path) -> Settings:
    try:
        values = yaml.load(read_small(path, MOST_YAML_BYTES).decode("utf-8"), Loader=_Loader)
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"{path} can't be read ({error.strerror}); the conversion needs it.") from error
    except _NO_YAML as error:
        raise CheckpointError(f"{path} is not YAML that can be read safely ({_first_line(error)}).") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path} must hold keys and values.")
    return Settings(path, values)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
