"""The add-on's core needs its copy of the shared client before it can be imported."""

from __future__ import annotations

import build_addon

build_addon.vendor()
