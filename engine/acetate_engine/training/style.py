"""Stage `style`: a LoRA on the frozen base, with peft; it carries over to every layer that the base paints."""

from itertools import cycle
from pathlib import Path
from typing import Self

import numpy as np
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from pydantic import model_validator
from torch import Tensor

from .base import BaseConfig, BaseStage, Latents
from .config import Existing
from .datasets import Pictures
from .diffusion import TIMES, SubsetConfig, draw_indices, frozen_unet, load_subset
from .scenes import Texts


class StyleConfig(BaseConfig):
    start: Existing  # the base UNet, frozen here
    rank: int = 16
    targets: str = r".*\.(to_q|to_k|to_v|to_out\.0)"  # the linear layers that get a LoRA, as a regular expression
    file: str = "style"  # name of the exported file, which is the style's name
    said_as: tuple[str, ...] = ()  # styles that captions name in turn instead of their own
    # The look is learnt at times below; in stronger noise, where shapes are decided, the LoRA learns to leave what
    # `taught` shows as it is. 1000: learnt at all times.
    look_below: int = TIMES
    taught: SubsetConfig | None = None  # cut-outs that the base was taught
    scenes: int = 0
    background_share: float = 0.0

    @model_validator(mode="after")
    def _something_to_keep(self) -> Self:
        if self.look_below < TIMES and self.taught is None:
            raise ValueError(f"look_below is {self.look_below}: say in `taught` which cut-outs the base was taught")
        return self


class StyleStage(BaseStage):
    """As `base`, training low-rank offsets of the attention alone."""

    name = "style"
    trains = "lora"

    config: StyleConfig

    def __init__(self, config: StyleConfig, data: Path) -> None:
        super().__init__(config, data)
        self.taught = self._taught(data) if config.taught else None

    def _taught(self, data: Path) -> Latents:
        """What the base was taught; their captions come behind those of the look."""
        assert self.config.taught is not None
        pictures = load_subset(self.config.model_copy(update={"subset": self.config.taught}), data)
        self.texts = Texts([*self.foregrounds.captions, *pictures.captions])
        return Latents(self.encode_cutouts(pictures.pixels), self._rows(pictures.captions), np.ones(len(pictures)))

    def batch_loss(self, rng: np.random.Generator, device: torch.device) -> Tensor:
        """Of the look; of as many cut-outs that the base was taught, too, if they are to stay."""
        look = self.denoising_loss(*self.draw(rng), device, (0, self.config.look_below))
        if self.taught is None or self.config.look_below == TIMES:
            return look
        index = draw_indices(self.taught.weight, self.config.schedule.batch, rng)
        text = self.said(self.taught.text[index], rng)
        return look + self.denoising_loss(self.taught.latent[index], text, device, (self.config.look_below, TIMES))

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
