"""The models of iPOKE: networks, training and sampling. PyTorch only; knows nothing of Blender, sockets or jobs."""

from .draws import GROUP, Near
from .errors import Cancelled, CheckpointError, ConfigError, ModelError, PokeError
from .inference import Model, ModelInfo, StreamedFrame, installed_models, load_model

__all__ = [
    "GROUP",
    "Cancelled",
    "CheckpointError",
    "ConfigError",
    "Model",
    "ModelError",
    "ModelInfo",
    "Near",
    "PokeError",
    "StreamedFrame",
    "installed_models",
    "load_model",
]
