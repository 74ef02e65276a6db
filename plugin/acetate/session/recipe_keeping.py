"""How the layers of this session were made: noted when a job is done, kept with the document when they are in it."""

from __future__ import annotations

from acetate.coroutines import Loop
from acetate.host import Document
from acetate.protocol.requests import Task
from acetate.session.delivery import Placed
from acetate.session.flow import Work
from acetate.session.history import Alternative
from acetate.session.pictures import Pictures
from acetate.session.recipes import Recipe, keep
from acetate.session.work import outcome_of


class RecipeKeeping:
    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._recipes: dict[str, Recipe] = {}  # by job

    async def note(self, work: Work, pictures: Pictures) -> None:
        if work.draft.request.task is not Task.STACK:  # its layers have recipes of their own
            recipe = await self._loop.thread(
                lambda: Recipe.of(work.draft, work.job.request, outcome_of(work), pictures)
            )
            self._recipes[work.job.id] = recipe

    def of(self, result: Alternative) -> Recipe:
        """Of an earlier session only the request is known."""
        return self._recipes.get(result.job, Recipe(result.request)).of_layer(result.layers[-1])

    def keep(self, placed: Placed, document: Document) -> None:
        if not placed.layers:  # it has become something else
            return
        recipe = self.of(placed.result)
        layers = zip(placed.layers, placed.result.layers, strict=True)
        keep(document, {layer: recipe.of_layer(made) for layer, made in layers}, placed.boxes)
