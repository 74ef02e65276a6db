"""`acetate train select`: the paper's rounds of human choice. Generate, look at a sheet, keep, train again.

A round is a folder: `candidates/*.webp`, `candidates.jsonl`, and `sheet.html`, on which a person clicks what to keep.
What is kept goes into a data folder as training cut-outs like all others.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from acetate_engine.engine import Engine
from acetate_engine.training.datasets import Row

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


def generate_round(prompts: list[str], count: int, out: Path, *, model: str = "mini", seed: int = 0) -> int:
    """`count` candidates for each prompt, seeds counting up from `seed`; how many there are. Raises as Engine does."""
    engine = Engine()
    (out / "candidates").mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for prompt in prompts:
        for layer in engine.generate(prompt, seed=seed, images=count, model=model).layers:
            row: Row = {
                "file": f"candidates/{len(rows):05d}.webp",
                "caption": prompt,
                "model": model,
                "seed": layer.seed,
            }
            layer.image.save(out / row["file"], lossless=True, exact=True)
            rows.append(row)
    (out / "candidates.jsonl").write_text(_lines(rows), encoding="utf-8")
    (out / "sheet.html").write_text(sheet(rows), encoding="utf-8")
    return len(rows)


def keep(round_folder: Path, chosen: Iterable[int], data: Path, licence: str) -> int:
    """Add the chosen candidates to a data folder, each once; how many are new there.

    Args:
        chosen: numbers of the sheet.
        licence: SPDX name of what the model's weights give.

    Raises:
        ValueError: there is no candidate of such a number.
    """
    rows, wanted = _read(round_folder / "candidates.jsonl"), list(chosen)
    if wrong := [number for number in wanted if number >= len(rows)]:
        raise ValueError(f"{round_folder} has candidates 0 to {len(rows) - 1}, and {wrong[0]} is none of them")
    known = {row.get("id") for row in _read(data / "fg.jsonl")} if (data / "fg.jsonl").exists() else set()
    identities = {number: f"{round_folder.resolve().name}/{number:05d}" for number in wanted}
    added = [
        _kept(round_folder, rows[number], identity, data, licence)
        for number, identity in identities.items()
        if identity not in known
    ]
    with (data / "fg.jsonl").open("a", encoding="utf-8") as file:
        file.write(_lines(added))
    return len(added)


def _kept(round_folder: Path, row: Row, identity: str, data: Path, licence: str) -> Row:
    file = f"fg/{identity.replace('/', '-')}.webp"
    (data / "fg").mkdir(parents=True, exist_ok=True)
    picture = Image.open(round_folder / row["file"]).convert("RGBA")
    picture.save(data / file, lossless=True, exact=True)
    alpha = np.asarray(picture)[..., 3]
    return {
        "file": file,
        "caption": row["caption"],
        "style": row["caption"].rpartition(", ")[2],
        "source": row["model"],
        "id": identity,
        "licence": licence,
        "split": "train",
        "coverage": round(float((alpha > 247).mean()), 4),
        "partial": round(float(((alpha > 8) & (alpha < 247)).mean()), 4),
        "native": max(picture.size),
    }


def numbers(text: str) -> Iterator[int]:
    """ "3 7-9" -> 3, 7, 8, 9. Raises ValueError."""
    for part in re.split(r"[\s,]+", text.strip()):
        found = _RANGE.fullmatch(part)
        if found is None:
            raise ValueError(f"{part!r} is neither a number nor a range such as 7-9")
        yield from range(int(found[1]), int(found[2] or found[1]) + 1)


def sheet(rows: list[Row]) -> str:
    """A page that works without a server: a click chooses, and below stands what was chosen."""
    figures = "".join(
        f'<label><input type="checkbox" value="{number}"><img src="{html.escape(row["file"])}" alt="">'
        f"{number} · {html.escape(row['caption'])}</label>"
        for number, row in enumerate(rows)
    )
    return _PAGE.replace("FIGURES", figures)


def _read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _lines(rows: list[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Candidates</title>
<style>
  body { font: 14px sans-serif; margin: 1em 1em 5em }
  label { display: inline-block; width: 160px; margin: 4px; vertical-align: top }
  img { display: block; width: 160px; background: repeating-conic-gradient(#bbb 0 25%, #fff 0 50%) 0 / 16px 16px }
  label:has(:checked) { outline: 3px solid #07c }
  output { position: fixed; inset: auto 0 0; padding: 1em; background: #eee; font-family: monospace }
</style>
FIGURES
<output></output>
<script>
  const show = () => document.querySelector("output").textContent =
    "--chosen \\"" + [...document.querySelectorAll(":checked")].map(box => box.value).join(" ") + "\\"";
  document.addEventListener("change", show);
  show();
</script>
"""
