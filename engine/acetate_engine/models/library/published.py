"""What resources/models.json says of the files that were published."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from acetate_engine.paths import resources_dir

_HALF = 2  # bytes a parameter, as these files were published


@dataclass(frozen=True)
class Published:
    name: str
    repository: str  # of the hub
    serves: str  # for a person
    licence: str = ""
    parameters: int = 0
    sha256: str = ""  # where known

    @property
    def size(self) -> int:
        """Bytes, about; 0 where that is not known."""
        return _HALF * self.parameters


@cache
def published() -> dict[str, Published]:
    """By name."""
    book = json.loads((resources_dir() / "models.json").read_text(encoding="utf-8"))
    rows = {name: row for name, row in book["files"].items() if isinstance(row, dict)}
    return {name: _read(name, row, _served(book, name)) for name, row in rows.items()}


def _read(name: str, row: dict[str, object], serves: str) -> Published:
    known = {key: row[key] for key in ("licence", "parameters", "sha256") if key in row}
    return Published(name, str(row["from"]), serves, **known)  # type: ignore[arg-type]  # a file of our own


def _served(book: dict[str, dict[str, dict[str, object]]], name: str) -> str:
    """“SD 1.5: joint”."""
    for family in book["families"].values():
        layers = family["layers"]
        assert isinstance(layers, dict)
        for role, names in {"encoder": family["encoder"], "decoder": family["decoder"], **layers}.items():
            if isinstance(names, list) and name in names:
                return f"{family['title']}: {role}"
    return ""
