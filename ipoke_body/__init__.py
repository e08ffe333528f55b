"""The elastic body over a thing: its mesh, its solver, its poses. numpy alone, since the add-on carries a copy of it."""

from .body import ROUNDS, VERTICES, Body, BodyError, HeldBody

__all__ = ["ROUNDS", "VERTICES", "Body", "BodyError", "HeldBody"]
