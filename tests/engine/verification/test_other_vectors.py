"""Vectors of any seed, prompt, size, steps and solver: made here by diffusers' own pipelines, and held by ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.verification.golden_runs import FILE, compare_runs, pictures
from acetate_engine.verification.tiny.folders import write_golden
from tests.engine.verification.published import Asked, Published, over_grey

BACKGROUND = ("background", "bg2ble", "bgble2fg")
FOREGROUND = ("foreground", "fg2ble", "fgble2bg")
Make = Callable[[dict[Family, Published]], tuple[Asked, dict[str, Tensor]]]
LONG = "a heron and a very long list of other birds, " * 10


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Published]:
    folder = tmp_path_factory.mktemp("golden")
    return {
        family: Published(
            family, folder / family.name / "base", write_golden(folder / family.name, family, layers).layers
        )
        for family, layers in ((Family.SD15, {"joint", "transparent", "bg2fg"}), (Family.SDXL, None))
    }


def picture(asked: Asked, name: str) -> Tensor:
    return over_grey(pictures(Extent(asked.width, asked.height))[name])


def alone(model: Published, asked: Asked, solver: str) -> Iterator[tuple[str, Tensor]]:
    yield f"SDXL transparent attn {solver}", model.run(asked, "transparent", torch.manual_seed(asked.seed), solver)


def chain(
    model: Published, asked: Asked, solver: str, kind: tuple[str, str, str], rule: str = ""
) -> Iterator[tuple[str, Tensor]]:
    """Given → blended → wanted; the second run's noise is drawn behind the first run's."""
    name, first, second = kind
    noise, given = torch.manual_seed(asked.seed), model.encoded(picture(asked, name))
    blended = model.run(asked, first, noise, solver, condition=given)
    yield f"SDXL {first} {solver}", blended
    yield (
        f"SDXL {second} {solver}{rule}",
        model.run(asked, second, noise, solver, condition=torch.cat([given, blended], dim=1)),
    )


def shared(model: Published, asked: Asked, layer: str, name: str, condition: str = "") -> Iterator[tuple[str, Tensor]]:
    given = picture(asked, condition) if condition else None
    yield f"SD1.5 {name}", model.run(asked, layer, torch.manual_seed(asked.seed), condition=given)


def plain_words(models: dict[Family, Published]) -> tuple[Asked, dict[str, Tensor]]:
    asked = Asked(12345, "two swans on a lake", "blurry", 3, 3.5, 64, 128)
    made = [*alone(models[Family.SDXL], asked, "unipc"), *chain(models[Family.SDXL], asked, "unipc", BACKGROUND)]
    return asked, dict([*made, *shared(models[Family.SD15], asked, "joint", "joint frames 3")])


def marks_and_nothing(models: dict[Family, Published]) -> tuple[Asked, dict[str, Tensor]]:
    """What means something to painters is words here; an empty negative prompt is encoded."""
    asked = Asked(0, "(ein:1.3) Fuchs, [狐] {a|b} __x__ BREAK <lora:x:1>", "", 4, 7.5, 128, 64)
    made = chain(models[Family.SDXL], asked, "euler_a", FOREGROUND, " timestep >= 499.5 (Forge)")
    return asked, dict([*made, *shared(models[Family.SD15], asked, "transparent", "transparent_attn frames 1")])


def more_words_than_clip_reads(models: dict[Family, Published]) -> tuple[Asked, dict[str, Tensor]]:
    asked = Asked(2**40, LONG, LONG[::-1], 2, 2.0, 64, 64)
    made = [*alone(models[Family.SDXL], asked, "dpmpp_2m_sde_karras")]
    return asked, dict([*made, *shared(models[Family.SD15], asked, "bg2fg", "bg2fg frames 2", "background")])


@pytest.mark.parametrize(
    "make",
    [
        plain_words,
        pytest.param(marks_and_nothing, marks=pytest.mark.long),
        pytest.param(more_words_than_clip_reads, marks=pytest.mark.long),
    ],
)
def test_vectors_made_elsewhere_hold(make: Make, published: dict[Family, Published], tmp_path: Path) -> None:
    asked, latents = make(published)
    save_file({name: latent.contiguous() for name, latent in latents.items()}, tmp_path / FILE, asked.metadata())
    rows = {row.vector: row.error for row in compare_runs(tmp_path) if not row.passed}
    assert rows == {}
    assert min(float(latent.abs().max()) for latent in latents.values()) > 1
