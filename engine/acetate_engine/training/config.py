"""What can be trained: the table of stages, and their configurations; importing it costs no torch.

Each stage has one frozen model of its configuration, read from YAML; unknown keys are errors.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from acetate.protocol.errors import FileError
from acetate_engine.documents.files import read_yaml

if TYPE_CHECKING:
    from acetate_engine.training.loop import TrainingStage


def _located(path: Path, info: ValidationInfo) -> Path:
    found = (info.context or {}).get("folder", Path()) / path
    if not found.exists():
        raise ValueError(f"{found} is missing: train the stage that makes it first, or name another path")
    return found


Existing = Annotated[Path, AfterValidator(_located)]  # relative to the configuration file


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Schedule(Frozen):
    """What the loop needs, whatever the stage."""

    steps: int = Field(gt=0)
    batch: int = Field(gt=0)
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5  # at the end of the cosine
    warmup: int = 100  # steps of linear warm-up
    weight_decay: float = 0.01
    clip: float = 1.0  # largest gradient norm
    ema: float = 0.999
    seed: int = 0
    precision: Literal["no", "bf16"] = "no"  # bf16: autocast, where the hardware computes in it
    checkpoint_seconds: float = 120
    log_every: int = 10
    sheet_every: int = 1000


class StageConfig(Frozen):
    """Base of every stage's configuration."""

    schedule: Schedule
    licences: Existing = Field(default=Path("licences.json"), validate_default=True)  # table of SPDX names


Config = TypeVar("Config", bound=StageConfig)
Checked = TypeVar("Checked", bound=Frozen)


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read YAML; paths in it are relative to its own folder.

    The files that the key `include` lists are read first, and from each what this stage has a key for.

    Raises FileError where a file is no configuration, or a value of it is wrong.
    """
    values = read_names(path)
    include = values.pop("include", [])
    if not isinstance(include, list):
        raise FileError(f"{path}: include is {str(include)[:60]!r}", "Give a list of files.")
    for name in include:
        shared = read_names(path.parent / str(name))
        values = {key: value for key, value in shared.items() if key in kind.model_fields} | values
    return checked(path, kind, values)


def checked(path: Path, kind: type[Checked], values: dict[str, Any]) -> Checked:
    """Raises FileError, which names each key that is wrong."""
    try:
        return kind.model_validate(values, context={"folder": path.parent.resolve()})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'all of it'}: {one['msg']}" for one in error.errors())
        raise FileError(f"{path} cannot be used: {wrong[:1000]}", "Correct it, and try again.") from error


def read_names(path: Path) -> dict[str, Any]:
    """A file of names and values. Raises FileError."""
    values = read_yaml(path)
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise FileError(f"{path} holds no names with values", "See resources/presets/train for how it should look.")
    return values


@dataclass(frozen=True)
class StageEntry:
    """One stage: module, names of its configuration and of the stage in it, one line of help."""

    module: str
    config: str
    stage: str
    help: str

    def build(self, config: Path, data: Path) -> tuple[StageConfig, TrainingStage]:
        """Raises FileError where the configuration is wrong."""
        module: Any = importlib.import_module(f"{__package__}.{self.module}")
        settings = read_config(config, getattr(module, self.config))
        return settings, getattr(module, self.stage)(settings, data)


STAGES = {
    "vae": StageEntry("vae", "VaeConfig", "VaeStage", "Train the RGB autoencoder."),
    "base": StageEntry(
        "base", "BaseConfig", "BaseStage", "Train the RGB text-to-image UNet on the autoencoder's latents."
    ),
    "transparency": StageEntry(
        "transparency",
        "TransparencyConfig",
        "TransparencyStage",
        "Train the offset encoder and the transparent decoder around a frozen autoencoder.",
    ),
    "residual": StageEntry(
        "residual", "ResidualConfig", "ResidualStage", "Train a code of what the transparent decoder misses of alpha."
    ),
    "layer": StageEntry(
        "layer", "LayerConfig", "LayerStage", "Train the weights that make a frozen RGB model paint transparent layers."
    ),
    "joint": StageEntry(
        "shared", "SharedConfig", "JointStage", "Train foreground, background and blended picture in one run."
    ),
    "conditioned": StageEntry(
        "shared",
        "ConditionedConfig",
        "ConditionedStage",
        "Train a foreground on a given background, or a background behind a given foreground.",
    ),
    "probe": StageEntry("probe", "ProbeConfig", "ProbeStage", "Train the probe that `acetate eval` looks with."),
    "concat": StageEntry(
        "concat",
        "ConcatConfig",
        "ConcatStage",
        "Train a layer from others, given as further input channels of the UNet.",
    ),
    "control": StageEntry("control", "ControlConfig", "ControlStage", "Train a ControlNet on edges."),
    "style": StageEntry("style", "StyleConfig", "StyleStage", "Train a style LoRA on the base."),
}
