"""What a model file may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from acetate_engine.models.checkpoints.parts import Part
from acetate_engine.models.checkpoints.sampling import Sampling


class Kind(Enum):
    """The value says it to a person."""

    TRANSPARENT_ENCODER = "LayerDiffuse transparency encoder"
    TRANSPARENT_DECODER = "LayerDiffuse transparency decoder"
    SHARING = "LayerDiffuse attention sharing file"
    OFFSET_LORA = "LayerDiffuse LoRA"
    OFFSET = "LayerDiffuse weight offsets"
    OFFSET_DIFFUSERS = "LayerDiffuse weight offsets in diffusers' naming"
    BASE = "base checkpoint"
    FOLDER = "base model folder"
    STYLE_LORA = "style LoRA"
    CONTROLNET = "ControlNet"
    CONTROLNET_UNION = "union ControlNet"
    T2I_ADAPTER = "T2I-Adapter"
    IMAGE_ENCODER = "CLIP image encoder"
    IP_ADAPTER = "IP-Adapter"
    VAE = "VAE"
    TEXT_ENCODER = "text encoder"
    EMBEDDING = "textual inversion"
    OTHER = "model for something else"
    UNKNOWN = "unknown model"


class Family(Enum):
    """The base model that a file belongs to."""

    SD15 = "SD1.5"
    SD2 = "SD2"
    SDXL = "SDXL"
    SDXL_REFINER = "SDXL refiner"
    SDXL_SMALL = "SSD-1B or another smaller SDXL"
    SD3 = "SD3"
    FLUX = "FLUX"
    OTHER = "another architecture"
    MINI = "mini"


NEEDED_PARTS = {
    Family.SD15: (Part.UNET, Part.VAE, Part.TEXT),
    Family.SDXL: (Part.UNET, Part.VAE, Part.TEXT, Part.TEXT_2),
}


@dataclass(frozen=True)
class FileInfo:
    """What a file is. `None` where its header does not say (encoder and decoder look alike in both families).

    Attributes:
        frames: of a layer adapter, 1 transparent, 2 conditioned, 3 joint.
        input_channels: of a UNet or offsets on one.
        width: channels of the text that a UNet, or what changes one, listens to; of an embedding or a text encoder.
        parts: that a base checkpoint holds.
        architecture: of Family.OTHER, its name.
        problem: why it cannot be used, and what to do; empty where it can, as far as the header tells.
    """

    path: Path
    kind: Kind
    family: Family | None = None
    frames: int | None = None
    input_channels: int | None = None
    width: int | None = None
    parts: frozenset[Part] = frozenset()
    sampling: Sampling = field(default_factory=Sampling)
    architecture: str = ""
    problem: str = ""

    def __str__(self) -> str:
        family = self.architecture or (self.family.value if self.family else "")
        return f"{self.kind.value} ({family})" if family else self.kind.value
