"""The exceptions of ipoke_models.

ModelError (ValueError)      a model folder, clip or argument that can't be used; the message says why and what to do
  ConfigError                a configuration value that can't be used
  CheckpointError            weights that can't be used
  PokeError                  pokes that can't be used
Cancelled                    the caller's `cancelled()` said so
"""


class ModelError(ValueError):
    """Something about a model, or what it was given, can't be used. One sentence."""


class ConfigError(ModelError):
    """A configuration that can't be used. One sentence that names the key."""


class CheckpointError(ModelError):
    """Weights that can't be used. One sentence that names the file."""


class PokeError(ModelError):
    """Pokes that can't be used. One sentence that says what is wrong with them."""


class Cancelled(Exception):
    """Work stopped because the caller asked for it."""
