"""Owns the root of the exception tree that client and backend share, and the codes that travel with an error.

IpokeError             one sentence with cause and fix, and a code
├── ProtocolError      a message that is malformed or outside the limits; `field` names the culprit
├── LinkError          client: no way to reach a backend
├── LaunchError        client: a backend could not be started
└── ...                the backend's own errors (plates, regions, worker, command line)
"""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """What went wrong, for programs; the sentence beside it is for people."""

    VERSION = "version"
    MALFORMED = "malformed"
    QUOTA = "quota"
    BAD_PLATE = "bad_plate"
    BAD_POKES = "bad_pokes"
    BAD_REGION = "bad_region"
    BAD_MODEL = "bad_model"
    BAD_KINEMATICS = "bad_kinematics"
    NOT_ALLOWED = "not_allowed"
    POISON = "poison"
    NO_WORKER = "no_worker"
    OUT_OF_MEMORY = "out_of_memory"
    UNREACHABLE = "unreachable"
    INTERNAL = "internal"


class IpokeError(Exception):
    """Base of all errors; `sentence` says the cause and the fix."""

    code = ErrorCode.INTERNAL

    def __init__(self, sentence: str, code: ErrorCode | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if code is not None:
            self.code = code


class ProtocolError(IpokeError):
    """A message that is malformed, of another version or outside the limits; `field` is a dotted path or empty."""

    code = ErrorCode.MALFORMED

    def __init__(self, sentence: str, field: str = "", code: ErrorCode | None = None) -> None:
        super().__init__(sentence, code)
        self.field = field
