"""Which models there are, read from `resources/models`, without loading any."""

from __future__ import annotations

import json

from acetate.protocol.codec import from_json
from acetate.protocol.errors import CheckpointError, MalformedMessage
from acetate.protocol.events import ModelInfo
from acetate_engine.paths import resources_dir

INFO_FILE = "acetate_model.json"


def models() -> tuple[ModelInfo, ...]:
    """Those that come with the engine: every folder with an `acetate_model.json`. Raises CheckpointError."""
    files = sorted(resources_dir().glob(f"models/*/{INFO_FILE}"))
    try:
        return tuple(from_json(ModelInfo, json.loads(file.read_text(encoding="utf-8"))) for file in files)
    except (ValueError, MalformedMessage) as error:
        raise CheckpointError(f"a model's {INFO_FILE} cannot be read: {error}", "Install Acetate again.") from error
