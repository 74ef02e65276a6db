"""The probe: a small network that says how well a picture and a caption belong together.

Trained by `acetate train probe` on real training pictures only, never on generated ones, and kept in
`resources/models/probe` with the features of those pictures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from acetate_engine.models.networks.autoencoder import ResidualBlock, conv
from acetate_engine.models.networks.text import MiniLMTextEncoder
from acetate_engine.paths import resources_dir
from acetate_engine.training.datasets import Bytes

SIDE = 64  # pixels that the network sees
_BATCH = 64


class Probe(ModelMixin, ConfigMixin):
    """Pictures and captions -> features of one space; near is alike."""

    @register_to_config
    def __init__(
        self,
        widths: tuple[int, ...] = (96, 160, 256),
        text_width: int = 384,
        features: int = 128,
        text_hidden: int = 0,  # 0: captions go through one matrix alone
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, factor = 3, 4
        for width in widths:
            layers += [nn.PixelUnshuffle(factor), conv(channels * factor**2, width, 3), ResidualBlock(width)]
            channels, factor = width, 2
        self.trunk = nn.Sequential(*layers, nn.SiLU())
        self.picture_out = nn.Linear(channels, features)
        self.caption_out = nn.Linear(text_width, features)
        self.caption_hidden = _residual_of_text(text_width, text_hidden, features) if text_hidden else None
        self.temperature = nn.Parameter(torch.tensor(2.0))  # logarithm of what similarities are multiplied by

    def pictures(self, rgb: Tensor) -> Tensor:
        """(N, 3, H, W), 0..1, sRGB, any size -> (N, features) of length 1."""
        small = F.interpolate(rgb, (SIDE, SIDE), mode="area")
        seen = self.trunk(2 * small - 1)
        return F.normalize(self.picture_out(seen.mean((2, 3)) + seen.amax((2, 3))), dim=-1)

    def captions(self, pooled: Tensor) -> Tensor:
        """(N, text_width) from `pooled_text` -> (N, features) of length 1."""
        read = self.caption_out(pooled)
        return F.normalize(read if self.caption_hidden is None else read + self.caption_hidden(pooled), dim=-1)


def _residual_of_text(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Zero at first, so that a probe without it can be gone on with."""
    last = nn.Linear(hidden, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), last)


def pooled_text(captions: list[str]) -> Tensor:
    """Mean of MiniLM's token states: (N, 384)."""
    encoder = MiniLMTextEncoder()
    parts = [encoder.encode(captions[i : i + 256]) for i in range(0, len(captions), 256)]
    return torch.cat([states.sum(1) / (states.abs().sum(-1) > 0).sum(1, keepdim=True) for states in parts])


@dataclass(frozen=True)
class Reference:
    """The probe with what it learnt from."""

    probe: Probe
    features: Tensor  # (N, features) of the training pictures over mid-grey
    captions: list[str]  # theirs

    @torch.no_grad()
    def see(self, pictures: Bytes) -> Tensor:
        """(N, H, W, 3) uint8 sRGB -> (N, features)."""
        parts = []
        for i in range(0, len(pictures), _BATCH):
            rgb = torch.from_numpy(pictures[i : i + _BATCH]).permute(0, 3, 1, 2).float() / 255
            parts.append(self.probe.pictures(rgb))
        return torch.cat(parts)

    @torch.no_grad()
    def read(self, captions: list[str]) -> Tensor:
        """Captions -> (N, features)."""
        return self.probe.captions(pooled_text(captions))


@torch.no_grad()
def probe_distance(probe: Probe, made: Bytes, true: Bytes) -> float:
    """How differently the trunk sees two sets of layers (N, H, W, 4) over grey, tile by tile of what it looks at.

    As LPIPS (Zhang et al. 2018): squared distances of features brought to length 1, their mean. 0: alike.
    """
    seen = [F.normalize(probe.trunk(2 * _tiles(pictures) - 1), dim=1) for pictures in (made, true)]
    return float((seen[0] - seen[1]).square().sum(1).mean())


def _tiles(layers: Bytes) -> Tensor:
    """(N, H, W, 4) -> (M, 3, SIDE, SIDE), those at the lower and right edge left out where they are not whole."""
    rgba = torch.from_numpy(layers).permute(0, 3, 1, 2).float() / 255
    rgb = rgba[:, :3] * rgba[:, 3:] + 0.5 * (1 - rgba[:, 3:])
    cut = rgb.unfold(2, SIDE, SIDE).unfold(3, SIDE, SIDE)
    return cut.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, SIDE, SIDE)


def probe_folder() -> Path:
    return resources_dir() / "models" / "probe"


def load_reference(folder: Path | None = None) -> Reference:
    """Raises OSError where the folder is not whole."""
    folder = folder or probe_folder()
    probe = Probe.from_pretrained(folder, local_files_only=True).float().eval().requires_grad_(False)
    captions = json.loads((folder / "captions.json").read_text(encoding="utf-8"))
    return Reference(probe, load_file(folder / "features.safetensors")["features"].float(), captions)


def save_reference(reference: Reference, folder: Path) -> None:
    """All in fp16; the counterpart of `load_reference`."""
    reference.probe.half().save_pretrained(folder)
    save_file({"features": reference.features.half().contiguous()}, folder / "features.safetensors")
    lines = json.dumps(reference.captions, indent=0, ensure_ascii=False)
    (folder / "captions.json").write_text(lines + "\n", encoding="utf-8")
