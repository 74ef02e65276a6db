"""Every file that people have, loaded: the picture that it should make, or the sentence that says why it makes none."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from acetate.protocol.errors import AcetateError
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import (
    ControlHint,
    ControlKind,
    ControlMethod,
    GenerateRequest,
    ImagePrompt,
    Scheduler,
    Style,
    Task,
)
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.pipelines.contract import Generated
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.models import add_ons, official, owned, single_file, small
from tests.engine.pipelines.samples import a_request, layer_bytes, run

BOUNDS = Bounds(0, 0, 64, 64)
PLAIN = {"SD1.5": "plain", "SDXL": "big"}
GOOD = [file for file in owned.CHECKPOINTS if file.loads]
BAD = [file for file in owned.CHECKPOINTS if not file.loads]
BAD_STYLES = [
    file
    for file in owned.ADD_ONS
    if file.path.startswith("loras/") and any("choose" in words or "not read" in words for words in file.says)
]
Tensors = dict[str, Tensor]


def styles() -> dict[str, Tensors]:
    """Those of the folder that are good, for the tiny models: theirs are for the text of the real ones."""
    unet, large = small.sd15_unet(), small.sdxl_unet()
    ink = add_ons.few_factors(unet, 0)
    name, (down, up) = next((name, pair) for name, pair in ink.items() if "attn2.to_k" in name)
    stem = f"lora_unet_{name.replace('.', '_')}"
    loha = {f"{stem}.hada_w{part}_{side}": x.clone() for part in "12" for side, x in (("a", up), ("b", down))}
    lokr = {f"lycoris_{name.replace('.', '_')}.lokr_w1": torch.ones(2, 2)}
    lokr |= {f"lycoris_{name.replace('.', '_')}.lokr_w2": torch.full((up.shape[0] // 2, down.shape[1] // 2), 0.1)}
    dora = {f"unet.{name}.lora_A.weight": down, f"unet.{name}.lora_B.weight": up}
    return {
        "ink15": add_ons.kohya(ink, "lora_unet"),
        "a/twin": add_ons.kohya(ink, "lora_unet"),
        "b/twin": add_ons.kohya(ink, "lora_unet"),
        "peft": add_ons.peft({name: (down, up / 2) for name, (down, up) in ink.items()}, "base_model.model"),
        "lightning_bolts": add_ons.kohya(ink, "lora_unet"),
        "loha": loha,
        "lokr": lokr,
        "dora": dora | {f"unet.{name}.lora_magnitude_vector": torch.full((up.shape[0],), 2.0)},
        "norms": {"lora_unet_conv_norm_out.w_norm": torch.full((32,), 0.3)},
        "words": add_ons.kohya(add_ons.text_factors(single_file.modules(Family.SD15)["text_encoder"]), "lora_te"),
        "inkxl": add_ons.kohya(add_ons.few_factors(large, 0), "lora_unet"),
        "hyper_8steps": add_ons.kohya(add_ons.few_factors(large, 1), "lora_unet"),
    }


def write_nets(models: Path) -> None:
    """What reads hints and pictures, for both families and in every format; and some that no file of ours reads."""
    for family in (Family.SD15, Family.SDXL):
        add_ons.write_add_ons(models, family)
    add_ons.controlnet(small.sd15_unet(), 7).save_pretrained(models / "controlnet" / "sd15_scribble")
    for path, name in UNREAD_NETS.items():
        official.save({name: torch.zeros(2, 2)}, models / f"{path}.safetensors")


UNREAD_NETS = {
    "controlnet/sd15_pose": "lora_controlnet",
    "controlnet/sdxl_pose": "lllite_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.conditioning1.0.weight",
    "controlnet/sdxl_scribble": "controlnet_blocks.0.weight",
    "adapters/sd15_pose": "body.0.block1.weight",
    "ip_adapter/face": "ip_adapter.0.to_q_lora.down.weight",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, and what a transparent layer of either family needs."""
    home = tmp_path_factory.mktemp("home")
    models = home / "acetate" / "models"
    owned.write(models)
    for name, tensors in styles().items():
        official.save(tensors, models / "loras" / f"{name}.safetensors")
    official.save({"emb_params": torch.randn(3, 48)}, models / "embeddings" / "worse.safetensors")
    official.save(
        {"clip_l": torch.randn(2, 8), "clip_g": torch.randn(2, 16)}, models / "embeddings" / "better.safetensors"
    )
    for name in ("layer_sd15_vae_transparent_decoder", "vae_transparent_decoder"):
        official.save(small.decoder().state_dict(), models / "layerdiffuse" / f"{name}.safetensors")
    write_nets(models)
    layer = official.XL_ROWS["layer_xl_transparent_attn"](small.sdxl_unet())
    official.save(layer, models / "layerdiffuse" / "layer_xl_transparent_attn.safetensors")
    return home


