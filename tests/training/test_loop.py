"""The loop saves, resumes and stops without losing a step."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from torch import Tensor, nn

from ipoke_models.errors import CheckpointError, ModelError
from ipoke_models.training.loop import train_stage
from ipoke_models.training.schedule import Schedule

SCHEDULE = Schedule(steps=40, batch=8, learning_rate=0.05, warmup=5, validate_every=20, save_every=10)


class Line:
    """Fits a line to points that depend on (seed, step) alone; kills or signals its process at the step it is told."""

    name = "line"
    exact = True

    def __init__(self, inputs: int = 1, fails_at: int | None = None, signalled_at: int | None = None) -> None:
        torch.manual_seed(0)
        self.module = nn.Linear(inputs, 1)
        self._fails_at, self._signalled_at = fails_at, signalled_at

    def losses(self, step: int) -> dict[str, Tensor]:
        if step == self._fails_at:
            raise RuntimeError
        if step == self._signalled_at:
            os.kill(os.getpid(), signal.SIGTERM)
        x = torch.from_numpy(np.random.default_rng(step).standard_normal((8, 1), np.float32))
        return {"square": (self.module(x) - 3 * x - 1).square().mean()}

    def validate(self) -> dict[str, float]:
        return {"weight": float(self.module.weight.detach().sum())}


class Astray(Line):
    """Its gradient is no number from the step on that it is told, while its loss is one until then."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self._step = step

    def losses(self, step: int) -> dict[str, Tensor]:
        terms = super().losses(step)
        return terms if step < self._step else {**terms, "root": 0 * (0 * self.module.weight).sum().abs().sqrt()}


class AdversarialLine(Line):
    """The same with a critic that learns to tell the line's points from true ones."""

    critics_rate = 0.5

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__(fails_at=fails_at)
        self.critics = nn.Linear(1, 1)

    def losses(self, step: int) -> dict[str, Tensor]:
        terms = super().losses(step)
        return {**terms, "critic": -0.1 * self.critics(self.module(torch.ones(1, 1))).mean()}

    def critic_losses(self, step: int) -> dict[str, Tensor]:
        return {"judged": (self.critics(self.module(torch.ones(1, 1)).detach()) - self.critics(torch.full((1, 1), 4.0))).sum()}


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("line-*.safetensors"))


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("kind", [Line, AdversarialLine])
def test_a_killed_stage_resumes_to_the_same_weights(kind: type[Line], tmp_path: Path, fabric: Fabric) -> None:
    whole, broken, resumed = kind(), kind(fails_at=33), kind()
    train_stage(whole, SCHEDULE, tmp_path / "whole", fabric)
    with pytest.raises(RuntimeError):
        train_stage(broken, SCHEDULE, tmp_path / "broken", fabric)
    assert checkpoints(tmp_path / "broken") == ["line-0000020.safetensors", "line-0000030.safetensors"]
    train_stage(resumed, SCHEDULE, tmp_path / "broken", fabric)
    assert same(whole.module, resumed.module)
    if isinstance(whole, AdversarialLine) and isinstance(resumed, AdversarialLine):
        assert same(whole.critics, resumed.critics)


def test_a_signal_ends_training_after_a_whole_step_that_is_saved(tmp_path: Path, fabric: Fabric) -> None:
    before = signal.getsignal(signal.SIGTERM)
    whole, resumed = Line(), Line()
    train_stage(whole, SCHEDULE, tmp_path / "whole", fabric)
    with pytest.raises(KeyboardInterrupt):
        train_stage(Line(signalled_at=12), SCHEDULE, tmp_path / "stopped", fabric)
    assert checkpoints(tmp_path / "stopped")[-1] == "line-0000013.safetensors"
    assert signal.getsignal(signal.SIGTERM) is before
    train_stage(resumed, SCHEDULE, tmp_path / "stopped", fabric)
    assert same(whole.module, resumed.module)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(
    tmp_path: Path, fabric: Fabric, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, resumed = Line(), Line()
    train_stage(whole, SCHEDULE, tmp_path, fabric)
    (tmp_path / "line-0000040.safetensors").write_bytes(b"half of it")
    train_stage(resumed, SCHEDULE, tmp_path, fabric)
    assert "line-0000040.safetensors is damaged" in capsys.readouterr().err
    assert same(whole.module, resumed.module)


def test_checkpoints_of_other_networks_are_refused_in_a_sentence(tmp_path: Path, fabric: Fabric) -> None:
    train_stage(Line(), SCHEDULE, tmp_path, fabric)
    with pytest.raises(CheckpointError, match="holds other networks than the preset's"):
        train_stage(Line(inputs=2), SCHEDULE, tmp_path, fabric)


@pytest.mark.parametrize("step", [12, 19])
def test_weights_that_ran_away_end_training_and_the_checkpoint_before_them_stays(
    step: int, tmp_path: Path, fabric: Fabric
) -> None:
    with pytest.raises(ModelError, match=r"stage 'line' ran away before step 20.*another --seed goes on"):
        train_stage(Astray(step), SCHEDULE, tmp_path, fabric)
    assert checkpoints(tmp_path) == ["line-0000010.safetensors"]
    resumed = Line()
    train_stage(resumed, SCHEDULE, tmp_path, fabric)
    assert bool(resumed.module.weight.isfinite().all())


def test_files_that_training_did_not_write_are_never_removed(tmp_path: Path, fabric: Fabric) -> None:
    """Whatever their names are, even those of checkpoints."""
    train_stage(Line(), SCHEDULE, tmp_path, fabric)
    names = {"line-0000001.safetensors", "line-best.safetensors", "line-00.safetensors"}
    for name in names:
        save_file({"mine": torch.ones(1)}, tmp_path / name)
    train_stage(Line(), replace(SCHEDULE, steps=80), tmp_path, fabric)
    assert set(checkpoints(tmp_path)) == names | {"line-0000070.safetensors", "line-0000080.safetensors"}
