"""What a painter does with the stack builder."""

from __future__ import annotations

from typing import Any

from acetate.protocol.geometry import Bounds
from tests.krita.harness.painter import JOB_LIMIT, Layer, Painter
from tests.krita.harness.waiting import wait_until

_STACK = "next(docker for docker in app.dockers() if docker.objectName() == 'acetate_dock').session.stack"


class Builder:
    """Clicks and types in the window; looks at what its stack is."""

    def __init__(self, painter: Painter) -> None:
        self.painter = painter
        self._hands = painter.hands
        self._krita = painter.krita

    def open(self) -> None:
        self.press("acetate_build_stack")
        wait_until(lambda: self._krita.run("has_widget('acetate_stack_window')"), "the stack builder")

    def close(self) -> None:
        self._krita.run("widget('acetate_stack_window').close() if has_widget('acetate_stack_window') else None")

    def press(self, name: str) -> None:
        self._hands.click(name)

    def describe(self, prompt: str, region: Bounds) -> None:
        """The selected layer, by keyboard and selection."""
        self._hands.type_into("acetate_stack_prompt", prompt)
        self._krita.run("select(x, y, width, height)", **vars(region))
        self.press("acetate_stack_from_selection")
        wait_until(lambda: self._krita.run("text('acetate_stack_region')") == str(region), "the region to be shown")

    def select(self, number: int) -> None:
        """The layer of this number, counted from the lowest."""
        self.press(f"acetate_stack_number_{number}")

    def fill(self, prompts: list[str], regions: list[Bounds]) -> None:
        """As many layers, at once."""
        code = f"""
from acetate.protocol.geometry import Bounds
stack = {_STACK}
for index, (prompt, region) in enumerate(layers):
    if index:
        stack.editor.add()
    stack.editor.change_selected(prompt=prompt, region=Bounds(*region), seed=index + 1)
"""
        layers = [[prompt, list(vars(region).values())] for prompt, region in zip(prompts, regions, strict=True)]
        self._krita.run(code, layers=layers)

    def limit_steps(self, steps: int | None) -> None:
        """Of the jobs that follow, by the field that every request has; the preset's own where None."""
        code = """
from functools import partial
from acetate.session import stack_work
from acetate.protocol.requests import GenerateRequest
stack_work.GenerateRequest = partial(GenerateRequest, steps=steps)
"""
        self._krita.run(code, steps=steps)

    def set_strength(self, percent: int) -> None:
        """Of the selected layer."""
        self._krita.run("widget('acetate_stack_strength').setValue(percent)", percent=percent)

    def entries(self) -> list[dict[str, Any]]:
        """Bottom to top."""
        found: list[dict[str, Any]] = self._krita.run(
            f"from acetate.protocol.codec import to_json\nto_json({_STACK}.editor.stack.value)['entries']"
        )
        return found

    def message(self) -> str:
        """What the window itself says."""
        code = "text('acetate_stack_message') if has_widget('acetate_stack_message') else ''"
        text: str = self._krita.run(code)
        return text

    def wait(self, timeout: float = JOB_LIMIT) -> list[Layer]:
        """The layers of the stack, bottom to top, once the job has ended without an error."""
        self.painter.wait_for_end(timeout)
        message = self.painter.message()
        assert not message or "difference" in message, message
        return self.layers()

    def generate(self, button: str = "acetate_stack_generate", timeout: float = JOB_LIMIT) -> list[Layer]:
        self.press(button)
        wait_until(lambda: self.painter.is_busy() or self.painter.message(), "the job to begin")
        return self.wait(timeout)

    def layers(self) -> list[Layer]:
        return [layer for layer in self.painter.layers() if layer["parent"] == "Stack"]
