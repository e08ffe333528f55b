"""The models of iPOKE: networks, training and sampling. PyTorch only; knows nothing of Blender, sockets or jobs."""

from .errors import Cancelled, CheckpointError, ConfigError, ModelError, PokeError
from .inference import GROUP, Model, ModelInfo, StreamedFrame, installed_models, load_model

__all__ = [
    "GROUP",
    "Cancelled",
    "CheckpointError",
    "ConfigError",
    "Model",
    "ModelError",
    "ModelInfo",
    "PokeError",
    "StreamedFrame",
    "installed_models",
    "load_model",
]
