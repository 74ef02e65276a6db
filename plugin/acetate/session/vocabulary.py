"""What the chosen model can be told by name, and what of the prompt it was not taught."""

from __future__ import annotations

from collections.abc import Callable

from acetate.client import api
from acetate.coroutines import Loop
from acetate.protocol.connection import Connection
from acetate.protocol.events import ModelInfo
from acetate.protocol.words import Untaught, Vocabulary
from acetate.session.engine_link import EngineLink, EngineState
from acetate.session.observable import Observable

_PAUSE = 0.4  # seconds without a key before the engine is asked


class PromptWords:
    """Asks the engine where it runs; an error would only disturb while somebody types."""

    def __init__(
        self, loop: Loop, engine: EngineLink, model: Observable[ModelInfo | None], prompt: Observable[str]
    ) -> None:
        self.vocabulary = Observable(Vocabulary())
        self.untaught = Observable(Untaught())
        self._loop = loop
        self._engine = engine
        self._model = model
        self._prompt = prompt
        self._asked = 0  # the newest question is the one that counts
        model.changed.connect(lambda _: self.learn())
        engine.state.changed.connect(lambda _: self.learn())
        prompt.changed.connect(lambda _: self._look())

    def learn(self) -> None:
        """Anew: wildcard files may have come or gone."""
        self._loop.run(self._learn())

    def _look(self) -> None:
        self._loop.run(self._judge())

    async def _learn(self) -> None:
        model = self._model.value
        if model is None or self._engine.state.value is not EngineState.READY:
            return
        found = await self._engine.call(lambda connection: api.words(connection, model.name))
        if self._model.value == model:
            self.vocabulary.value = found
        await self._judge()

    async def _judge(self) -> None:
        self._asked += 1
        asked = self._asked
        self.untaught.value = Untaught()  # of what was typed before
        if not self._prompt.value.strip() or not self.vocabulary.value.things:
            return
        await self._loop.sleep(_PAUSE)
        model, prompt = self._model.value, self._prompt.value
        if asked != self._asked or model is None or self._engine.state.value is not EngineState.READY:
            return
        found = await self._engine.call(_question(model.name, prompt))
        if asked == self._asked:
            self.untaught.value = found


def _question(model: str, prompt: str) -> Callable[[Connection], Untaught]:
    return lambda connection: api.untaught(connection, model, prompt)
