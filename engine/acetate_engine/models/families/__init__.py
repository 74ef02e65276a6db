"""Model families. Each is one module with `models()`; a new one is added to FAMILIES.

Nothing here imports torch: the API process lists models.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING

from acetate.protocol.codec import is_text
from acetate.protocol.errors import CheckpointError, UnknownModel, UnsupportedTask
from acetate.protocol.events import ModelInfo
from acetate.protocol.labels import label_of
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.models.families import mini, qwen_layered, sd15, sdxl
from acetate_engine.models.families.add_ons import require_add_ons
from acetate_engine.models.families.base import Model, WorkingSize
from acetate_engine.models.families.released import refusal
from acetate_engine.prompts.taught import Taught

if TYPE_CHECKING:
    from acetate_engine.models.families.components import Components

log = logging.getLogger("models")

FAMILIES = (mini, sd15, sdxl, qwen_layered)


def find_models() -> list[Model]:
    """Every model of every family, installed or not; what goes wrong with one hides no other."""
    return list(_models())


def _models() -> Iterator[Model]:
    """Each family is looked for when it is its turn."""
    return (_speakable(model) for family in FAMILIES for model in _models_of(family))


def _models_of(family: ModuleType) -> list[Model]:
    try:
        found: list[Model] = family.models()
    except Exception as error:  # files of any kind may lie there
        log.exception("a family cannot be listed")
        name = family.__name__.rpartition(".")[2]
        return [_unusable(name, f"it cannot be listed, because {type(error).__name__}: {str(error)[:200]}")]
    return found


def _unusable(name: str, reason: str) -> Model:
    def refuse() -> Components:
        raise CheckpointError(reason, "Look at its files with `acetate models`.")

    info = ModelInfo(name, name, name, (), 0, installed=False, reason=reason)
    return Model(info, WorkingSize(1, 1, 1.0), (), refuse)


def _speakable(model: Model) -> Model:
    """A file's name may be no text, and no message can carry it: such an add-on is left out, such a model refused."""
    info = model.info
    if not is_text(info.name):
        shown = info.name.encode("utf-8", "backslashreplace").decode()
        return _unusable(shown, f"the name of its file is no text: rename {shown}")
    told = (tuple(filter(is_text, names)) for names in (info.styles, info.image_prompts, info.embeddings))
    styles, looks, embeddings = told
    return replace(model, info=replace(info, styles=styles, image_prompts=looks, embeddings=embeddings))


def describe_models() -> list[ModelInfo]:
    """What GET /v1/models answers."""
    return [model.info for model in find_models()]


def taught_by(name: str) -> Taught:
    """What that model knows by name; nothing of one that knows more than can be told, or is not there."""
    return next((model.taught() for model in _models() if model.info.name == name), Taught())


def find_model(name: str, task: Task) -> Model:
    """The installed model of that name, which can do the task.

    Raises:
        UnknownModel: there is no such model, or its files are not there.
        UnsupportedTask: it cannot do that.
    """
    found = next((model for model in _models() if model.info.name == name), None)  # of equal names, the embedded one
    if found is None:
        if refused := refusal(name):
            raise UnknownModel(*refused)
        known = ", ".join(sorted({info.name for info in describe_models() if info.installed}))
        raise UnknownModel(f"there is no model {name[:80]!r}", f"Choose one of these: {known or 'none is installed'}.")
    info = found.info
    if not info.installed:
        raise UnknownModel(f"{info.title} is not installed: {info.reason}", "Put its files there, or choose another.")
    if task not in info.tasks:
        able = ", ".join(sorted(other.title for other in describe_models() if other.installed and task in other.tasks))
        remedy = (
            f"Choose a model that can: {able}." if able else "Install a model that can; `acetate models` lists them."
        )
        raise UnsupportedTask(f"{info.title} cannot do “{label_of(task)}”", remedy)
    return found


def model_for(request: GenerateRequest) -> Model:
    """The model that a request names; it can do all that is asked, but for hints. Raises as find_model."""
    model = find_model(request.model, request.task)
    require_add_ons(model.info, request)
    return model
