"""Model folders: `config.json` + `model.safetensors` + `model_card.md`. No pickle.

The weights are stored with spectral and weight norms folded. `config.json` holds their SHA-256, since safetensors itself
notices neither flipped bits nor NaN. A folder may be a stranger's: sizes are bounded before memory is taken, and nothing in it
names another file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor

from .config import ModelConfig, from_dict, to_dict
from .errors import CheckpointError, ConfigError
from .networks.layers import folded_state
from .networks.whole import Networks, without_norms
from .strangers import brief, parse_json, read_small, shown
from .weights_file import WeightsFile, open_weights

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model_card.md"
MOST_CONFIG_BYTES = 64 << 10
"""The shipped ones have under 2 KiB."""
MOST_CARD_BYTES = 1 << 20
MOST_PARAMETERS = 2**31
"""The larger of the released models has 1.27e9."""
NAME_CHARACTERS = 128
_FORMAT = "ipoke-model-1"
_SETTLING_S = 0.2
_HASH_CHUNK_BYTES = 1 << 22
_MOST_NAMED_CHARACTERS = 100
_STAGING = re.compile(r"\.ipoke-[0-9a-f]{32}")

ManifestType = TypeVar("ManifestType")


@dataclass(frozen=True)
class Manifest:
    """What `config.json` says: enough to list a model without reading its weights."""

    name: str
    networks: ModelConfig
    sha256: str
    """SHA-256 of `model.safetensors`, in hexadecimal."""

    def __post_init__(self) -> None:
        require_name(self.name)
        require_sha256(self.sha256)


def require_name(name: str) -> None:
    """Raises ConfigError for a model's name that programs can't pass on or people can't read."""
    if not (0 < len(name) <= NAME_CHARACTERS and name.isprintable() and name == name.strip() and not set(name) & set("/\\")):
        raise ConfigError(
            f"A model's name must have 1 to {NAME_CHARACTERS} characters that can be printed, without slashes and spaces at its "
            f"ends; this one is {brief(name)}."
        )


def require_sha256(digest: str) -> None:
    """Raises ConfigError for what is no SHA-256 in hexadecimal."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ConfigError(f"sha256 must be 64 hexadecimal digits, not {brief(digest)}.")


def require_free(folder: Path, format_name: str = _FORMAT) -> None:
    """Raises CheckpointError where no model could be written to `folder`, or would replace anything but a model's own files."""
    folder = Path(os.path.realpath(folder))
    try:
        if os.path.lexists(folder) and not folder.is_dir():
            raise CheckpointError(f"{shown(folder)} is no folder; give another one for the model.")
        if (
            folder.is_dir()
            and not _is_ours(folder, format_name)
            and any(not _STAGING.fullmatch(name) for name in os.listdir(folder))
        ):
            raise CheckpointError(f"{shown(folder)} holds something else than a model; give another folder for the model.")
        with tempfile.TemporaryFile(dir=next(there for there in (folder, *folder.parents) if os.path.lexists(there))):
            pass
    except OSError as error:
        raise CheckpointError(f"{shown(folder)} can't be written ({error.strerror}); give another folder.") from error


def save_model(folder: Path, networks: Networks, name: str, card: str) -> Manifest:
    """Writes a model folder; of one that is there, a model's three files are replaced and all others stay.

    A new folder appears whole. In one that is there the files are renamed into place right after one another, `config.json`
    with the hash last, and `load_networks` looks again where it came in between.

    Raises:
        CheckpointError: a weight is not finite, or the folder holds something else than a model or can't be written to.
        ConfigError: the name is none for a model.
    """
    require_name(name)
    sizes = without_norms(networks.config)
    return write_folder(folder, folded_state(networks), _FORMAT, partial(Manifest, name, sizes), card)


