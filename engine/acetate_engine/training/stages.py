"""The table of stages: where each is, and what it is for. Importing it costs no torch."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acetate_engine.training.config import StageConfig
    from acetate_engine.training.loop import TrainingStage


@dataclass(frozen=True)
class StageEntry:
    """One stage: module, names of its configuration and of the stage in it, one line of help."""

    module: str
    config: str
    stage: str
    help: str

    def build(self, config: Path, data: Path) -> tuple[StageConfig, TrainingStage]:
        """Raises FileError where the configuration is wrong."""
        from acetate_engine.training.config import read_config

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
