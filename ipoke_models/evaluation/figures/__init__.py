"""The paper's figures for a model, as PNG files with their numbers."""
