"""Checkpoints as people have them: parts left out, junk, 8 bits, other predictions, older names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, UniPCMultistepScheduler
from safetensors.torch import save_file
from torch import Tensor

from acetate.protocol.errors import CheckpointError
from acetate.protocol.requests import Scheduler
from acetate_engine.models.checkpoints.base import BaseModel, load_base
from acetate_engine.models.checkpoints.info import Family, Kind
from acetate_engine.models.checkpoints.kinds import inspect
from acetate_engine.models.checkpoints.parts import Part
from acetate_engine.pipelines.stages.before_denoise import make_timesteps
from tests.engine.models import official, single_file, small

Tensors = dict[str, Tensor]
UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."


@pytest.fixture(scope="module")
def whole() -> Tensors:
    return {name: tensor.contiguous().clone() for name, tensor in single_file.tensors(Family.SD15).items()}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return single_file.write_config(tmp_path_factory.mktemp("config"), Family.SD15)


Load = Callable[..., BaseModel]


@pytest.fixture
def load(tmp_path: Path, config: Path) -> Load:
    def load(tensors: Tensors, dtype: torch.dtype = torch.float32, **fields: object) -> BaseModel:
        path = tmp_path / "model.safetensors"
        save_file(tensors, path, fields.pop("metadata", None))
        return load_base(path, Family.SD15, dtype, config=config, **fields)

    return load


def without(tensors: Tensors, prefix: str) -> Tensors:
    return {name: x for name, x in tensors.items() if not name.startswith(prefix)}


def only(tensors: Tensors, prefix: str, renamed: str = "") -> Tensors:
    return {renamed + name.removeprefix(prefix): x for name, x in tensors.items() if name.startswith(prefix)}


def is_whole(model: BaseModel) -> bool:
    wanted = single_file.modules(Family.SD15)
    pairs = (model.unet, wanted["unet"]), (model.vae, wanted["vae"]), (model.text_encoders[0], wanted["text_encoder"])
    return all(
        torch.equal(ours.state_dict()[name], tensor)
        for ours, theirs in pairs
        for name, tensor in theirs.state_dict().items()
    )


def test_v_prediction_and_zero_terminal_snr_set_the_schedule(whole: Tensors, load: Load) -> None:
    model = load({**whole, "v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)})
    assert model.scheduler.config.prediction_type == "v_prediction"
    assert model.scheduler.config.rescale_betas_zero_snr
    assert model.scheduler.config.timestep_spacing == "trailing"
    assert load(whole).scheduler.config.prediction_type == "epsilon"


def test_v_prediction_by_metadata(whole: Tensors, load: Load) -> None:
    model = load(whole, metadata={"modelspec.prediction_type": "v"})
    assert model.scheduler.config.prediction_type == "v_prediction"


def test_what_predicts_something_else_is_refused_by_it(whole: Tensors, load: Load) -> None:
    with pytest.raises(CheckpointError, match="predicts flow"):
        load(whole, metadata={"modelspec.prediction_type": "rectified_flow"})


@pytest.mark.parametrize("mark", ["edm_mean", "edm_vpred.sigma_max"])
def test_edm_is_refused_by_what_it_is(whole: Tensors, load: Load, mark: str) -> None:
    with pytest.raises(CheckpointError, match="EDM") as caught:
        load({**whole, mark: torch.zeros(1)})
    assert "Choose an SD 1.5 or SDXL checkpoint" in caught.value.remedy


def test_junk_that_nothing_reads_is_ignored(whole: Tensors, load: Load) -> None:
    junk = {
        "model_ema.decay": torch.tensor(float("nan")),
        "alphas_cumprod": torch.full((1000,), float("inf")),
        f"{TEXT}text_model.embeddings.position_ids": torch.arange(77)[None],
        f"{VAE}loss.discriminator.main.0.weight": torch.full((2, 2), float("nan")),
        "embedding_manager.x": torch.zeros(1),
    }
    assert is_whole(load({**whole, **junk}))


def test_eight_bits_plain(whole: Tensors, load: Load) -> None:
    eight = {name: x.to(torch.float8_e4m3fn) if name.startswith(UNET) else x for name, x in whole.items()}
    model = load(eight, torch.bfloat16)
    expected = single_file.modules(Family.SD15)["unet"].conv_in.weight.to(torch.float8_e4m3fn).bfloat16()
    assert model.unet.dtype == torch.bfloat16
    assert torch.equal(model.unet.conv_in.weight, expected)


@pytest.mark.parametrize("scale", ["scale_weight", "weight_scale"])
def test_eight_bits_scaled(whole: Tensors, load: Load, scale: str) -> None:
    name = f"{UNET}input_blocks.1.1.transformer_blocks.0.attn1.to_q"
    weight, factor = whole[f"{name}.weight"], torch.tensor(0.002)
    scaled = {
        f"{name}.weight": (weight / factor).to(torch.float8_e4m3fn),
        f"{name}.{scale}": factor,
        f"{UNET}scaled_fp8": torch.zeros(2, dtype=torch.float8_e4m3fn),
    }
    model = load({**whole, **scaled})
    loaded = model.unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1.to_q.weight
    torch.testing.assert_close(loaded, weight, rtol=0.07, atol=1e-4)


def test_sixteen_bits_stay_so(whole: Tensors, load: Load) -> None:
    model = load({name: x.half() for name, x in whole.items()}, torch.float16)
    assert {x.dtype for x in model.unet.parameters()} == {torch.float16}
    assert {x.dtype for x in model.vae.parameters()} == {torch.float32}


def test_older_names_of_the_text_encoder(whole: Tensors, load: Load) -> None:
    assert is_whole(load({name.replace(f"{TEXT}text_model.", TEXT): x for name, x in whole.items()}))


@pytest.mark.parametrize(("prefix", "part"), [(VAE, Part.VAE), (TEXT, Part.TEXT)])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "within another checkpoint"])
def test_a_part_from_a_file_of_its_own(
    whole: Tensors, load: Load, tmp_path: Path, prefix: str, part: Part, alone: bool
) -> None:
    beside = official.save(only(whole, prefix) if alone else whole, tmp_path / "part.safetensors")
    assert is_whole(load(without(whole, prefix), beside={part: beside}))
    with pytest.raises(CheckpointError, match=f"holds no {part.value.split('_')[0] if part is Part.TEXT else 'VAE'}"):
        load(without(whole, prefix))


def test_a_vae_in_diffusers_names(whole: Tensors, load: Load, tmp_path: Path) -> None:
    beside = official.save(small.vae().state_dict(), tmp_path / "part.safetensors")
    assert is_whole(load(without(whole, VAE), beside={Part.VAE: beside}))


@pytest.mark.parametrize("prefix", ["", "diffusion_model.", "diffusers"])
def test_a_unet_alone(whole: Tensors, load: Load, tmp_path: Path, prefix: str) -> None:
    tensors = only(whole, UNET, prefix) if prefix != "diffusers" else small.sd15_unet().state_dict()
    beside = official.save(whole, tmp_path / "whole.safetensors")
    info = inspect(official.save(tensors, tmp_path / "unet.safetensors"))
    assert (info.kind, info.family, info.parts) == (Kind.BASE, Family.SD15, {Part.UNET})
    assert is_whole(load(tensors, beside={Part.VAE: beside, Part.TEXT: beside}))


def test_a_smaller_sdxl_is_told_apart(tmp_path: Path) -> None:
    tensors = {name: x for name, x in single_file.tensors(Family.SDXL).items() if ".middle_block.1." not in name}
    info = inspect(official.save(tensors, tmp_path / "ssd.safetensors"))
    assert info.family is Family.SDXL_SMALL and "Choose an SD 1.5 or SDXL" in info.problem


class TestFolders:
    """What a folder says of itself holds."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return single_file.write_folder(tmp_path / "model", Family.SDXL)

    def test_empty_prompts(self, folder: Path) -> None:
        index = folder / "model_index.json"
        assert load_base(folder, Family.SDXL).zeros_for_empty
        text = index.read_text().replace(
            '"force_zeros_for_empty_prompt": true', '"force_zeros_for_empty_prompt": false'
        )
        index.write_text(text)
        assert not load_base(folder, Family.SDXL).zeros_for_empty

    def states(self, folder: Path, **values: object) -> None:
        path = folder / "scheduler" / "scheduler_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    @pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
    def test_its_own_spacing_of_timesteps(self, folder: Path, spacing: str) -> None:
        """As in diffusers, where a pipeline's own configuration goes on to another solver."""
        self.states(folder, timestep_spacing=spacing, steps_offset=2, beta_end=0.013)
        theirs = UniPCMultistepScheduler.from_config(DDIMScheduler.load_config(folder / "scheduler"))
        theirs.set_timesteps(4)
        model = load_base(folder, Family.SDXL)
        ours = make_timesteps(model.scheduler, Scheduler.UNIPC, 4, 1.0, torch.device("cpu"))
        assert ours.values.tolist() == theirs.timesteps.tolist()
        torch.testing.assert_close(ours.scheduler.sigmas, theirs.sigmas)

    def test_without_a_word_of_it(self, folder: Path) -> None:
        """As a single file, which has no place for it."""
        ours = make_timesteps(load_base(folder, Family.SDXL).scheduler, Scheduler.UNIPC, 4, 1.0, torch.device("cpu"))
        assert ours.values.tolist() == [999, 749, 500, 250]

    @pytest.mark.parametrize(
        ("stated", "words"),
        [
            ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "predicts flow"),
            ({"prediction_type": "flow_prediction"}, "predicts flow"),
            ({"use_flow_sigmas": True}, "predicts flow"),
            ({"prediction_type": "sample"}, "predicts sample"),
        ],
    )
    def test_what_is_neither_noise_nor_velocity(self, folder: Path, stated: dict[str, object], words: str) -> None:
        self.states(folder, **stated)
        with pytest.raises(CheckpointError, match=words):
            load_base(folder, Family.SDXL)

    def test_an_edm_scheduler(self, folder: Path) -> None:
        path = folder / "scheduler" / "scheduler_config.json"
        path.write_text(path.read_text().replace("EulerDiscreteScheduler", "EDMDPMSolverMultistepScheduler"))
        with pytest.raises(CheckpointError, match="EDM"):
            load_base(folder, Family.SDXL)
