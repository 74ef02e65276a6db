"""Stage `style`: a LoRA on the frozen base, with peft, taught beside the layer adapters that it is to be used with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from diffusers import StableDiffusionPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from torch import nn

from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.training.config import Existing
from acetate_engine.training.datasets import PictureSet
from acetate_engine.training.diffusion import SubsetConfig, load_subset
from acetate_engine.training.layer import LayerConfig, LayerStage
from acetate_engine.training.transport import repainted


class StyleConfig(LayerConfig):
    layer: Existing  # exported weights of the stage `layer`, in the UNet all the time: alpha is to stay as it is
    rank: int = 16
    targets: str = r".*\.(to_q|to_k|to_v|to_out\.0)"  # the linear layers that get a LoRA, as a regular expression
    file: str = "style"  # name of the exported file, which is the style's name
    exported_weight: float = 1.0  # what the file's weight 1 is to be of what was learnt: guidance strengthens a style
    carried_by: SubsetConfig | None = None  # cut-outs that the base knows, to be repainted in the look of the subset
    carried_share: float = 0.8  # how far on the way to it
    most_gain: float = 1.7  # how much contrast and texture may grow


class StyleStage(LayerStage):
    """As `layer`, training low-rank offsets of the base's linear layers."""

    name = "style"
    trains = "lora"

    config: StyleConfig

    def pictures(self, data: Path) -> PictureSet:
        """The style's own, and the known cut-outs in its look, with the captions that they are known by."""
        own, config = super().pictures(data), self.config
        if config.carried_by is None:
            return own
        known = load_subset(config.model_copy(update={"subset": config.carried_by}), data)
        pixels = repainted(self.vae, known.pixels, own.pixels, config.carried_share, config.most_gain)
        return PictureSet(np.concatenate([own.pixels, pixels]), [*own.rows, *known.rows])

    def _adapt(self) -> None:
        rank, targets = self.config.rank, self.config.targets
        self.unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=targets))
        # not merged: a merged weight would not see what the LoRA learns
        self.sharing = AttentionSharing(self.unet, load_sharing_weights(self.config.layer), trainable=True)

    def modules(self) -> dict[str, nn.Module]:
        return {self.trains: self.unet}

    def export(self, folder: Path) -> None:
        """`FILE.safetensors` in fp16, as diffusers names a LoRA."""
        weight = {"lora_A": 1.0, "lora_B": self.config.exported_weight}
        state = get_peft_model_state_dict(self.unet)
        StableDiffusionPipeline.save_lora_weights(
            folder,
            unet_lora_layers={name: (weight[name.split(".")[-2]] * tensor).half() for name, tensor in state.items()},
            weight_name=f"{self.config.file}.safetensors",
        )
