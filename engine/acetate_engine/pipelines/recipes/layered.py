"""`decompose` by Qwen-Image-Layered: its layers, with colours changed so that together they are the picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from acetate.protocol.errors import CheckpointError, OutOfMemory
from acetate.protocol.events import Stage
from acetate.protocol.geometry import Extent
from acetate.protocol.requests import GenerateRequest, Preset
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import over, to_float
from acetate_engine.compositing.pixels import Floats, eight
from acetate_engine.compositing.resize import resize
from acetate_engine.models.families.qwen_layered import NATIVE, folder_of
from acetate_engine.models.runtime.devices import best_device, has_bfloat16
from acetate_engine.models.runtime.lean import whole_diffusers
from acetate_engine.models.runtime.memory import is_out_of_memory
from acetate_engine.pictures.split import consistent
from acetate_engine.pipelines.contract import Generated, Images, Reporter
from acetate_engine.pipelines.recipes.pictures import PictureJob

if TYPE_CHECKING:
    from acetate_engine.models.families.base import Model

_STEPS = {Preset.DRAFT: 20, Preset.FINAL: 50}
_GUIDANCE = 4.0  # its authors'
_PLAIN = "a picture"
_WORDS = 512  # tokens


def layered(model: Model, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    """Bottom to top. What describes a picture to the model (its processor) needs torchvision: words of the painter do.

    Raises JobCancelled, CheckpointError, OutOfMemory.
    """
    steps = request.steps or _STEPS[request.preset]
    work = PictureJob(request, images, reporter, steps, Stage.LOADING)
    try:
        found = _layers(_pipeline(folder_of(model)), work, steps)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise OutOfMemory(
                f"{model.info.title} does not fit into memory", "Choose another model, or `mini`, which needs little."
            ) from error
        raise
    made = together(work.picture, found)
    work.note(f"made at about {NATIVE}×{NATIVE} pixels; what the layers lack of the picture lies in the lowest")
    if not request.prompt:
        work.note("the model was told nothing of the picture: say in the prompt what it shows")
    names = ["Background", *(f"Layer {index}" for index in range(1, len(made)))]
    roles = [LayerRole.BACKGROUND, *[LayerRole.FOREGROUND] * (len(made) - 1)]
    return work.made(list(zip(roles, names, made, strict=True)))


def together(picture: Floats, layers: Sequence[Floats]) -> list[Floats]:
    """Layers (H, W, 4) straight, bottom to top, changed from the top downwards until their composite is the picture."""
    rest, upper = picture, []
    for index in range(len(layers) - 1, 0, -1):
        below = reduce(lambda lower, layer: over(layer, lower), layers[:index])
        layer, rest = consistent(rest, layers[index], np.dstack([below[..., :3], rest[..., 3]]).astype(np.float32))
        upper.append(layer)
    return [rest, *reversed(upper)]


@lru_cache(maxsize=1)
def _pipeline(folder: Path) -> Any:
    """Loaded once. Raises CheckpointError."""
    whole_diffusers()
    from diffusers import QwenImageLayeredPipeline

    device = best_device()
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16 if has_bfloat16(device) else torch.float16
    try:
        pipeline = QwenImageLayeredPipeline.from_pretrained(
            folder, processor=None, torch_dtype=dtype, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{folder.name} cannot be loaded: {reason}", "Download the model again.") from error
    pipeline.set_progress_bar_config(disable=True)
    if device.type != "cpu":
        pipeline.enable_model_cpu_offload(device=device)  # one part at a time: together they fit few cards
    return pipeline


def _layers(pipeline: Any, work: PictureJob, steps: int) -> list[Floats]:
    """(H, W, 4) straight, bottom to top, as large as what the request covers."""
    request, (height, width) = work.request, work.picture.shape[:2]

    def advance(_: Any, step: int, timestep: Any, kept: dict[str, Any]) -> dict[str, Any]:
        work.step(Stage.DENOISE)
        return kept

    assert request.foreground is not None  # validated
    made = pipeline(
        Image.fromarray(eight(work.images[request.foreground])),
        prompt=request.prompt or _PLAIN,
        negative_prompt=request.negative_prompt or " ",
        true_cfg_scale=request.guidance_scale or _GUIDANCE,
        layers=request.subject.most + 1,
        num_inference_steps=steps,
        resolution=NATIVE,
        max_sequence_length=_WORDS,
        generator=torch.Generator().manual_seed(request.seed),
        callback_on_step_end=advance,
        output_type="np",
    ).images[0]
    pixels = np.rint(np.asarray(made).clip(0, 1) * 255).astype(np.uint8)
    return [to_float(resize(layer, Extent(width, height))) for layer in pixels]
