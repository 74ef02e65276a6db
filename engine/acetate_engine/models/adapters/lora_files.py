"""Reading what a style's file changes: LoRA, LoCon, LoHa, LoKr, DoRA and plain differences, whoever wrote it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.adapters.lora_algebra import LowRank, Tensors, low_rank, reshaped_difference
from acetate_engine.models.adapters.lora_names import LayerNames, LoraPlace
from acetate_engine.models.checkpoints.info import Family, Kind
from acetate_engine.models.checkpoints.kinds import require
from acetate_engine.models.checkpoints.load import require_finite
from acetate_engine.models.checkpoints.lora_stems import by_part, readable
from acetate_engine.models.checkpoints.loras import SUFFIX, kinds_unread, said_unread

_WRONG_FILE = "Choose a LoRA that was made for this model family."
_BUNDLE = "bundle_emb."  # OneTrainer's: embeddings that were trained together with it


@dataclass
class LoraFile:
    """What a file adds to a model.

    Attributes:
        factors: by part and module: low-rank factors, scaled, in the shapes of the module.
        tensors: by part and module: what else changes a layer; see lora_algebra.py.
        embeddings: {word: {"clip_l", "clip_g" or "": rows}}.
        unused: sentences on what the model has no part for.
    """

    factors: dict[str, dict[str, LowRank]] = field(default_factory=lambda: defaultdict(dict))
    tensors: dict[str, dict[str, Tensors]] = field(default_factory=lambda: defaultdict(dict))
    embeddings: dict[str, dict[str, Tensor]] = field(default_factory=lambda: defaultdict(dict))
    unused: list[str] = field(default_factory=list)


def read_lora(path: Path, family: Family, parts: Mapping[str, nn.Module], names: LayerNames) -> LoraFile:
    """What the file at `path` changes, checked against the modules of the base.

    Args:
        parts: the modules, with or without adapters in them.
        names: of the same parts.

    Raises:
        CheckpointError: another kind or family, damaged, or with nothing that has a place in the model.
    """
    require(path, {Kind.STYLE_LORA}, family)
    require_finite(path)
    result, lost = LoraFile(), _Lost()
    for stem, rows in _by_layer(load_file(path), result, lost).items():
        if places := names.find(stem):
            part, module = _fitting(places, {what: tensor for what, (_, tensor) in rows.items()}, parts)
            _require_pairs(path, rows)
            tensors = {what: tensor for what, (_, tensor) in rows.items()}
            if why := _sort(tensors, result, part, module, layer_of(parts[part], module)):
                lost.misfits[stem] = why
        else:
            (lost.parts if names.lacks_part(stem) else lost.layers).append(stem)
    result.unused = [f"{path.name}: not used, {reason}" for reason in lost.reasons()]
    if not (result.factors or result.tensors or result.embeddings):
        raise CheckpointError("; ".join(result.unused) or f"{path.name} changes nothing", _WRONG_FILE)
    return result


Row = tuple[str, Tensor]
"""(name in the file, tensor)."""


@dataclass
class _Lost:
    """What of a file has no place, by the names that the file gives it."""

    parts: list[str] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    misfits: dict[str, str] = field(default_factory=dict)  # why each does not fit its place

    def reasons(self) -> Iterator[str]:
        if self.parts:
            yield f"for this model has no such part: {by_part(self.parts)}"
        if self.layers:
            yield f"for this model has no place for it: {by_part(self.layers)}; the first is {readable(self.layers[0])}"
        if self.misfits:
            first, why = next(iter(self.misfits.items()))
            yield f"for it does not fit this model: {by_part(self.misfits)}; the first, {readable(first)}, {why}"
        if self.kinds:
            yield f"for it is of a kind that is not read here: {said_unread(self.kinds)}"
        if self.others:
            more = f" and {len(self.others) - 1} more" if self.others[1:] else ""
            yield f"for nobody knows what it is: {self.others[0]}{more}"


def _by_layer(tensors: Mapping[str, Tensor], result: LoraFile, lost: _Lost) -> dict[str, dict[str, Row]]:
    """{layer in the file: {what, by LyCORIS' names: row}}; embeddings and what is not read go where they belong."""
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    lost.kinds = kinds_unread(tensors)
    unread = {stem for stems in lost.kinds.values() for stem in stems}
    for name, tensor in tensors.items():
        matched = SUFFIX.fullmatch(name)
        if name.startswith(_BUNDLE):
            word, _, table = name.removeprefix(_BUNDLE).partition(".")
            result.embeddings[word][table.removesuffix(".string_to_param.*")] = tensor
        elif (matched["stem"] if matched else name.rpartition(".")[0]) in unread:
            continue
        elif matched is None:
            lost.others.append(name)
        else:
            found[matched["stem"]][_canonical(matched["what"])] = (name, tensor)
    return found


def _canonical(what: str) -> str:
    """One name for what each trainer calls otherwise."""
    what = what.replace(".default", "").replace("_linear_layer", "").replace("lora.", "lora_")
    what = what.replace("lora_A", "lora_down").replace("lora_B", "lora_up").removesuffix(".weight")
    return {
        "lora_magnitude_vector": "dora_scale",
        "lora_up.bias": "diff_b",
        "lora_alpha": "alpha",
        "w_norm": "diff",
        "b_norm": "diff_b",
    }.get(what, what)


def _fitting(places: list[LoraPlace], tensors: Tensors, parts: Mapping[str, nn.Module]) -> LoraPlace:
    """Of two text encoders with layers of the same names, the one that is as wide."""
    reads = tensors.get("lora_down")
    for part, module in places:
        weight = layer_of(parts[part], module).weight
        if reads is None or (isinstance(weight, Tensor) and reads.shape[1] == weight.shape[1:][0]):
            return part, module
    return places[0]


def layer_of(part: nn.Module, name: str) -> nn.Module:
    """The layer itself, where an adapter has been put around it."""
    layer = part.get_submodule(name)
    base = getattr(layer, "base_layer", None)
    return base if isinstance(base, nn.Module) else layer


def _require_pairs(path: Path, rows: Mapping[str, Row]) -> None:
    """Half of a pair is missing where a file is damaged. Raises CheckpointError."""
    for what, other in (("lora_down", "lora_up"), ("lora_up", "lora_down")):
        if what in rows and other not in rows:
            missing = _other_name(rows[what][0])
            raise CheckpointError(f"{path.name} lacks {missing}", "Choose a file that holds all of it.")


def _sort(tensors: Tensors, result: LoraFile, part: str, module: str, layer: nn.Module) -> str:
    """Put what changes a layer where it belongs; why it does not fit, or nothing."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    try:
        pair = low_rank(tensors, tuple(weight.shape))
        rest = {what: x for what, x in tensors.items() if pair is None or what == "diff_b"}
        if changes := bool(rest.keys() - {"alpha"}):
            reshaped_difference(rest, layer, check=True)
    except ValueError as error:
        return str(error)
    except (RuntimeError, KeyError, IndexError):  # of the algebra itself, in words of matrices
        return "has factors that do not fit together"
    if pair is not None:
        result.factors[part][module] = pair
    if changes:
        result.tensors[part][module] = rest
    return ""


def _other_name(name: str) -> str:
    for ours, theirs in (("lora_down", "lora_up"), ("lora_A", "lora_B"), (".down.", ".up.")):
        if ours in name:
            return name.replace(ours, theirs)
        if theirs in name:
            return name.replace(theirs, ours)
    return name
