"""One picture, whatever the checkpoint comes in; and what is asked for in the prompt is what is asked for beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from acetate.protocol.errors import AcetateError
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Style, Task
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.pipelines.contract import Generated
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.models import add_ons, official, single_file, small
from tests.engine.pipelines.reporters import Recorder
from tests.engine.pipelines.samples import a_request, layer_bytes, run

BOUNDS = Bounds(0, 0, 64, 64)
VAE, TEXT = "first_stage_model.", "cond_stage_model."
Tensors = dict[str, Tensor]


def variants(whole: Tensors) -> dict[str, Tensors]:
    return {
        "plain": whole,
        "no_vae": {name: x for name, x in whole.items() if not name.startswith(VAE)},
        "no_text": {name: x for name, x in whole.items() if not name.startswith(TEXT)},
        "junk": {**whole, "model_ema.x": torch.tensor(float("nan"))},
        "old_names": {name.replace(".transformer.text_model.", ".transformer."): x for name, x in whole.items()},
        "unet_alone": {
            name.removeprefix("model.diffusion_model."): x for name, x in whole.items() if name.startswith("model.diff")
        },
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    models = home / "acetate" / "models"
    for folder in ("checkpoints/sub", "layerdiffuse", "vae", "text_encoders", "loras", "embeddings"):
        (models / folder).mkdir(parents=True)
    whole = {name: x.contiguous().clone() for name, x in single_file.tensors(Family.SD15).items()}
    for name, tensors in variants(whole).items():
        save_file(tensors, models / "checkpoints" / f"{name}.safetensors")
    save_file(whole, models / "checkpoints" / "sub" / "named.CKPT")
    (models / "checkpoints" / "linked.safetensors").symlink_to("plain.safetensors")
    single_file.write_folder(models / "checkpoints" / "folder", Family.SD15)
    save_file({**whole, "v_pred": torch.zeros(0)}, models / "checkpoints" / "velocity.safetensors")
    save_file(whole, models / "checkpoints" / "fast_lightning_2step.safetensors")
    save_file({"edm_mean": torch.zeros(1), **whole}, models / "checkpoints" / "edm.safetensors")
    official.save(
        {n.removeprefix(VAE): x for n, x in whole.items() if n.startswith(VAE)}, models / "vae" / "own.safetensors"
    )
    text = {n.removeprefix(f"{TEXT}transformer."): x for n, x in whole.items() if n.startswith(TEXT)}
    official.save(text, models / "text_encoders" / "own.safetensors")
    unet = small.sd15_unet()
    ink = add_ons.kohya(add_ons.few_factors(unet, 0), "lora_unet")
    official.save(ink, models / "loras" / "ink.safetensors")
    save_file({"<zyx>": torch.randn(2, 48)}, models / "embeddings" / "zyx.safetensors")
    released = models / "layerdiffuse"
    official.save(official.sharing_tensors(unet, 1), released / "layer_sd15_transparent_attn.safetensors")
    official.save(small.decoder().state_dict(), released / "layer_sd15_vae_transparent_decoder.safetensors")
    return home


@pytest.fixture(scope="module")
def generator() -> TaskGenerator:
    return TaskGenerator()


@pytest.fixture(autouse=True)
def everything_tiny(tiny_configs: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACETATE_RESOURCES", str(tiny_configs))
    monkeypatch.setenv("XDG_DATA_HOME", str(home))


def made(
    generator: TaskGenerator, model: str, prompt: str = "a red apple", steps: int | None = 1, **fields: object
) -> Generated:
    return run(generator, a_request(Task.FOREGROUND, BOUNDS, model=model, prompt=prompt, steps=steps, **fields))


@pytest.fixture(scope="module")
def expected(generator: TaskGenerator, tiny_configs: Path, home: Path) -> list[bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACETATE_RESOURCES", str(tiny_configs))
        patch.setenv("XDG_DATA_HOME", str(home))
        return layer_bytes(made(generator, "folder"))


ALIKE = ["plain", "no_vae", "no_text", "junk", "old_names", "unet_alone", "named", "linked"]


@pytest.mark.parametrize("model", ALIKE)
def test_one_picture_whatever_the_file(model: str, generator: TaskGenerator, expected: list[bytes]) -> None:
    result = made(generator, model)
    assert layer_bytes(result) == expected
    lacking = {"no_vae": ["VAE"], "no_text": ["text encoder"], "unet_alone": ["VAE", "text encoder"]}.get(model, [])
    assert all(any(part in note and "own.safetensors" in note for note in result.notes) for part in lacking)


def test_velocity_is_not_taken_for_noise(generator: TaskGenerator, expected: list[bytes]) -> None:
    assert layer_bytes(made(generator, "velocity")) != expected


def test_edm_is_refused(generator: TaskGenerator) -> None:
    with pytest.raises(AcetateError, match="EDM"):
        made(generator, "edm")


def test_few_steps_and_a_warning_at_seven(generator: TaskGenerator) -> None:
    quick = made(generator, "fast_lightning_2step", steps=None)
    assert layer_bytes(quick) == layer_bytes(made(generator, "fast_lightning_2step", steps=2))
    assert not any("burns" in note for note in quick.notes)
    burnt = made(generator, "fast_lightning_2step", steps=1, guidance_scale=7.0)
    assert any("guidance 7" in note and "Lightning" in note for note in burnt.notes)


def test_a_style_in_the_prompt_is_that_style(generator: TaskGenerator, expected: list[bytes]) -> None:
    beside = layer_bytes(made(generator, "plain", styles=(Style("ink", 0.8),)))
    within = made(generator, "plain", "a red apple <lora:ink:0.8>")
    assert layer_bytes(within) == beside != expected
    gone = made(generator, "plain", "a red apple <lora:gone:0.8>")
    assert layer_bytes(gone) == expected and any("gone" in note for note in gone.notes)


def test_a_word_of_ones_own_and_weights(generator: TaskGenerator, expected: list[bytes]) -> None:
    pictures = [
        layer_bytes(made(generator, "plain", prompt))
        for prompt in ("a red apple", "a (red:1.4) apple", "a red zyx", "a red zyy", "a {red|red} apple")
    ]
    assert pictures[0] == pictures[4] == expected
    assert len({bytes_[0] for bytes_ in pictures}) == 4


def test_each_picture_draws_words_of_its_own(generator: TaskGenerator) -> None:
    """As it would by itself with its seed; progress never goes back."""
    prompt, seen = "a {red|green|blue|grey} {apple|pear|plum}", Recorder()
    request = a_request(Task.FOREGROUND, BOUNDS, model="plain", prompt=prompt, steps=1, images=3)
    several = run(generator, request, reporter=seen)
    alone = [made(generator, "plain", prompt, seed=request.seed + index) for index in range(3)]
    assert layer_bytes(several) == [layer_bytes(one)[0] for one in alone]
    assert [(layer.image, layer.seed) for layer in several.layers] == [(i, request.seed + i) for i in range(3)]
    words = {note for note in several.notes if note.startswith("drawn")}
    assert len(words) > 1 and words == {note for one in alone for note in one.notes if note.startswith("drawn")}
    shares = [step / steps for step, steps, _ in seen.stages if steps]
    assert shares == sorted(shares) and shares[-1] == 1