@pytest.fixture(autouse=True)
def everything_tiny(tiny_configs: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACETATE_RESOURCES", str(tiny_configs))
    monkeypatch.setenv("XDG_DATA_HOME", str(home))


@cache
def generator() -> TaskGenerator:
    return TaskGenerator()


def asked(model: str, prompt: str = "a red apple", **fields: object) -> GenerateRequest:
    return a_request(Task.FOREGROUND, BOUNDS, model=model, prompt=prompt, steps=1, **fields)


def made(model: str, prompt: str = "a red apple", **fields: object) -> Generated:
    return run(generator(), asked(model, prompt, **fields))


@cache
def plain(model: str) -> tuple[bytes, ...]:
    return tuple(layer_bytes(made(model)))


def name_of(file: owned.Owned) -> str:
    """As requests call it."""
    known = {"sub/plain": "sub/plain", "mini": "checkpoints/mini", "sub/deep/LOUD": "LOUD"}
    inner = file.path.partition("/")[2]
    stem = inner if inner.endswith((".model", ".part")) else os.path.splitext(inner)[0]  # noqa: PTH122
    return known.get(stem, stem)


@pytest.mark.parametrize("file", GOOD, ids=name_of)
def test_the_picture(file: owned.Owned) -> None:
    found = tuple(layer_bytes(made(name_of(file))))
    if file.loads in PLAIN:
        assert found == plain(PLAIN[file.loads])
    else:
        assert found not in (plain("plain"), plain("big"))


@pytest.mark.parametrize("file", BAD, ids=name_of)
def test_the_sentence(file: owned.Owned) -> None:
    with pytest.raises(AcetateError) as caught:
        made(name_of(file))
    said = f"{caught.value.detail}. {caught.value.remedy}"
    lacking = {"notext": ("text encoder", "put files")}.get(name_of(file), file.says)
    assert all(words in said for words in lacking), said


def test_a_solver_that_cannot_follow_the_folder_says_so() -> None:
    said = {kind: made("leading", scheduler=kind).notes for kind in Scheduler}
    assert {kind for kind, notes in said.items() if any("timestep_spacing, leading" in note for note in notes)} == {
        *(Scheduler.DPMPP_2M_SDE_KARRAS, Scheduler.LCM, Scheduler.TCD)
    }


def test_both_text_encoders_of_sdxl_from_files_of_their_own(home: Path) -> None:
    """One in the names of transformers, one as it was published."""
    folder = home / "acetate" / "models" / "text_encoders"
    parts = {"clip_l": "conditioner.embedders.0.transformer.", "clip_g": "conditioner.embedders.1.model."}
    for name, prefix in parts.items():
        official.save(owned.only(owned.sdxl, prefix), folder / f"{name}.safetensors")
    try:
        result = made("notext")
    finally:
        for name in parts:
            (folder / f"{name}.safetensors").unlink()
    assert tuple(layer_bytes(result)) == plain("big")
    assert all(any(f"{name}.safetensors" in note for note in result.notes) for name in parts)


def blended(offsets: Tensors, home: Path) -> Generated:
    path = home / "acetate" / "models" / "layerdiffuse" / "layer_xl_fg2ble.safetensors"
    official.save(offsets, path)
    return run(generator(), a_request(Task.BLEND, BOUNDS, model="big", steps=1))


def test_a_layer_file_without_some_kinds_of_layers(home: Path) -> None:
    """Without the UNet's last convolution, say: published ones leave kinds out. A gap within a kind is refused."""
    whole = official.XL_ROWS["layer_xl_fg2ble"](small.sdxl_unet())
    fewer = {name: x for name, x in whole.items() if ".out.2." not in name}
    assert len(fewer) == len(whole) - 2
    assert layer_bytes(blended(fewer, home)) != layer_bytes(blended(whole, home))
    gap = next(name for name in whole if "output_blocks.1.0.in_layers.2.weight" in name)
    with pytest.raises(AcetateError, match=r"up_blocks\.0\.resnets\.1\.conv1\.weight missing"):
        blended({name: x for name, x in whole.items() if name != gap}, home)


@pytest.mark.parametrize("name", ["ink15", "loha", "lokr", "dora", "norms", "words"])
def test_a_style_changes_the_picture(name: str) -> None:
    result = made("plain", styles=(Style(name, 1.0),))
    assert tuple(layer_bytes(result)) != plain("plain")
    assert not any("not used" in note for note in result.notes)


@pytest.mark.parametrize("name", ["a/twin", "b/twin", "peft", "lightning_bolts"])
def test_the_same_style_is_the_same_picture(name: str) -> None:
    pictures = [layer_bytes(made("plain", styles=(Style(each, 1.0),))) for each in ("ink15", name)]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("name", ["inkxl", "hyper_8steps"])
def test_styles_of_sdxl(name: str) -> None:
    assert tuple(layer_bytes(made("big", styles=(Style(name, 1.0),)))) != plain("big")


@pytest.mark.parametrize("file", BAD_STYLES, ids=name_of)
def test_styles_that_are_refused_say_what_they_are(file: owned.Owned) -> None:
    with pytest.raises(AcetateError) as caught:
        made("plain", styles=(Style(name_of(file), 1.0),))
    assert all(words in caught.value.detail for words in file.says), caught.value.detail


@pytest.mark.parametrize(("model", "word", "other"), [("plain", "worse", "better"), ("big", "better", "worse")])
def test_words_of_ones_own(model: str, word: str, other: str) -> None:
    result = made(model, f"a red {word}")
    assert layer_bytes(result) != layer_bytes(made(model, "a red wurse")) and not result.notes
    assert any(other in note and "not used" in note for note in made(model, f"a red {other}").notes)


HINT = "e" * 64
PICTURES = {HINT: np.full((64, 64, 4), 255, np.uint8)}
PICTURES[HINT][16:48, 30:34, :3] = 0
NET, UNION, T2I = ControlMethod.CONTROLNET, ControlMethod.UNION, ControlMethod.T2I_ADAPTER


def hinted(model: str, kind: ControlKind, method: ControlMethod) -> Generated:
    return run(generator(), asked(model, control=(ControlHint(kind, HINT, method=method),)), PICTURES)


@pytest.mark.parametrize(
    ("model", "kind", "method"),
    [
        ("plain", ControlKind.EDGES, NET),
        ("plain", ControlKind.DEPTH, NET),
        ("plain", ControlKind.LINES, T2I),
        ("big", ControlKind.EDGES, NET),
        ("big", ControlKind.DEPTH, NET),
        ("big", ControlKind.POSE, UNION),
        ("big", ControlKind.LINES, T2I),
    ],
)
def test_a_net_changes_the_picture(model: str, kind: ControlKind, method: ControlMethod) -> None:
    """Single files as they were published and as diffusers writes them, folders, unions, T2I-Adapters."""
    result = hinted(model, kind, method)
    assert tuple(layer_bytes(result)) != plain(model) and not any("not used" in note for note in result.notes)


def test_one_picture_whatever_the_format_of_a_net() -> None:
    """A folder, and a single file as it was published."""
    single, folder = (hinted("plain", kind, NET) for kind in (ControlKind.EDGES, ControlKind.SCRIBBLE))
    assert layer_bytes(single) == layer_bytes(folder)


@pytest.mark.parametrize(
    ("model", "kind", "method", "words"),
    [
        ("plain", ControlKind.POSE, NET, "Control-LoRA"),
        ("big", ControlKind.POSE, NET, "ControlNet-LLLite"),
        ("big", ControlKind.SCRIBBLE, NET, "FLUX"),
        ("plain", ControlKind.POSE, T2I, "T2I-Adapter as a diffusers folder"),
    ],
)
def test_a_net_that_is_not_read_says_what_it_is(
    model: str, kind: ControlKind, method: ControlMethod, words: str
) -> None:
    with pytest.raises(AcetateError) as caught:
        hinted(model, kind, method)
    assert words in f"{caught.value.detail}. {caught.value.remedy}"


@pytest.mark.parametrize(("model", "adapter"), [("plain", "sd15"), ("big", "sdxl")])
def test_a_picture_as_a_prompt(model: str, adapter: str) -> None:
    request = asked(model, image_prompts=(ImagePrompt(HINT, adapter=adapter),))
    assert tuple(layer_bytes(run(generator(), request, PICTURES))) != plain(model)


def test_an_ip_adapter_that_is_not_read_says_what_it_is() -> None:
    with pytest.raises(AcetateError, match="for faces"):
        run(generator(), asked("plain", image_prompts=(ImagePrompt(HINT, adapter="face"),)), PICTURES)


def test_looks_that_do_not_fit_say_so() -> None:
    digest = "d" * 64
    request = asked("plain", image_prompts=(ImagePrompt(digest, adapter="look"),))
    with pytest.raises(AcetateError, match="no IP-Adapter 'look'"):
        run(generator(), request, {digest: torch.zeros(64, 64, 4, dtype=torch.uint8).numpy()})
