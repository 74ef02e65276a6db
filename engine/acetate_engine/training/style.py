"""Stage `style`: a LoRA on the frozen base, with peft; it carries over to every layer that the base paints."""

from itertools import cycle
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from .base import BaseConfig, BaseStage
from .config import Existing
from .datasets import Pictures
from .diffusion import frozen_unet


class StyleConfig(BaseConfig):
    start: Existing  # the base UNet, frozen here
    rank: int = 16
    targets: str = r".*\.(to_q|to_k|to_v|to_out\.0)"  # the linear layers that get a LoRA, as a regular expression
    file: str = "style"  # name of the exported file, which is the style's name
    said_as: tuple[str, ...] = ()  # styles that captions name in turn instead of their own
    scenes: int = 0
    background_share: float = 0.0


class StyleStage(BaseStage):
    """As `base`, training low-rank offsets of the attention alone."""

    name = "style"
    trains = "lora"

    config: StyleConfig

    def pictures(self, data: Path) -> Pictures:
        """With captions that name other styles, if wanted: else the look is tied to the words."""
        pictures = super().pictures(data)
        if self.config.said_as:
            for row, style in zip(pictures.rows, cycle(self.config.said_as), strict=False):
                row["caption"] = row["caption"].replace(row["style"], style)
        return pictures

    def _unet(self) -> UNet2DConditionModel:
        unet = frozen_unet(self.config.start)
        torch.manual_seed(self.config.schedule.seed)
        rank, targets = self.config.rank, self.config.targets
        unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=targets))
        return unet

    def export(self, folder: Path) -> None:
        """`FILE.safetensors` in fp16, as diffusers names a LoRA."""
        state = convert_state_dict_to_diffusers(get_peft_model_state_dict(self.unet))
        StableDiffusionPipeline.save_lora_weights(
            folder,
            unet_lora_layers={name: tensor.half() for name, tensor in state.items()},
            weight_name=f"{self.config.file}.safetensors",
        )
