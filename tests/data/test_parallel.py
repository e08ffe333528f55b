"""Work is spread over processes, with progress, and its errors come through."""

import math

import pytest

from ipoke_models.data.footage.parallel import in_parallel


@pytest.mark.parametrize("processes", [1, 2])
def test_every_piece_is_done_and_counted(processes: int, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = [(math.sqrt, (float(number * number),)) for number in range(4)]
    assert sorted(in_parallel(jobs, processes, "root")) == [0, 1, 2, 3]
    assert capsys.readouterr().err.splitlines()[-1] == "root 4 of 4, about 0 s left"


def test_an_error_in_a_process_comes_through() -> None:
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        list(in_parallel([(math.sqrt, (-1.0,)), (math.sqrt, (1.0,))], 2, "root"))
