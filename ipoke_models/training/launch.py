"""One process, or its part among those that torchrun started: the device, the precision, and who talks to whom."""

from __future__ import annotations

import os

import torch
from lightning_fabric import Fabric

from ..errors import ModelError


def launch(device: str, *, bf16: bool) -> Fabric:
    """Join the training on `auto`, `cpu` or `cuda`; with bf16, losses that allow it are computed in bfloat16.

    Raises:
        ModelError: there is no such device, or it can't train in bfloat16.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("There is no CUDA device that this PyTorch can use; train with --device cpu.")
    accelerator = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    if bf16 and accelerator == "cpu":
        # Weight gradients of 3D convolutions come back as NaN now and then.
        raise ModelError("Training in bfloat16 needs a CUDA device; leave --bf16 out on a processor.")
    if accelerator == "cuda":
        torch.set_float32_matmul_precision("high")
    everywhere, here = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    fabric = Fabric(
        accelerator=accelerator,
        devices=here,
        num_nodes=everywhere // here,
        strategy="ddp" if everywhere > 1 else "auto",
        precision="bf16-mixed" if bf16 else "32-true",
    )
    fabric.launch()
    return fabric