def write_folder(
    folder: Path, weights: Mapping[str, Tensor], format_name: str, manifest_of: Callable[[str], ManifestType], card: str
) -> ManifestType:
    """Writes weights, `config.json` (the manifest of the weights' SHA-256) and card as `save_model` does.

    Raises:
        CheckpointError: a weight is not finite, or the folder holds something else than a model or can't be written to.
    """
    require_free(folder, format_name)
    state = {key: value.contiguous() for key, value in weights.items()}
    _require_finite(state, "the networks")
    folder = Path(os.path.realpath(folder))
    new = not folder.exists()
    staging = (folder.parent if new else folder) / f".ipoke-{uuid.uuid4().hex}"
    try:
        staging.mkdir(parents=True)
        try:
            manifest = _write(staging, state, format_name, manifest_of, card)
            _publish(staging, folder, new=new)
        finally:
            shutil.rmtree(staging, ignore_errors=True)  # made a moment ago, under a name that nobody else has
    except OSError as error:
        raise CheckpointError(
            f"{shown(folder)} can't be written ({error.strerror}); make room, or give another folder."
        ) from error
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Reads `config.json` alone.

    Raises:
        ModelError: the folder holds no model of this version.
    """
    return from_dict(Manifest, read_config(folder, _FORMAT), shown(folder / CONFIG_FILE))


def read_config(folder: Path, format_name: str) -> dict[str, object]:
    """What `config.json` holds, without its format.

    Raises:
        CheckpointError: it can't be read, or has another format.
    """
    path = folder / CONFIG_FILE
    document = _read_document(folder)
    if not isinstance(document, dict) or document.pop("format", None) != format_name:
        raise CheckpointError(
            f"{shown(path)} does not say format {format_name}; it was written by another version of the models."
        )
    return document


def format_of(folder: Path) -> str | None:
    """What `config.json` says that the folder holds, None where it says nothing of it.

    Raises:
        CheckpointError: it can't be read.
    """
    document = _read_document(folder)
    said = document.get("format") if isinstance(document, dict) else None
    return said if isinstance(said, str) else None


def load_networks(folder: Path, device: str | torch.device = "cpu") -> tuple[Manifest, Networks]:
    """The networks of a model folder, ready for inference: eval mode, no gradients, norms folded.

    Raises:
        ModelError: a file is missing, damaged or of another shape than `config.json` says.
    """
    seen = None
    while True:
        files = [_written(folder / name) for name in (CONFIG_FILE, WEIGHTS_FILE)]
        manifest = read_manifest(folder)
        networks, found = _load_once(folder, manifest, device)
        if found == manifest.sha256:
            return manifest, networks.eval().requires_grad_(False)
        if seen == files:
            raise _other_weights(folder)
        seen = files
        time.sleep(_SETTLING_S)  # somebody may be writing the model anew, and be between its files


def _written(path: Path) -> tuple[int, int] | None:
    """What tells a file from the one that takes its place; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def read_model_weights(
    folder: Path, expected: Mapping[str, Tensor], sha256: str, device: str | torch.device = "cpu"
) -> dict[str, Tensor]:
    """The weights of a model folder, of the names, shapes and types that are expected.

    Raises:
        CheckpointError: the file is missing, damaged, or holds other weights.
    """
    state, found = _read_weights(folder, expected, device)
    if found != sha256:
        raise _other_weights(folder)
    return state


def read_card(folder: Path) -> str:
    """The model card, Markdown; empty where there is none that can be read."""
    try:
        return read_small(folder / CARD_FILE, MOST_CARD_BYTES).decode("utf-8", "replace")
    except (OSError, CheckpointError):
        return ""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _is_ours(folder: Path, format_name: str) -> bool:
    """Whether a folder's `config.json` is one that was written here, of any version."""
    try:
        document = _read_document(folder)
    except CheckpointError:
        return False
    return isinstance(document, dict) and document.get("format") == format_name


def _read_document(folder: Path) -> Any:
    path = folder / CONFIG_FILE
    try:
        return parse_json(read_small(path, MOST_CONFIG_BYTES))
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"{shown(folder)} is no model folder: {CONFIG_FILE} can't be read ({error.strerror}).") from error
    except ValueError as error:
        raise CheckpointError(f"{shown(path)} is not JSON; get the model again.") from error


