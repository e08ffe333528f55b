"""Which tensor of the released system becomes which of ours. The state of every network, key by key."""

from __future__ import annotations

from torch import Tensor

from ..config import EncoderConfig, ModelConfig
from ..networks.flow.masked import Order
from .tensors import Tensors

State = dict[str, Tensor]


def networks_state(source: Tensors, config: ModelConfig) -> State:
    """The state of `Networks(config)`, norms folded, from a second-stage checkpoint."""
    return {
        **_prefixed("autoencoder.encoder", _video_encoder(source, config)),
        **_prefixed("autoencoder.gru", _gru(source, config)),
        **_prefixed("autoencoder.decoder", _spade_decoder(source, config)),
        **_prefixed("conditioner.image", _autoencoder(source, "conditioner", config.conditioner.image)),
        **_prefixed("conditioner.poke", _autoencoder(source, "poke_embedder", config.conditioner.poke)),
        **_prefixed("flow", _flow(source, config)),
    }


def _video_encoder(source: Tensors, config: ModelConfig) -> State:
    theirs = "first_stage_model.enc_motion"
    state = {
        "stem.weight": source.take(f"{theirs}.conv1.weight"),
        **_with_bias("stem_norm", source, f"{theirs}.bn1"),
        **_with_bias("to_mean", source, f"{theirs}.conv_mu"),
        **_with_bias("to_logvar", source, f"{theirs}.conv_var"),
    }
    for layer in range(len(config.autoencoder.encoder_widths) - 1):
        for block in (0, 1):
            block_theirs, ours = f"{theirs}.layer{layer + 1}.{block}", f"layers.{2 * layer + block}"
            for index in (1, 2):
                state[f"{ours}.conv{index}.weight"] = source.take(f"{block_theirs}.conv{index}.weight")
                state |= _with_bias(f"{ours}.norm{index}", source, f"{block_theirs}.bn{index}")
            if block == 0:
                state[f"{ours}.shortcut.0.weight"] = source.take(f"{block_theirs}.downsample.0.weight")
                state |= _with_bias(f"{ours}.shortcut.1", source, f"{block_theirs}.downsample.1")
    return state


def _gru(source: Tensors, config: ModelConfig) -> State:
    state = {"motion_bias": source.take("first_stage_model.motion_bias")}
    for layer in range(config.autoencoder.gru_layers):
        for gate in ("update_gate", "reset_gate", "out_gate"):
            state |= _with_bias(f"cells.{layer}.{gate}", source, f"first_stage_model.rnn.cells.{layer}.{gate}")
    return state


def _spade_decoder(source: Tensors, config: ModelConfig) -> State:
    theirs = "first_stage_model.gen"
    state = _res_block("in_block", source, f"{theirs}.in_block")
    for index in range(len(config.autoencoder.decoder.widths) - 1):
        state |= _res_block(f"blocks.{index}", source, f"{theirs}.blocks.{index}", up=True)
        for ours, name in (("shared", "conv"), ("to_gamma", "conv_gamma"), ("to_beta", "conv_beta")):
            state |= _with_bias(f"spades.{index}.{ours}", source, f"{theirs}.spade_blocks.{index}.{name}")
    return state | _with_bias("head", source, f"{theirs}.out_conv.conv")


def _autoencoder(source: Tensors, theirs: str, config: EncoderConfig) -> State:
    encoder, decoder = f"{theirs}.encoder", f"{theirs}.decoder"
    state = {
        **_spectral("encoder.stem", source, f"{encoder}.model.0.conv"),
        **_with_bias("encoder.stem_norm", source, f"{encoder}.model.0.norm"),
    }
    for index in range(len(config.widths) - 1):
        state |= _res_block(f"encoder.blocks.{index}", source, f"{encoder}.model.{index + 1}")
    state |= _res_block("encoder.bottleneck", source, f"{encoder}.bottleneck.0")
    state |= _res_block("decoder.in_block", source, f"{decoder}.in_block")
    for index in range(len(config.widths)):
        state |= _res_block(f"decoder.blocks.{index}", source, f"{decoder}.blocks.{index}", up=True)
    return state | _with_bias("decoder.head", source, f"{decoder}.out_conv.conv")


