"""The flow's loss counts every clip as it is told to."""

import torch

from ipoke_models.training.losses import flow_loss


def test_each_clip_may_have_its_own_weight_and_share_of_the_square() -> None:
    truth = torch.zeros(2, 2, 8, 8)
    flow = torch.stack([torch.full((2, 8, 8), 3.0), torch.full((2, 8, 8), 5.0)])
    square, weight = (torch.tensor(values).view(2, 1, 1, 1) for values in ([0.1, 0.0], [1.0, 4.0]))
    loss = flow_loss(flow, truth, moving=0.0, square=square, weight=weight)
    assert torch.isclose(loss, torch.tensor((3 + 0.1 * 9 + 4 * 5) / 2))
