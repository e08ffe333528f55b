"""Several processes train like one."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ipoke_models.data.store import ClipStore
from ipoke_models.errors import ModelError
from ipoke_models.networks.autoencoder import VideoAutoencoder
from ipoke_models.training import processes
from ipoke_models.training.codes import CodedClips
from ipoke_models.training.launch import launch
from ipoke_models.training.presets import PRESETS
from tests.machine import allowed
from tests.training import curves

PROJECT = Path(__file__).resolve().parents[2]


def curves_of(work: Path) -> dict[str, dict[str, float]]:
    """Losses and figures of each stage."""
    curves: dict[str, dict[str, float]] = {}
    for prefix, folder in (("", work), ("adversarial ", work / "adversarial")):
        for line in (folder / "log.jsonl").read_text().splitlines():
            entry = json.loads(line)
            # With the paper's weight of the KL, sigma's gradient is little more than rounding, which Adam makes large.
            for key in ("time", "sigma"):
                entry.pop(key, None)
            curves[prefix + entry.pop("stage")] = entry
    return curves


@pytest.mark.timeout(400)
def test_two_processes_give_the_losses_of_one(store: Path, tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*torchrun, "-m", "tests.training.curves", str(store), str(tmp_path / "two")]
    two = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        curves.run(store, tmp_path / "one")
        output, _ = two.communicate(timeout=allowed(300))
    finally:
        two.kill()
    assert two.returncode == 0, output
    alone, together = curves_of(tmp_path / "one"), curves_of(tmp_path / "two")
    assert list(alone) == ["video", "conditioner", "dense", "base", "kinematics", "twin", "adversarial video"]
    assert list(together) == list(alone)
    for stage, curve in alone.items():
        # Networks that learn against each other carry rounding further.
        tolerance = 5e-4 if stage == "adversarial video" else 1e-4
        assert together[stage] == pytest.approx(curve, rel=tolerance, abs=2e-5), stage


def test_shares_of_a_batch_make_up_the_batch(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = ClipStore(store, augmented=True)
    torch.manual_seed(0)
    coded = CodedClips(clips, VideoAutoencoder(PRESETS["smoke-64"].networks.autoencoder), (3, 5))
    whole = coded.random(np.random.default_rng(0), 6)
    read: list[int] = []
    batch = clips.batch
    monkeypatch.setattr(clips, "batch", lambda indices: read.append(len(indices)) or batch(indices))
    monkeypatch.setattr(processes, "count", lambda: 2)
    shares = []
    for number in range(2):
        monkeypatch.setattr(processes, "index", lambda number=number: number)
        shares.append(coded.random_share(np.random.default_rng(0), 6))
    assert read == [3, 3]
    for number, share in enumerate(shares):
        assert torch.equal(share.batch.frames, whole.batch.frames[number::2])
        assert torch.equal(share.batch.poke_flow, whole.batch.poke_flow[number::2])
        assert torch.equal(share.pokes.maps, whole.pokes.maps[number::2])
        assert torch.allclose(share.z, whole.z[number::2], atol=1e-5)


def test_a_batch_that_processes_cant_share_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count", lambda: 4)
    processes.require_divisible(12)
    with pytest.raises(ModelError, match="batch of 6 can't be shared by 4 processes"):
        processes.require_divisible(6)


def test_bfloat16_on_a_processor_is_refused_in_a_sentence() -> None:
    with pytest.raises(ModelError, match="bfloat16 needs a CUDA device"):
        launch("cpu", bf16=True)
