"""Owns the version of the wire protocol and of the product. Both sides must agree exactly on the protocol."""

from __future__ import annotations

PROTOCOL_VERSION = 9
PRODUCT_VERSION = "0.1.0"
