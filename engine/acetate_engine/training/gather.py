"""`acetate train gather`: the data folder, made from packages that a list names.

Every picture's licence is an SPDX name, or the picture is left out. What is written: see `datasets.py`.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from acetate_engine.compositing.alpha import bleed, to_eight, to_float
from acetate_engine.training.config import Frozen, checked, read_names
from acetate_engine.training.datasets import Bytes, Row
from acetate_engine.training.debian_copyright import Stanza, read_stanzas, spdx_of
from acetate_engine.training.packages import Package, fetch
from acetate_engine.training.rendered import UNSEEN
from acetate_engine.training.translucent.subjects import LICENCE, STYLE, render
from acetate_engine.training.vectors import icons, opened

_MARGIN = 0.06  # of the longer side, around a cut-out
_SEEN = 8  # alpha above which a pixel belongs to the cut-out


class Selection(Frozen):
    """Pictures of one kind in one package."""

    kind: Literal["fg", "bg"]
    files: str  # glob below the unpacked package, or an icon set of Iconify (icons.json)
    names: tuple[str, ...] = ()  # those alone, by file name without suffix; none: all. An icon set needs them
    licence: str = ""  # SPDX; empty: as the package's copyright file says of each
    style: str = ""  # of cut-outs
    captions: Literal["name", "sidecar", "codepoint"] = "name"  # the file's name, a .txt beside it, a Unicode name
    crops: int = 10  # squares of each photograph; 0: all of it, its longer side as long as `side`


class PackageSource(Frozen):
    package: str  # deb:NAME=VERSION or npm:NAME@VERSION
    digest: str
    pictures: tuple[Selection, ...]


class GatherConfig(Frozen):
    sources: tuple[PackageSource, ...]
    rendered: tuple[str, ...] = ()  # captions of translucent subjects, rendered with seeds that nothing is trained on
    side: int = 128  # pixels
    drawn: int = 1024  # pixels of the longer side that vector pictures are drawn with
    held_out: float = 0.05  # share of concepts and of photographs


def read_gather_config(path: Path) -> GatherConfig:
    """Raises FileError."""
    return checked(path, GatherConfig, read_names(path))


def gather(config: GatherConfig, downloads: Path, out: Path) -> dict[str, int]:
    """Fetch, convert and write everything; how many pictures were made, and how many left out for their licence."""
    counts = {"fg": 0, "bg": 0, "left out": 0}
    rows: dict[str, list[Row]] = {"fg": [], "bg": []}
    for source in config.sources:
        package = Package.parse(source.package)
        folder = fetch(package, source.digest, downloads)
        for selection in source.pictures:
            for path, licence in licensed(folder, selection):
                if licence is None:
                    counts["left out"] += 1
                    continue
                identity = {"id": f"{package.name}/{path.relative_to(folder)}", "licence": licence}
                for pixels, row in _pictures(path, selection, config):
                    rows[selection.kind].append(_write(out, selection.kind, counts, pixels, row | identity))
    for pixels, row in _rendered(config):
        rows["fg"].append(_write(out, "fg", counts, pixels, row))
    for kind, lines in rows.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines)
        (out / f"{kind}.jsonl").write_text(text, encoding="utf-8")
    return counts


def licensed(folder: Path, selection: Selection) -> Iterator[tuple[Path, str | None]]:
    """The selected files with their licences."""
    stanzas: list[Stanza] = []
    if not selection.licence:
        stanzas = [stanza for file in sorted(folder.glob("usr/share/doc/*/copyright")) for stanza in read_stanzas(file)]
    for path in sorted(_selected(folder, selection)):
        yield path, selection.licence or spdx_of(str(path.relative_to(folder)), stanzas)


def _selected(folder: Path, selection: Selection) -> Iterator[Path]:
    for path in folder.glob(selection.files):
        if path.name == "icons.json":
            yield from icons(path, selection.names)
        elif not selection.names or path.stem in selection.names:
            yield path


def _pictures(path: Path, selection: Selection, config: GatherConfig) -> Iterator[tuple[Bytes, Row]]:
    words = caption(path, selection.captions)
    if not words:
        return
    if selection.kind == "fg":
        made = cut_out(opened(path, config.drawn), config.side)
        if made is not None:
            pixels, native = made
            described = {"caption": f"{_with_article(words)}, {selection.style}", "style": selection.style}
            yield pixels, described | {"split": _split(words, config)} | _measures(pixels) | {"native": native}
        return
    described = {"photo": path.name, "caption": words, "split": _split(path.name, config)}
    photograph = Image.open(path)
    if not selection.crops:
        yield whole(photograph, config.side), described
    for pixels in crops(photograph, selection.crops, config.side, _number(path.name)):
        yield pixels, described


def _rendered(config: GatherConfig) -> Iterator[tuple[Bytes, Row]]:
    for said in config.rendered:
        pixels = render(said, config.side, UNSEEN)
        identity = {"id": f"rendered/{said}", "licence": LICENCE, "caption": said, "style": STYLE}
        yield pixels, identity | {"split": _split(said, config)} | _measures(pixels) | {"native": config.side}


def _write(out: Path, kind: str, counts: dict[str, int], pixels: Bytes, row: Row) -> Row:
    file = f"{kind}/{counts[kind]:05d}.webp"
    counts[kind] += 1
    (out / kind).mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(out / file, lossless=pixels.shape[-1] == 4, quality=95, exact=True)
    return {"file": file} | row


def caption(path: Path, how: str) -> str:
    """A few words; empty where there are none to be had."""
    if how == "codepoint":
        known = re.fullmatch(r"[0-9a-f]{4,6}", path.stem)
        return unicodedata.name(chr(int(path.stem, 16)), "").lower() if known else ""
    if how == "sidecar":
        text = path.with_suffix(".txt")
        return text.read_text(encoding="utf-8", errors="replace").split("\n")[0].strip(" .!") if text.exists() else ""
    title = re.sub(r"[ _-]by[ _-].*", "", path.stem)  # and not who made it
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\W\d]+", " ", title)
    return " ".join(words.split()).lower()


def _with_article(words: str) -> str:
    if re.match(r"(an?|the|some|two) ", words, re.IGNORECASE):
        return words[0].lower() + words[1:]
    return ("an " if words[:1].lower() in "aeiou" else "a ") + words


def cut_out(picture: Image.Image, side: int) -> tuple[Bytes, int] | None:
    """(side, side, 4) straight, the subject centred and as large as fits, and its longer side before.

    None for a picture without anything in it, or without transparency. Resampled premultiplied; colour bled.
    """
    rgba = picture.convert("RGBA")
    seen = rgba.getchannel("A").point(lambda alpha: 255 * (alpha > _SEEN)).getbbox()
    if seen is None or rgba.getchannel("A").getextrema()[0] == 255:
        return None
    subject = rgba.crop(seen).convert("RGBa")
    native = max(subject.size)
    scale = side / (native * (1 + 2 * _MARGIN))
    size = max(1, round(subject.width * scale)), max(1, round(subject.height * scale))
    canvas = Image.new("RGBa", (side, side))
    canvas.paste(subject.resize(size, Image.Resampling.LANCZOS), ((side - size[0]) // 2, (side - size[1]) // 2))
    return to_eight(bleed(to_float(np.asarray(canvas.convert("RGBA"))))), native


def whole(photograph: Image.Image, side: int) -> Bytes:
    """(H, W, 3), the longer side at most `side`."""
    rgb = photograph.convert("RGB")
    rgb.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(rgb)


def crops(photograph: Image.Image, count: int, side: int, seed: int) -> Iterator[Bytes]:
    """(side, side, 3) squares of at least 60 % of the shorter side, the same for the same seed."""
    rgb = photograph.convert("RGB")
    rng = np.random.default_rng(seed)
    for _ in range(count):
        length = int(min(rgb.size) * rng.uniform(0.6, 1.0))
        left, top = (int(rng.integers(whole - length + 1)) for whole in rgb.size)
        box = (left, top, left + length, top + length)
        yield np.asarray(rgb.resize((side, side), Image.Resampling.LANCZOS, box, reducing_gap=3.0))


def _measures(pixels: Bytes) -> dict[str, Any]:
    alpha = pixels[..., 3]
    soft = (alpha > _SEEN) & (alpha < 255 - _SEEN)
    return {"coverage": round(float((alpha > 255 - _SEEN).mean()), 4), "partial": round(float(soft.mean()), 4)}


def _split(concept: str, config: GatherConfig) -> str:
    """By what it shows, so that no concept is in both."""
    return "val" if _number(concept.lower()) % 10_000 < config.held_out * 10_000 else "train"


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
