"""Turns a checkpoint set in the paper's released layout into a model folder."""

from .conversion import convert
from .report import Dropped, Report

__all__ = ["Dropped", "Report", "convert"]
