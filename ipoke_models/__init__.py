"""The models of iPOKE: networks, training and sampling. PyTorch only; knows nothing of Blender, sockets or jobs."""

from ipoke_values import Like, Sampling

from .errors import Cancelled, CheckpointError, ConfigError, ModelError, PokeError
from .installed import LeftOut, ModelInfo, SegmenterInfo, installed_models, survey
from .model import Model, StreamedFrame, load_model
from .sampling.residuals import GROUP
from .sampling.things import Thing

__all__ = [
    "GROUP",
    "Cancelled",
    "CheckpointError",
    "ConfigError",
    "LeftOut",
    "Like",
    "Model",
    "ModelError",
    "ModelInfo",
    "PokeError",
    "Sampling",
    "SegmenterInfo",
    "StreamedFrame",
    "Thing",
    "installed_models",
    "load_model",
    "survey",
]
