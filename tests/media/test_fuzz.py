"""A short run of what `python -m tests.fuzz --images` does for an hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import fuzz_images


@pytest.mark.slow
def test_mutated_stills_are_refused_or_read_and_never_end_the_process(tmp_path: Path):
    assert fuzz_images.run(4, tmp_path, seed=7)
