"""The conditional flow tau between video codes z and residual kinematics r (paper, section 3.1)."""

from .multiscale import ConditionalFlow
from .recorded import RecordedSampler
from .sampler import Conditioning, FlowSampler
from .transforms import Transform

__all__ = ["ConditionalFlow", "Conditioning", "FlowSampler", "RecordedSampler", "Transform"]
