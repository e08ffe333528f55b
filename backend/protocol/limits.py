"""Owns every limit that the wire protocol puts on a message, in one table."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

HEAD_BYTES = 64 * KIB
RAW_PARTS = 4
RAW_BYTES = 256 * MIB
"""What a backend may send in one message: the frame of a large plate."""
PIECE_BYTES = 512 * KIB
"""What a client may send in one message: a piece of a file."""
PIECES_ASKED = 8
"""Pieces of files that may be on their way from one client."""

KINEMATICS_BYTES = 8 * MIB

TEXT_CHARACTERS = 2 * KIB
NAME_CHARACTERS = 128

IMAGE_SIDE_PX = 8192
REGION_SIDE_PX = 4

POKES = 64
FRAMES = 64
OUTPUT_FRAMES = 600
CHAIN = 8
DRAWS = 16
SAMPLES = 64
REGIONS = 16
STROKES = 64
STROKE_POINTS = 256
POINTS = 2048
"""Of all strokes of one question."""
LEVELS = 3
"""Nested masks: part, thing, group of things."""
COUNTER = 2**62

CLIENTS = 16
CLIENTS_PER_KEY = 4
WORKERS = 64
JOBS_PER_CLIENT = 32
UPLOAD_BYTES_PER_CLIENT = RAW_BYTES
SPARE_UPLOADS_PER_CLIENT = 128
"""Files that are kept for a client's next jobs, where none that is open needs them."""

# Bytes of frames that may be on their way to one client before it has said that it read them.
WINDOW_BYTES = 32 * MIB
