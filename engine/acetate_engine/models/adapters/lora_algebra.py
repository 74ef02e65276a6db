"""What the tensors of a style mean: low-rank factors, or a difference of a layer's weight and bias.

LoRA and LoCon: Hu et al., arXiv 2106.09685; LoHa, LoKr and Tucker's form: Yeh et al., arXiv 2309.14859, as in LyCORIS;
DoRA: Liu et al., arXiv 2402.09353.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Tensors = Mapping[str, Tensor]
"""Of one layer, by LyCORIS' names: lora_down, lora_up, lora_mid, alpha, hada_*, lokr_*, dora_scale, diff, diff_b."""


@dataclass(frozen=True)
class LowRank:
    """The weight's offset is `up` after `down`; both in the shapes of peft's layers, scaled."""

    down: Tensor  # (rank, in, ...)
    up: Tensor  # (out, rank, 1, ...)


def low_rank(tensors: Tensors, shape: tuple[int, ...]) -> LowRank | None:
    """Of a plain LoRA for a weight of this shape; None of any other kind.

    Raises:
        ValueError: the factors do not fit.
    """
    if "lora_down" not in tensors or "dora_scale" in tensors:
        return None
    down, up = _factors(tensors)
    kernel = shape[2:]
    if kernel and down.ndim == 2:
        down = down[..., None, None]
    if not kernel and down.ndim == 4 and down.shape[2:] == (1, 1):
        down = down[..., 0, 0]
    for given, wanted in ((tuple(down.shape[1:]), shape[1:]), ((up.shape[0],), shape[:1])):
        if given != wanted:
            raise ValueError(f"is for {given}, and the model has {wanted}")
    if up.shape[1] != len(down):
        raise ValueError(f"has factors of ranks {len(down)} and {up.shape[1]}")
    return LowRank(down, up.reshape(*up.shape[:2], *([1] * len(kernel))))


def _factors(tensors: Tensors) -> tuple[Tensor, Tensor]:
    """(down, up), the scale in `up`; Tucker's core is part of `down`."""
    down, up = tensors["lora_down"], tensors["lora_up"]
    scaled = up.flatten(1).float() * _scale(tensors, down.shape[0])
    if "lora_mid" in tensors:
        core = tensors["lora_mid"].float()
        down = torch.einsum("pqkl,qi->pikl", core, down.flatten(1).float())
    return down, scaled.to(up.dtype if up.dtype.itemsize > 1 else torch.bfloat16)  # 8 bits would round the scale


def _scale(tensors: Tensors, rank: int) -> float:
    alpha = tensors.get("alpha")
    if alpha is not None and alpha.numel() != 1:
        raise ValueError(f"has an alpha of {alpha.numel()} numbers")
    return 1.0 if alpha is None else float(alpha) / rank


@dataclass(frozen=True)
class Difference:
    """What is added to a layer at weight 1, float32; None: nothing."""

    weight: Tensor | None
    bias: Tensor | None


def reshaped_difference(tensors: Tensors, layer: nn.Module, check: bool = False) -> Difference:
    """Of any kind of change to this layer, whose own values are those of the base.

    `check`: only look whether it fits.

    Raises:
        ValueError: it does not fit.
    """
    base, bias = layer.weight, getattr(layer, "bias", None)
    assert isinstance(base, Tensor)
    weight = None
    if tensors.keys() - {"diff_b", "alpha"}:
        raw = _raw(tensors)
        if raw.numel() != base.numel() or raw.shape[0] != base.shape[0]:
            raise ValueError(f"is for {tuple(raw.shape)}, and the model has {tuple(base.shape)}")
        weight = raw.reshape(base.shape)
        if "dora_scale" in tensors and tensors["dora_scale"].numel() not in base.shape[:2]:
            raise ValueError(f"has {tensors['dora_scale'].numel()} magnitudes, and the model has {tuple(base.shape)}")
        if "dora_scale" in tensors and not check:
            weight = _with_magnitude(base.detach().float().cpu(), weight, tensors["dora_scale"].float())
    shift = tensors.get("diff_b")
    if shift is not None and (not isinstance(bias, Tensor) or bias.numel() != shift.numel()):
        raise ValueError("has a difference of a bias that the model's layer does not have")
    return Difference(weight, None if shift is None else shift.float().flatten())


def _raw(tensors: Tensors) -> Tensor:
    t = {name: tensor.float() for name, tensor in tensors.items()}
    if "lora_down" in t:
        down, up = _factors(t)
        return (up @ down.flatten(1)).reshape(up.shape[0], *down.shape[1:])
    if "hada_w1_a" in t:
        return _loha(t)
    if any(name.startswith("lokr_") for name in t):
        return _lokr(t)
    if "diff" in t:
        return t["diff"]
    raise ValueError(f"holds only {', '.join(sorted(t))}")


def _loha(t: Tensors) -> Tensor:
    from peft.tuners.loha.layer import make_weight as hadamard  # takes long to import: not without a style
    from peft.tuners.loha.layer import make_weight_cp as hadamard_tucker

    scale = torch.tensor(_scale(t, t["hada_w1_b"].shape[0]))
    pairs = (t["hada_w1_a"], t["hada_w1_b"]), (t["hada_w2_a"], t["hada_w2_b"])
    if "hada_t1" in t:
        made: Tensor = hadamard_tucker(t["hada_t1"], *pairs[0], t["hada_t2"], *pairs[1], scale)
        return made
    plain: Tensor = hadamard(*pairs[0], *pairs[1], scale)
    return plain


def _lokr(t: Tensors) -> Tensor:
    from peft.tuners.lokr.layer import make_kron  # takes long to import: not without a style
    from peft.tuners.lokr.layer import make_weight_cp as tucker

    first = t["lokr_w1"] if "lokr_w1" in t else t["lokr_w1_a"] @ t["lokr_w1_b"]
    if "lokr_w2" in t:
        second = t["lokr_w2"]
    elif "lokr_t2" in t:
        second = tucker(t["lokr_t2"], t["lokr_w2_a"], t["lokr_w2_b"])
    else:
        second = t["lokr_w2_a"] @ t["lokr_w2_b"]
    low = next((t[name] for name in ("lokr_w2_b", "lokr_w1_b") if name in t), None)
    made: Tensor = make_kron(first, second, 1.0 if low is None else _scale(t, low.shape[0]))
    return made


def _with_magnitude(base: Tensor, offset: Tensor, magnitude: Tensor) -> Tensor:
    """DoRA: each row of the changed weight, or each column in older files, gets the length that was learnt."""
    changed = base + offset
    rows = magnitude.numel() == base.shape[0] and not (magnitude.ndim > 1 and magnitude.shape[0] == 1 != base.shape[0])
    flat = changed.flatten(1) if rows else changed.transpose(0, 1).flatten(1)
    ones = [1] * (base.ndim - 2)
    length = flat.norm(dim=1).reshape((-1, 1, *ones) if rows else (1, -1, *ones)) + torch.finfo(base.dtype).eps
    return changed * (magnitude.reshape(length.shape) / length) - base
