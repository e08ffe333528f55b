"""The conditional flow tau between video codes z and residual kinematics r (paper, section 3.1)."""

from .multiscale import ConditionalFlow
from .sampler import Conditioning, FlowSampler
from .transforms import Transform

__all__ = ["ConditionalFlow", "Conditioning", "FlowSampler", "Transform"]
