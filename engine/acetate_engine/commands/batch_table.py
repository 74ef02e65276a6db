"""Many jobs from a table: every combination of what its cells list, each one file; names tell what is there already."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acetate.protocol.errors import FileError, InvalidRequest
from acetate.protocol.pictures import Subject
from acetate.protocol.requests import Style
from acetate_engine.commands.options import parse_region, parse_size

FILES = ("background", "foreground", "mask")
MAX_JOBS = 10_000
_SEVERAL = "|"
_RANGE = re.compile(r"(\d+)-(\d+)")


def _styles(text: str) -> tuple[Style, ...]:
    parts = [part.strip().rpartition(":") for part in text.split("+")]
    return tuple(Style(name or weight, float(weight) if name else 1.0) for name, _, weight in parts)


_READ: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("task", "prompt", "negative_prompt", "background_prompt", "foreground_prompt"), str),
    **dict.fromkeys(("model", "preset", "scheduler"), str),
    **dict.fromkeys(("seed", "steps", "factor"), int),
    **dict.fromkeys(("guidance_scale", "strength"), float),
    **dict.fromkeys(FILES, Path),
    "size": parse_size,
    "region": parse_region,
    "style": _styles,
    "subjects": lambda text: Subject(most=int(text)),
}
COLUMNS = tuple(_READ)
_CALLED = {"style": "styles", "subjects": "subject"}  # otherwise than the field that Engine.generate takes


@dataclass(frozen=True)
class BatchJob:
    """One combination: its cells as they stand, and the row that they come from."""

    line: int  # of the table
    cells: tuple[tuple[str, str], ...]

    @property
    def fields(self) -> dict[str, Any]:
        """What Engine.generate takes. Raises FileError where a cell cannot be read."""
        read: dict[str, Any] = {"seed": 0}
        for name, text in self.cells:
            try:
                read[_CALLED.get(name, name)] = _READ[name](text)
            except (ValueError, InvalidRequest) as error:
                raise FileError(f"line {self.line}: {text!r} is no {name}", "Correct the cell.") from error
        return read

    def stem(self, files: Callable[[Path], str]) -> str:
        """The name of what comes of it, without suffix; another where any cell or file is another.

        `files`: a digest of a file. Raises FileError where one cannot be read.
        """
        told = [(name, files(Path(text)) if name in FILES else text) for name, text in self.cells]
        key = hashlib.sha256(json.dumps(sorted(told)).encode()).hexdigest()[:8]
        cells = dict(self.cells)
        words = cells.get("prompt") or " ".join(Path(cells[name]).stem for name in FILES if name in cells)
        slug = re.sub(r"\W+", "-", words.lower()).strip("-")[:40] or "layer"
        return f"{slug}-{cells.get('seed', '0')}-{key}"


def read_jobs(table: Path) -> list[BatchJob]:
    """In their order, each once; files are found beside the table. Raises FileError."""
    jobs = dict.fromkeys(itertools.islice(_jobs(table), MAX_JOBS + 1))
    if len(jobs) > MAX_JOBS:
        raise FileError(f"{table.name} makes more than {MAX_JOBS} jobs", "Split it.")
    if not jobs:
        raise FileError(f"{table.name} has no job", f"Write a line of names ({', '.join(COLUMNS)}) and one for each.")
    return list({job.cells: job for job in jobs}.values())


def _jobs(table: Path) -> Iterator[BatchJob]:
    for line, row in _rows(table):
        cells = {name: list(_listed(name, text, table.parent)) for name, text in row.items() if text}
        for name in FILES:
            if name in cells and not cells[name]:
                raise FileError(
                    f"line {line}: there is no {row[name]}", "Correct the path: it is looked for beside the table."
                )
        for values in itertools.product(*cells.values()) if cells else ():
            yield BatchJob(line, tuple(zip(cells, values, strict=True)))


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{table.name} cannot be read: {error}", "Save it as CSV in UTF-8.") from error
    head = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=";" if head.count(";") > head.count(",") else ",")
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    if unknown := [name for name in names if name not in _READ]:
        raise FileError(f"{table.name} has the column {unknown[0]!r}", f"Known are {', '.join(COLUMNS)}.")
    for row in reader:
        if None in row:
            raise FileError(f"line {reader.line_num}: there are more cells than names", "Put quotes around commas.")
        yield reader.line_num, {name: (value or "").strip() for name, value in row.items()}


def _listed(name: str, text: str, folder: Path) -> Iterator[str]:
    """What a cell lists: `a | b`, seeds also as `1-4`, files also with `*`."""
    for part in filter(None, map(str.strip, text.split(_SEVERAL))):
        span = _RANGE.fullmatch(part) if name == "seed" else None
        if span:
            yield from map(str, range(int(span[1]), min(int(span[2]), int(span[1]) + MAX_JOBS) + 1))
        elif name in FILES:
            yield from map(str, sorted(folder.glob(part)) if "*" in part else [folder / part])
        else:
            yield part
