"""Owns the errors of the command line and their exit codes."""

from __future__ import annotations

from ..protocol.errors import IpokeError


class CommandError(IpokeError):
    """The command can't do what it was asked to do."""

    exit_code = 1


class UsageError(CommandError):
    """The command line is wrong."""

    exit_code = 2
