"""Packages that only training needs, and what to say where one is missing."""

from __future__ import annotations

TRAINING_PACKAGES = ("filelock", "lightning_fabric", "tqdm")


def how_to_install(error: ModuleNotFoundError) -> str:
    """One sentence for the package that is missing; raises the error again where training does not bring that package."""
    if error.name not in TRAINING_PACKAGES:
        raise error
    return f"Training needs the package {error.name}; install it with: pip install 'ipoke[train]'."