def _write(
    staging: Path,
    state: Mapping[str, Tensor],
    format_name: str,
    manifest_of: Callable[[str], ManifestType],
    card: str,
) -> ManifestType:
    save_file(dict(state), staging / WEIGHTS_FILE)
    (staging / WEIGHTS_FILE).chmod(0o644)  # safetensors lets the owner alone read it
    manifest = manifest_of(sha256_of(staging / WEIGHTS_FILE))
    document = {"format": format_name, **to_dict(manifest)}
    (staging / CONFIG_FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (staging / CARD_FILE).write_text(card, encoding="utf-8")
    return manifest


def _publish(staging: Path, folder: Path, *, new: bool) -> None:
    if new:
        os.rename(staging, folder)
        return
    for file in (CARD_FILE, WEIGHTS_FILE, CONFIG_FILE):
        os.replace(staging / file, folder / file)


def _load_once(folder: Path, manifest: Manifest, device: str | torch.device) -> tuple[Networks, str]:
    """Networks and the SHA-256 of the file that they came from."""
    networks = _built(manifest.networks, shown(folder / CONFIG_FILE))
    state, found = _read_weights(folder, networks.state_dict(), device)
    networks.load_state_dict(state, assign=True)
    return networks, found


def _read_weights(folder: Path, expected: Mapping[str, Tensor], device: str | torch.device) -> tuple[dict[str, Tensor], str]:
    """Weights as expected, and the SHA-256 of the file that they came from."""
    path = folder / WEIGHTS_FILE
    if not os.path.exists(path):
        raise CheckpointError(f"{shown(folder)} has no {WEIGHTS_FILE}; get the model again.")
    with open_weights(path) as file:
        _require_same(expected, file, shown(path))
        state, found = file.read()
    _require_finite(state, shown(path))
    return {key: value.to(device) for key, value in state.items()}, found


def _other_weights(folder: Path) -> CheckpointError:
    path = shown(folder / WEIGHTS_FILE)
    return CheckpointError(f"{path} has another SHA-256 than {CONFIG_FILE} says; get the model again.")


def _built(config: ModelConfig, where: str) -> Networks:
    """Networks without memory. Only weights with their norms folded are ever saved."""
    if config != without_norms(config):
        raise CheckpointError(f"{where} asks for spectral or weight norms, which no saved model has; get the model again.")
    try:
        with torch.device("meta"):
            networks = Networks(config)
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        raise CheckpointError(f"{where} has sizes that don't fit one another; get the model again.") from error
    if sum(tensor.numel() for tensor in networks.state_dict().values()) > MOST_PARAMETERS:
        raise CheckpointError(f"{where} asks for more than {MOST_PARAMETERS} parameters; get the model again.")
    return networks


def _require_same(expected: Mapping[str, Tensor], file: WeightsFile, where: str) -> None:
    found = file.entries
    for kind, keys in (("lacks", expected.keys() - found.keys()), ("has unknown", found.keys() - expected.keys())):
        if keys:
            named = shown(min(keys)[:_MOST_NAMED_CHARACTERS])
            raise CheckpointError(f"{where} {kind} tensors, such as {named} ({len(keys)} in all); get the model again.")
    for key, tensor in expected.items():
        if tuple(tensor.shape) != found[key].shape or tensor.dtype != found[key].dtype:
            raise CheckpointError(
                f"{where}: {key} is {_kind(found[key].dtype, found[key].shape)}, but {CONFIG_FILE} asks for "
                f"{_kind(tensor.dtype, tuple(tensor.shape))}; get the model again."
            )


def _kind(dtype: torch.dtype, shape: tuple[int, ...]) -> str:
    return f"{str(dtype).removeprefix('torch.')} {shape}"


def _require_finite(state: Mapping[str, Tensor], where: str) -> None:
    for key, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(f"{where}: {key} holds values that are not finite; the model can't be used.")