def _flow(source: Tensors, config: ModelConfig) -> State:
    theirs = "flow.flow"
    state: State = {}
    for level, steps in enumerate(config.flow.num_steps):
        for step in range(steps):
            state |= _step(f"levels.{level}.parts.{step}", source, f"{theirs}.layers.{level}.{step}")
        ours, prior = f"levels.{level}.parts.{steps}", f"{theirs}.priors.{level}"
        state[f"{ours}.shuffle.order"] = source.permutation(f"{prior}.conv1x1")
        state |= _coupling(f"{ours}.coupling", source, f"{prior}.coupling")
        state |= _actnorm(f"{ours}.norm", source, f"{prior}.actnorm")
        state[f"levels.{level}.parts.{steps + 1}.order"] = source.permutation(f"{theirs}.shuffle_layers.{level}")
    return state


def _step(ours: str, source: Tensors, theirs: str) -> State:
    first = ["actnorm1", "conv1x1", "units1.0", "units1.1", "coupling1_up", "coupling1_dn"]
    second = ["actnorm2", "units2.0", "units2.1", "coupling2_up", "coupling2_dn"]
    state: State = {}
    for index, part in enumerate(first + second):
        name, origin = f"{ours}.parts.{index}", f"{theirs}.{part}"
        if part == "conv1x1":
            state[f"{name}.order"] = source.permutation(origin)
        elif part.startswith("actnorm"):
            state |= _actnorm(name, source, origin)
        elif part.startswith("units"):
            state |= _unit(name, source, origin)
        else:
            state |= _coupling(name, source, origin)
    return state


def _unit(ours: str, source: Tensors, theirs: str) -> State:
    state = {**_actnorm(f"{ours}.parts.2", source, f"{theirs}.actnorm1")}
    state |= _actnorm(f"{ours}.parts.5", source, f"{theirs}.actnorm2")
    for place, number in zip((0, 1, 3, 4), range(1, len(Order) + 1), strict=True):
        name, origin = f"{ours}.parts.{place}", f"{theirs}.conv{number}.net"
        state[f"{name}.masked.weight"] = source.take(f"{origin}.shift_conv.weight")
        state |= _normed(f"{name}.mix", source, f"{origin}.conv1x1.conv")
    return state


def _coupling(ours: str, source: Tensors, theirs: str) -> State:
    return {
        f"{ours}.network.conv1.weight": source.take(f"{theirs}.net.conv1.weight"),
        f"{ours}.network.conv2.weight": source.take(f"{theirs}.net.conv2.weight"),
        **_normed(f"{ours}.network.conv3", source, f"{theirs}.net.conv3.conv"),
    }


def _actnorm(ours: str, source: Tensors, theirs: str) -> State:
    return {f"{ours}.{name}": source.take(f"{theirs}.{name}") for name in ("log_scale", "bias")}


def _res_block(ours: str, source: Tensors, theirs: str, up: bool = False) -> State:
    layers = [("conv1", f"{theirs}.conv1", up), ("conv2", f"{theirs}.conv2", False)]
    if any(f"{theirs}.res_conv.conv.{kind}" in source for kind in ("weight", "weight_orig")):
        layers.append(("shortcut.0", f"{theirs}.res_conv", up))
    state: State = {}
    for name, origin, transposed in layers:
        state |= _spectral(f"{ours}.{name}", source, f"{origin}.conv", transposed)
        if f"{origin}.norm.weight" in source:
            state |= _with_bias(f"{ours}.{name.replace('conv', 'norm')}", source, f"{origin}.norm")
    return state


def _spectral(ours: str, source: Tensors, theirs: str, transposed: bool = False) -> State:
    if f"{theirs}.weight_orig" not in source:
        return _with_bias(ours, source, theirs)
    return {f"{ours}.weight": source.spectral_weight(theirs, transposed), f"{ours}.bias": source.take(f"{theirs}.bias")}


def _normed(ours: str, source: Tensors, theirs: str) -> State:
    return {f"{ours}.weight": source.weight_normed(theirs), f"{ours}.bias": source.take(f"{theirs}.bias")}


def _with_bias(ours: str, source: Tensors, theirs: str) -> State:
    return {f"{ours}.{name}": source.take(f"{theirs}.{name}") for name in ("weight", "bias")}


def _prefixed(prefix: str, state: State) -> State:
    return {f"{prefix}.{key}": value for key, value in state.items()}
