"""Names and numbers that parts agree on without knowing one another."""

from __future__ import annotations

KINEMATICS_SUFFIX = ".kin.safetensors"
MODELS_VARIABLE = "IPOKE_MODELS"
"""The variable that names folders of further models."""
THING_LEAST = 0.05
"""Of a mask of a thing, or of alpha; where there is less, nothing moves and nothing hangs together."""
CUT_OUT_SHARE, CUT_OUT_ALPHA = 0.05, 0.02
"""The share of a cut-out that is transparent, and how little alpha that is."""
CLICK_REACH = 0.02
"""How far a click may lie beside a part of a cut-out, over the long side."""
