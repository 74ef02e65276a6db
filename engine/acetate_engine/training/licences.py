"""Resolves the licence that a picture's row states to an SPDX name; what does not resolve is not trained on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Licences:
    """`statements`: licence text -> SPDX name; `photos`: photograph -> SPDX name, where rows give alternatives."""

    statements: dict[str, str]
    photos: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Licences:
        table = json.loads(path.read_text(encoding="utf-8"))
        return cls(table["statements"], table["photos"])

    def spdx(self, row: dict[str, Any]) -> str | None:
        """The SPDX name, or None where the source leaves the licence open; a row may state a known SPDX name itself."""
        stated: str = row["licence"]
        if stated in self.statements.values() or stated in self.photos.values():
            return stated
        return self.photos.get(row.get("photo", "")) or self.statements.get(stated)
