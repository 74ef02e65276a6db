"""Styles, pictures in place of words and hints, in every command; test_remote.py has them over HTTP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acetate_engine import Engine
from acetate_engine.asking import Hint, Look
from acetate_engine.commands.generating import How
from acetate_engine.documents.writer import write_document
from acetate_engine.paths import models_dir
from tests.engine.commands.conftest import Acetate, all_add_ons, write
from tests.engine.commands.test_generate import pixels_of
from tests.engine.documents.pictures import noise, sample

COMMON = ("-p", "a fox", "--seed", 4, "--steps", 2)


def test_each_changes_the_picture_and_python_says_the_same(
    acetate: Acetate, added: Path, photo: Path, cutout: Path, tmp_path: Path
) -> None:
    out, seen = tmp_path / "out.png", []
    options = all_add_ons(photo, cutout)
    for given in ((), options[:2], options[2:4], options[4:6], options[6:8], options[8:], options):
        acetate("generate", *COMMON, "--size", "48x40", *given, "-o", out)
        seen.append(pixels_of(out).tobytes())
    assert len(set(seen)) == len(seen)
    result = Engine().generate(
        "a fox",
        size=(48, 40),
        seed=4,
        steps=2,
        styles=How(style=["ink:0.8", "oil:-0.5"]).settings["styles"],
        looks=[Look(photo), Look(cutout, 0.5)],
        hints=[Hint(How(control=[f"edges:{photo}"]).hints[0].kind, photo, 0.7)],
    )
    result.save(out)
    assert pixels_of(out).tobytes() == seen[-1]


@pytest.mark.parametrize("command", ["refine", "inpaint", "psd"])
def test_every_command_takes_them(
    acetate: Acetate, added: Path, photo: Path, cutout: Path, command: str, tmp_path: Path
) -> None:
    write_document(sample(), tmp_path / "document.psd")
    hint = write(tmp_path / "hint.png", noise(96, 128, 3))
    given = {
        "refine": (cutout, "--control", f"edges:{photo}"),
        "inpaint": (cutout, "--mask", photo, "--control", f"edges:{photo}"),
        "psd": (tmp_path / "document.psd", "--region", "10,10,32x32", "--control", f"edges:{hint}"),
    }[command]
    out = tmp_path / ("out.psd" if command == "psd" else "out.png")
    seen = set()
    for options in ((), ("--style", "ink"), ("--image-prompt", photo), given[-2:]):
        acetate(command, *given[:-2], *COMMON, *options, "-o", out)
        seen.add(out.read_bytes())
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--style", "neon:0.5"), "Mini (embedded) has no style 'neon': Choose one of these: ink, oil; or put"),
        (("--style", "neon"), "loras"),
        (("--style", "ink", "--style", "ink:0.5"), "the style 'ink' is named twice"),
        (("--style", "ink:5"), "the weight of a style is 5.0"),
        (("--image-prompt", "gone.png"), "gone.png"),
        (("--image-prompt", "photo.png:nan"), "the weight of an image prompt is nan"),
        (("--image-prompt", "photo.png", "--image-adapter", "x"), "no IP-Adapter 'x': Choose one of these: look"),
        (("--control", "edge:photo.png"), "KIND lines, edges, depth"),
        (("--control", "edges"), "Give KIND:FILE"),
        (("--control", "edges:photo.png"), "the pictures and the size differ: 48×40, 64×64"),
        (("--control", "depth:photo.png", "--size", "48x40"), "models/controlnet/mini_depth"),
    ],
)
def test_what_is_wrong_is_named(
    acetate: Acetate,
    added: Path,
    photo: Path,
    options: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    size = () if "--size" in options else ("--size", "64x64")
    problem = acetate("generate", *COMMON, *size, *options, "-o", "x.png", "--json", status=1)
    found = " ".join(f"{problem['detail']}: {problem['remedy']}".split())
    assert said in found


def test_a_model_without_them_says_where_they_belong(
    acetate: Acetate, tiny: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "empty"))
    for option, value, folder in (("--style", "ink", "loras"), ("--image-prompt", photo, "ip_adapter")):
        problem = acetate("generate", *COMMON, option, value, "-o", tmp_path / "x.png", "--json", status=1)
        assert problem["code"] == "unsupported-task"
        assert problem["remedy"].startswith("Put ") and f"{models_dir()}/{folder}" in problem["remedy"]


def test_models_lists_them(acetate: Acetate, added: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = acetate("models")
    assert all(words in said for words in ("control: edges", "IP-Adapter: look", "style: ink, oil"))
    (mini,) = (model for model in acetate("models", "--json")["models"] if model["name"] == "mini")
    assert (mini["controls"], mini["image_prompts"], mini["styles"]) == (["edges"], ["look"], ["ink", "oil"])


@pytest.mark.parametrize(
    ("text", "name", "weight"),
    [("ink", "ink", 1.0), ("ink:0.5", "ink", 0.5), ("C:/a:b.png", "C:/a:b.png", 1.0), ("a:b.png:2", "a:b.png", 2.0)],
)
def test_weights_stand_behind_the_last_colon(text: str, name: str, weight: float) -> None:
    (look,) = How(image_prompt=[text]).looks
    assert (str(look.picture), look.weight) == (name, weight)
    (style,) = How(style=[text]).settings["styles"]
    assert (style.lora, style.weight) == (name, weight)
    assert np.isfinite(look.weight)
