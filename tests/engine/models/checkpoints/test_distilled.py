"""Which names and metadata tell of a model of few steps, as such files are called; and which only sound so."""

from __future__ import annotations

from pathlib import Path

import pytest

from acetate_engine.models.checkpoints.header import Header
from acetate_engine.models.checkpoints.sampling import distilled, sampling_of

CHECKPOINTS = {
    "sdxl_lightning_4step": ("Lightning", 4),
    "DreamShaperXL_Lightning": ("Lightning", 4),
    "juggernautXL_v9Rdphoto2Lightning": ("Lightning", 4),
    "Hyper-SDXL-1step-Unet": ("Hyper", 1),
    "RealisticVisionV60B1_v51HyperVAE": ("Hyper", 8),
    "bigLoveHyper": ("Hyper", 8),
    "sd_xl_turbo_1.0_fp16": ("Turbo", 4),
    "dreamshaperXL_v21TurboDPMSDE": ("Turbo", 4),
    "dmd2_sdxl_4step_unet_fp16": ("DMD2", 4),
    "myMergeDMD2": ("DMD2", 4),
    "moonmilk_XLv20Lightning8S": ("Lightning", 8),
    "dreamshaper_8LCM": ("LCM", 6),
    "LCM_Dreamshaper_v7": ("LCM", 6),
}
LORAS = {
    "sdxl_lightning_8step_lora": ("Lightning", 8),
    "Hyper-SD15-2steps-lora": ("Hyper", 2),
    "sd_xl_turbo_lora_v1": ("Turbo", 4),
    "dmd2_sdxl_4step_lora": ("DMD2", 4),
    "lightning-lora": ("Lightning", 4),
    "SDXL_Lightning_LoRA": ("Lightning", 4),
    "lcm-lora-sdv1-5": ("LCM", 6),
    "LCM_LoRA_Weights_SD15": ("LCM", 6),
    "sdxl_lcm_lora_4step": ("LCM", 4),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints(name: str) -> None:
    found = distilled([name])
    assert found is not None and (found.name, found.steps) == CHECKPOINTS[name] and found.guidance_scale == 1


@pytest.mark.parametrize("name", LORAS)
def test_loras(name: str) -> None:
    found = distilled([name], is_lora=True)
    assert found is not None and (found.name, found.steps) == LORAS[name]


@pytest.mark.parametrize("name", ["hyperrealism_v3", "HyperRealistic", "hyper_realistic_xl", "hyperfusion", "grandmdx"])
def test_checkpoints_that_only_sound_so(name: str) -> None:
    assert distilled([name]) is None


@pytest.mark.parametrize(
    "name", ["lightning_bolts_v2", "Lightning Strike", "turbo kid style", "hyperdetail", "GoTurbo"]
)
def test_loras_that_only_sound_so(name: str) -> None:
    """Of these a painter wants the usual steps and guidance."""
    assert distilled([name], is_lora=True) is None


def test_consistency_models_have_a_solver_of_their_own() -> None:
    found = distilled(["lcm-lora-sdxl"], is_lora=True)
    assert found is not None and found.scheduler == "lcm"
    assert distilled(["film lcm look"], is_lora=True) is None


def test_metadata_tells_as_well() -> None:
    found = distilled([Path("mine").stem, "SDXL Lightning, 2-step"], is_lora=True)
    assert found is not None and (found.name, found.steps) == ("Lightning", 2)


@pytest.mark.parametrize(
    ("name", "metadata", "prediction"),
    [
        ("noobaiXLNAIXL_vPred10Version", {}, "v_prediction"),
        ("my-v-pred", {}, "v_prediction"),
        ("mine_vprediction", {}, "v_prediction"),
        ("noobaiXLNAIXL_epsilonPred11Version", {}, None),
        ("novpredator", {}, None),
        ("mine_vpred", {"modelspec.prediction_type": "epsilon"}, None),
        ("mine", {"ss_v_parameterization": "True"}, "v_prediction"),
    ],
)
def test_velocity_by_name_where_nothing_says_otherwise(
    name: str, metadata: dict[str, str], prediction: str | None
) -> None:
    assert sampling_of(Header(Path(f"{name}.safetensors"), {}, {}, metadata)).prediction == prediction


@pytest.mark.parametrize("shape", [(), (0,), (1,), (1, 1)])
@pytest.mark.parametrize("mark", ["v_pred", "ztsnr", "edm_mean", "edm_std"])
def test_marks_of_any_shape(mark: str, shape: tuple[int, ...]) -> None:
    found = sampling_of(Header(Path("a.safetensors"), {mark: shape}, {mark: "F32"}))
    told = {"v_pred": found.prediction == "v_prediction", "ztsnr": found.zero_terminal_snr}
    assert told.get(mark, found.edm)
