"""Measures of what a model does, beside its baselines, on clips that it has not seen."""
