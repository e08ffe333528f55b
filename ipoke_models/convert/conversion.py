"""The conversion itself: find, read, size, name, check, write."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

from ..checkpoint import require_free, require_name, save_model
from ..config import ModelConfig
from ..errors import CheckpointError, ConfigError
from ..networks.whole import Networks
from .layout import Source, find
from .names import State, networks_state
from .pickle_reader import read_in_child
from .report import Dropped, Report
from .sizes import model_config
from .tensors import Tensors

_FLAG = ".initialized"
_UNUSED = (
    ("a layer's note that its data-dependent start took place", lambda key: key.endswith(_FLAG)),
    ("the perceptual metric that training reported", lambda key: key.startswith("lpips_net.")),
    ("the video metric that training reported", lambda key: key.startswith("FVD.")),
)


def convert(logs: Path, name: str, folder: Path) -> Report:
    """Writes the model folder of `name`, found under `logs`.

    Raises:
        ModelError: files are missing or damaged, or something in them is not of the released layout.
    """
    require_name(name)
    require_free(folder)
    folder = folder.resolve()  # "." has a parent too
    source = find(logs, name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=folder.parent) as scratch:
        copied = Path(scratch) / "tensors.safetensors"
        read_in_child(source.checkpoint, copied)
        tensors = Tensors(load_file(copied))
        tensors.require_set(_FLAG)
        config = _config(tensors, source)
        state = networks_state(tensors, config)
        dropped = _drop(tensors, source.checkpoint)
        networks = _build(config, state, source.checkpoint)
        report = Report(name, source.checkpoint.name, config, "", len(tensors.taken), dropped, _notes(source))
        manifest = save_model(folder, networks, name, report.as_markdown())
    return Report(**{**vars(report), "sha256": manifest.sha256})


def _config(tensors: Tensors, source: Source) -> ModelConfig:
    try:
        return model_config(tensors, source)
    except ConfigError as error:
        raise CheckpointError(f"{source.checkpoint} has not the sizes of a released model: {error}") from error


def _drop(tensors: Tensors, checkpoint: Path) -> tuple[Dropped, ...]:
    groups = [Dropped(reason, tensors.drop(belongs)) for reason, belongs in _UNUSED]
    if tensors.left:
        raise CheckpointError(
            f"{checkpoint} holds {len(tensors.left)} tensors that no released model has, such as {tensors.left[0]}."
        )
    return tuple(group for group in groups if group.keys)


def _build(config: ModelConfig, state: State, checkpoint: Path) -> Networks:
    with torch.device("meta"):
        networks = Networks(config)
    expected = networks.state_dict()
    for kind, keys in (("has nothing for", expected.keys() - state.keys()), ("has more than", state.keys() - expected.keys())):
        if keys:
            raise CheckpointError(f"{checkpoint} {kind} the networks of its sizes: {min(keys)} ({len(keys)} in all).")
    for key, tensor in expected.items():
        if state[key].shape != tensor.shape:
            found = tuple(state[key].shape)
            raise CheckpointError(f"{checkpoint}: {key} has shape {found}, but its sizes ask for {tuple(tensor.shape)}.")
    networks.load_state_dict(state, assign=True)
    return networks


def _notes(source: Source) -> tuple[str, ...]:
    notes = []
    poke = source.configs["poke_encoder"]
    if poke.get("architecture", "flow_ae"):
        notes.append("Its poke encoder was trained on dense flow (flow_ae), but is fed sparse pokes here.")
    if not source.configs["second_stage"].get("data", "scale_poke_to_res"):
        notes.append("Its YAML does not say scale_poke_to_res; pokes are taken in pixels of the working resolution.")
    return tuple(notes)
