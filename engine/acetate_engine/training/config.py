"""Training configurations: one frozen model a stage, read from YAML; unknown keys are errors."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from acetate.protocol.errors import FileError


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


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read YAML; paths in it are relative to its own folder.

    The files that the key `include` lists are read first, and from each what this stage has a key for.

    Raises pydantic's ValidationError, FileError where a file is no configuration.
    """
    values = read_yaml(path)
    for name in values.pop("include", []):
        shared = read_yaml(path.parent / str(name))
        values = {key: value for key, value in shared.items() if key in kind.model_fields} | values
    return kind.model_validate(values, context={"folder": path.parent.resolve()})


def read_yaml(path: Path) -> dict[str, Any]:
    """A file of names and values. Raises FileError."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise FileError(f"{path} cannot be read: {str(error)[:300]}", "Correct it, or name another file.") from error
    if not isinstance(values, dict):
        raise FileError(f"{path} holds no names with values", "See resources/presets/train for how it should look.")
    include = values.get("include", [])
    if not isinstance(include, list):
        raise FileError(f"{path}: include is {str(include)[:60]!r}", "Give a list of files.")
    return values
