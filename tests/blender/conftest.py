"""Keeps the tests that need Blender's own Python process out of this one; `test_blender.py` runs them there."""

from __future__ import annotations

import os

INSIDE = "IPOKE_INSIDE_BLENDER"
OWN_MODELS = "IPOKE_OWN_MODELS"

collect_ignore = ["window"] if INSIDE in os.environ else ["window", "inside"]
