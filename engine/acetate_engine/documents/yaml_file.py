"""YAML files that people write: plans and configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acetate.protocol.errors import FileError
from acetate_engine.documents.formats import printable
from acetate_engine.documents.raster import contents

_LARGEST = 16 << 20  # bytes


def read_yaml(path: Path) -> Any:
    """What is in it, of YAML's plain types. Raises FileError."""
    import yaml  # not at once: who reads none need not wait for it

    data = contents(path, _LARGEST)
    try:
        return yaml.safe_load(data.decode("utf-8-sig"))
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        reason = printable(" ".join(str(error).split())[:200])
        raise FileError(f"{printable(path.name)} is no YAML: {reason}", "Correct it, or name another file.") from error
