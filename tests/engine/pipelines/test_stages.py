"""The stages by themselves."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from acetate.protocol.errors import CheckpointError, GenerationFailed, InvalidRequest
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.notes import NoteKind, kind_of
from acetate.protocol.requests import GenerateRequest, Preset, Scheduler, StackLayer, Task
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.models.families import find_model
from acetate_engine.models.families.components import Text
from acetate_engine.pipelines.recipes.repaint import mixed
from acetate_engine.pipelines.recipes.stack import check_stack
from acetate_engine.pipelines.stages.before_denoise import first_latent, make_timesteps, seeded_noise, steps_of
from acetate_engine.pipelines.stages.decoders import EMPTY_NOTE, OPAQUE_NOTE, decode_transparent
from acetate_engine.pipelines.stages.denoise import Denoising, Known
from acetate_engine.pipelines.stages.layers import layer_name
from acetate_engine.pipelines.stages.previews import LatentPreview
from acetate_engine.pipelines.stages.settings import RunSettings
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pipelines.samples import BACKGROUND, BOUNDS, a_request, run

CPU = torch.device("cpu")
BASE = DDPMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
# diffusers' TCD ends at the first training timestep, where a noise of 0.03 is left
LEFT_OVER = {kind: 0.15 if kind is Scheduler.TCD else 0.05 for kind in Scheduler}
TARGET = torch.linspace(-1, 1, 4 * 8 * 8).reshape(1, 4, 8, 8)


def denoise(predict: Any, timesteps: Any, *rest: Any) -> Tensor:
    picture = Denoising(predict, timesteps, *rest)
    picture.run(timesteps.count // 3)
    picture.run(timesteps.count)
    return picture.result()


class _Oracle:
    """Predicts exactly the noise that leads from any sample to TARGET."""

    def __init__(self, scheduler: Any, kind: Scheduler) -> None:
        self._scheduler, self._kind = scheduler, kind

    def __call__(self, sample: Tensor, timestep: Tensor, step: int) -> Tensor:
        share = BASE.alphas_cumprod[timestep.long()]
        if self._kind is Scheduler.EULER_A:  # its input is scaled to unit variance, as the others' samples are
            share = 1 / (1 + self._scheduler.sigmas[self._scheduler.step_index] ** 2)
        return (sample - share.sqrt() * TARGET) / (1 - share).sqrt()


@pytest.mark.parametrize("kind", Scheduler)
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_every_scheduler_reaches_what_the_model_has_in_mind(kind: Scheduler, strength: float) -> None:
    timesteps = make_timesteps(BASE, kind, 12, strength, CPU)
    generator = torch.Generator().manual_seed(0)
    noise = seeded_noise(generator, TARGET.shape, CPU)
    start = torch.zeros_like(TARGET)
    oracle = _Oracle(timesteps.scheduler, kind)
    seen = []

    def on_step(step: int, clean: Callable[[], Tensor]) -> None:
        seen.append((step, clean()))

    result = denoise(oracle, timesteps, first_latent(timesteps, start, noise, strength), generator, on_step)
    assert len(seen) == timesteps.count == steps_of(12, strength)
    assert (result - TARGET).abs().max() < LEFT_OVER[kind]
    assert (seen[-1][1] - TARGET).abs().max() < 0.05


@pytest.mark.parametrize("kind", Scheduler)
def test_known_parts_stay_exactly(kind: Scheduler) -> None:
    timesteps = make_timesteps(BASE, kind, 4, 1.0, CPU)
    generator = torch.Generator().manual_seed(0)
    noise = seeded_noise(generator, TARGET.shape, CPU)
    keep = torch.zeros(1, 1, 8, 8)
    keep[..., :3] = 1
    known = Known(3 * TARGET, keep, noise)
    oracle = _Oracle(timesteps.scheduler, kind)
    first = first_latent(timesteps, None, noise, 1.0)
    result = denoise(oracle, timesteps, first, generator, lambda *_: None, known)
    assert torch.allclose(result[..., :3], 3 * TARGET[..., :3], atol=1e-6)
    assert (result[..., 3:] - TARGET[..., 3:]).abs().max() < LEFT_OVER[kind]


def test_values_that_are_no_numbers_fail_the_job() -> None:
    timesteps = make_timesteps(BASE, Scheduler.UNIPC, 2, 1.0, CPU)
    with pytest.raises(GenerationFailed, match="no numbers"):
        denoise(lambda x, t, step: x * float("nan"), timesteps, TARGET, torch.Generator(), lambda *_: None)


def test_distilled_schedulers_refuse_many_steps() -> None:
    with pytest.raises(InvalidRequest, match="at most 50"):
        make_timesteps(BASE, Scheduler.LCM, 60, 1.0, CPU)


def test_text_rows() -> None:
    text = Text(
        torch.arange(6.0).reshape(3, 2, 1), pooled_prompt_embeds=torch.arange(3.0)[:, None], time_ids=torch.zeros(3, 6)
    )
    both = text.rows([2, 0]).then(text.rows([1]))
    assert both.prompt_embeds[:, 0, 0].tolist() == [4, 0, 2]
    arguments = both.unet_arguments()
    assert arguments["added_cond_kwargs"]["text_embeds"][:, 0].tolist() == [2, 0, 1]
    assert "encoder_attention_mask" not in arguments


def test_presets_give_way_to_the_request() -> None:
    request = GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 9, 9), 1, "x", preset=Preset.FINAL)
    settings = RunSettings.of(request, "mini")
    assert settings.decoder_passes == 8
    asked = dataclasses.replace(request, steps=3, guidance_scale=0.0, scheduler=Scheduler.TCD)
    changed = RunSettings.of(asked, "mini")
    assert (changed.steps, changed.guidance_scale, changed.scheduler) == (3, 0.0, Scheduler.TCD)
    assert settings.steps > 3


@given(arrays(np.uint8, (6, 5, 4)), arrays(np.uint16, (6, 5, 4)), arrays(np.uint8, (6, 5)), st.booleans())
def test_mixing_follows_the_mask(original: Pixels, painted: Pixels, mask: Pixels, wide: bool) -> None:
    if wide:
        original = original.astype(np.uint16) * 257
    result = mixed(original, painted, mask)
    assert result.dtype == original.dtype
    assert np.array_equal(result[mask == 0], original[mask == 0])
    full = (mask == 255) & (painted[..., 3] > 0)
    expected = painted if wide else np.rint(painted / 257)
    assert np.abs(result[full].astype(int) - expected[full]).max(initial=0) <= 1


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a  red\napple", "a red apple · 7"),
        ("an old fisherman who mends his net on the beach at dawn", "an old fisherman who mends his net on… · 7"),
        ("x" * 80, "x" * 40 + "… · 7"),
    ],
)
def test_layers_are_named_by_prompt_and_seed(prompt: str, name: str) -> None:
    assert layer_name(prompt, 7) == name


def test_a_stack_layer_must_lie_inside() -> None:
    outside = a_request(Task.STACK, layers=(StackLayer("a", Bounds(0, 0, 5, 5)),))
    with pytest.raises(InvalidRequest, match="layer 1 lies at"):
        check_stack(outside)


def test_a_layer_that_is_opaque_or_empty_is_told(tiny: TaskGenerator) -> None:
    notes = []
    components = find_model("mini", Task.FOREGROUND).load()
    latent = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(1))
    bias = components.transparency.decoder.conv_out.bias
    bias[0] = 1000.0
    assert (decode_transparent(latent, components, 1, notes.append)[..., 3] == 1).all()
    assert notes == [OPAQUE_NOTE] and kind_of(OPAQUE_NOTE) is NoteKind.OPAQUE
    bias[0] = -1000.0
    assert (decode_transparent(latent, components, 8, notes.append)[..., 3] == 0).all()
    assert notes == [OPAQUE_NOTE, EMPTY_NOTE]


def test_the_haze_of_a_small_decoder_is_taken_off(tiny: TaskGenerator) -> None:
    components = find_model("mini", Task.FOREGROUND).load()
    latent = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(1))
    components.alpha_levels = (0.0, 1.0)
    plain = decode_transparent(latent, components, 1, print)[..., 3]
    floor, ceiling = float(np.quantile(plain, 0.3)), float(np.quantile(plain, 0.7))
    components.alpha_levels = (floor, ceiling)
    levelled = decode_transparent(latent, components, 1, print)[..., 3]
    assert (levelled[plain <= floor] == 0).all() and (levelled[plain >= ceiling] == 1).all()
    between = (plain > floor) & (plain < ceiling)
    assert np.allclose(levelled[between], (plain[between] - floor) / (ceiling - floor), atol=1e-4)


def test_previews_resemble_the_picture(tiny: TaskGenerator) -> None:
    """The linear map, on a picture that it was not fitted to; these random encoders keep colour but for noise."""
    components = find_model("mini", Task.FOREGROUND).load()
    preview = LatentPreview(components)
    rgba = torch.zeros(1, 4, 64, 64)
    rgba[:, :, :, 32:] = torch.tensor([0.9, 0.2, 0.1, 1.0]).reshape(1, 4, 1, 1)
    latent = components.transparency.encode_rgba(rgba, components.vae)
    shown = preview(latent, Extent(32, 32))
    assert shown.shape == (32, 32, 4) and shown.dtype == np.uint8
    assert shown[:, 20:, 3].mean() > shown[:, :12, 3].mean() + 50


def test_a_part_of_a_model_that_is_missing_is_named(
    tiny_resources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_resources, tmp_path / "resources")
    (tmp_path / "resources" / "models" / "mini" / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    monkeypatch.setenv("ACETATE_RESOURCES", str(tmp_path / "resources"))
    with pytest.raises(CheckpointError, match="unet"):
        find_model("mini", Task.FOREGROUND).load()


def test_without_weights_for_it_the_background_is_not_looked_at_and_the_painter_is_told(
    tiny_resources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: TaskGenerator
) -> None:
    folder = shutil.copytree(tiny_resources, tmp_path / "resources") / "models" / "mini" / "layers"
    (folder / "bg2fg.safetensors").unlink()
    monkeypatch.setenv("ACETATE_RESOURCES", str(tmp_path / "resources"))
    result = run(tiny, a_request(Task.FOREGROUND_ON_BACKGROUND))
    assert any("from the text alone" in note for note in result.notes)
    alone = run(tiny, a_request(Task.FOREGROUND))
    assert result.layers[0].pixels.tobytes() == alone.layers[0].pixels.tobytes()
    beside = tuple(StackLayer("a boat", Bounds(BOUNDS.x + x, BOUNDS.y, 32, BOUNDS.height)) for x in (0, 32))
    stack = run(tiny, a_request(Task.STACK, layers=beside, background=BACKGROUND, steps=2))
    assert any("from the text alone" in note for note in stack.notes)
