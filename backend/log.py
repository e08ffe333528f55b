"""Owns the form of the log: time, part, sentence with the job's id. Never keys, pixels or file contents."""

from __future__ import annotations

import logging


def set_up_log() -> None:
    """Log to standard error."""
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)
