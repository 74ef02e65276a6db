"""`acetate extract`, `select`, `remove`, `split`, `shadow`, `upscale`: layers out of pictures that are there."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.pictures import MAX_SUBJECTS, Click, Light, Subject
from acetate.protocol.requests import MAX_SEED, Task
from acetate_engine.commands.generating import Saving, generating, rework_into
from acetate_engine.commands.options import AsJson, Out, Prompt, UseEngine, parse_region


class ShadowKind(str, Enum):
    CONTACT = "contact"
    CAST = "cast"
    REFLECTION = "reflection"


_TASKS = {
    ShadowKind.CONTACT: Task.CONTACT_SHADOW,
    ShadowKind.CAST: Task.CAST_SHADOW,
    ShadowKind.REFLECTION: Task.REFLECTION,
}

Source = Annotated[Path, typer.Argument(help="A picture or a document; of a document, what it shows.")]
Mask = Annotated[
    Path | None,
    typer.Option(help="Its rough shape: white, or opaque where it has transparency.", show_default=False),
]
Box = Annotated[str | None, typer.Option(help="A box around it, as 100,40,512x512.", show_default=False)]
On = Annotated[list[str] | None, typer.Option("--click", metavar="X,Y", help="A pixel on it; may be repeated.")]
Beside = Annotated[list[str] | None, typer.Option("--not", metavar="X,Y", help="A pixel beside it; may be repeated.")]
Most = Annotated[int, typer.Option("--subjects", min=1, max=MAX_SUBJECTS, help="How many layers at most.")]
Fills = Annotated[
    str, typer.Option("--model", "-m", help="A model of yours paints behind it (`acetate models`); mini does not.")
]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Same seed, same pixels.")]


@generating
def extract(
    picture: Source, out: Out, mask: Mask = None, box: Box = None, click: On = None, beside: Beside = None,
    subjects: Most = 1, engine: UseEngine = False, json: AsJson = False,
    *, saving: Saving,
) -> None:  # fmt: skip
    """Cut the subject out of a picture: a layer with soft alpha, and nothing of the colour behind it.

    \b
    acetate extract photo.jpg -o subject.png
    acetate extract photo.jpg --box 120,80,300x420 -o subject.psd
    acetate extract photo.jpg --click 240,310 --not 500,90 --subjects 3 -o subjects.ora
    """
    subject = _subject(box, click, beside, subjects)
    _make(Task.EXTRACT, picture, out, json, engine, saving, mask=mask, subject=subject)


@generating
def select(
    picture: Source, out: Out, mask: Mask = None, box: Box = None, click: On = None, beside: Beside = None,
    engine: UseEngine = False, json: AsJson = False,
    *, saving: Saving,
) -> None:  # fmt: skip
    """Select the subject of a picture, or give a rough selection (--mask) the edge that the picture has.

    \b
    acetate select photo.jpg -o selection.png
    acetate select photo.jpg --mask rough.png -o fine.png
    """
    _make(Task.SELECT, picture, out, json, engine, saving, mask=mask, subject=_subject(box, click, beside))


@generating
def remove(
    picture: Source, out: Out, mask: Mask = None, box: Box = None, click: On = None, beside: Beside = None,
    prompt: Prompt = "", model: Fills = "mini", seed: Seed = 0, engine: UseEngine = False, json: AsJson = False,
    *, saving: Saving,
) -> None:  # fmt: skip
    """Take the subject, or what the mask covers, out of a picture and paint what may lie behind.

    From the picture itself (PatchMatch), or with --model by a model of yours: as the background behind what was there
    (fg→bg), or by repainting (inpaint). The note of the result says which way was taken.

    \b
    acetate remove photo.jpg -o empty.png
    acetate remove photo.jpg --mask sign.png -o without-sign.png
    acetate remove photo.jpg -m dream -p "a brick wall" -o empty.png
    """
    subject = _subject(box, click, beside)
    fields = {"mask": mask, "subject": subject, "model": model, "seed": seed}
    _make(Task.REMOVE, picture, out, json, engine, saving, prompt, **fields)


@generating
def split(
    picture: Source,
    out: Out,
    subjects: Most = 3,
    prompt: Prompt = "",
    model: Fills = "mini",
    seed: Seed = 0,
    engine: UseEngine = False,
    json: AsJson = False,
    *,
    saving: Saving,
) -> None:
    """Split a picture into its background and its subjects; one over the other they are the picture.

    What lies behind each comes from the picture itself (PatchMatch), or by --model, as in `acetate remove`; a
    Qwen-Image-Layered makes all of the layers.

    \b
    acetate split photo.jpg -o layers.psd
    acetate split photo.jpg --subjects 5 -m dream -o layers.ora
    """
    fields = {"subject": Subject(most=subjects), "model": model, "seed": seed}
    _make(Task.DECOMPOSE, picture, out, json, engine, saving, prompt, **fields)


@generating
def upscale(
    picture: Source,
    out: Out,
    factor: Annotated[int, typer.Option(help="2 or 4.")] = 2,
    engine: UseEngine = False,
    json: AsJson = False,
    *,
    saving: Saving,
) -> None:
    """Make a layer two or four times as large, with clear edges.

    \b
    acetate upscale apple.png -o large.png
    acetate upscale apple.png --factor 4 -o huge.png
    """
    _make(Task.UPSCALE, picture, out, json, engine, saving, factor=factor)


@generating
def shadow(
    layer: Annotated[Path, typer.Argument(help="The layer: a transparent picture, or a document.")],
    out: Out,
    kind: Annotated[ShadowKind, typer.Option(help="What to make.")] = ShadowKind.CONTACT,
    angle: Annotated[float, typer.Option(help="Where it falls: degrees from the right, clockwise.")] = 30.0,
    length: Annotated[float, typer.Option(help="Times the layer's height.")] = 1.0,
    softness: Annotated[float, typer.Option(min=0.0, max=1.0, help="Of its edge.")] = 0.4,
    opacity: Annotated[float, typer.Option(min=0.0, max=1.0, help="Of all of it.")] = 0.5,
    engine: UseEngine = False,
    json: AsJson = False,
    *,
    saving: Saving,
) -> None:
    """Make the shadow or the reflection of a layer, as a layer of its own to lie under it.

    \b
    acetate shadow apple.png -o shadow.png
    acetate shadow apple.png --kind cast --angle 150 --length 0.8 -o shadow.png
    acetate shadow apple.png --kind reflection -o mirrored.png
    """
    _make(_TASKS[kind], layer, out, json, engine, saving, light=Light(angle, length, softness, opacity))


def _make(
    task: Task, picture: Path, out: Path, json: bool, engine: bool, saving: Saving, prompt: str = "", **fields: Any
) -> None:
    rework_into(out, json, engine, saving, prompt, **{"task": task, "foreground": picture, "seed": 0} | fields)


def _subject(box: str | None, on: list[str] | None, beside: list[str] | None, most: int = 1) -> Subject:
    clicks = [_click(text, True) for text in on or []] + [_click(text, False) for text in beside or []]
    return Subject(parse_region(box), tuple(clicks), most)


def _click(text: str, is_on: bool) -> Click:
    match = re.fullmatch(r"\s*(-?\d{1,6})\s*,\s*(-?\d{1,6})\s*", text)
    if match is None:
        raise InvalidRequest(f"the click {text!r} is not one", "Give its pixel, as 120,80.")
    return Click(int(match[1]), int(match[2]), is_on)
