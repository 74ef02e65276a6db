"""What a painter does with the docker, and what they see of it."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from tests.krita.harness.hands import Hands
from tests.krita.harness.process import KritaProcess
from tests.krita.harness.waiting import PATIENCE, wait_until

Layer = dict[str, Any]
LEFT = 60.0  # seconds that jobs of an earlier test may take
_OFFER = """
button = widget('acetate_message').findChild(QWidget, 'acetate_message_offer')
point = button.mapToGlobal(button.rect().center()); [point.x(), point.y()]
"""
JOB_LIMIT = 180.0  # seconds; a guard, not a promise: the worker runs at nice 10 and may have to import torch


class Painter:
    """Types, clicks and looks; documents are made inside Krita."""

    def __init__(self, krita: KritaProcess) -> None:
        self.krita = krita
        self.hands = Hands(krita)

    def show_docker(self) -> None:
        self.krita.run("fill_screen(); show_dockers({'acetate_dock': 700, 'KisLayerBox': 200})")

    def forget_jobs(self) -> None:
        """What an earlier test has left under way ends first, or what is said of it would come into this one."""
        code = "session = _docker('acetate_dock').session; session.live.is_on.value = False; len(session.jobs)"
        with suppress(TimeoutError):  # one that ends never: this test's own jobs are told apart by their document
            wait_until(lambda: self.krita.run(code) == 0, "the end of earlier jobs", LEFT)

    def forget_settings(self) -> None:
        """What an earlier test has set in the docker, and what that has answered."""
        code = """
session = _docker('acetate_dock').session
session.settings.restore(type(session.settings)().saved())
session.message.value = None
"""
        self.krita.run(code)

    def restart_krita(self) -> None:
        """Another process with the same HOME; the documents are gone."""
        self.krita.restart()
        self.show_docker()

    def new_document(self, width: int, height: int, **options: str) -> None:
        self.krita.run("new_document(width, height, **options)", width=width, height=height, options=options)

    def choose(self, name: str, value: str) -> None:
        """The entry of a combo box whose data is `value`."""
        self.krita.run("choose(name, value)", name=name, value=value)

    def set_up(self, prompt: str, task: Task = Task.FOREGROUND, seed: int = 7) -> None:
        """Everything but the press of the button; the prompt goes through the keyboard."""
        self.choose("acetate_task", task.value)
        if task.needs_prompt:
            self.krita.run("set_seed(seed)", seed=seed)
            self.hands.type_into("acetate_prompt", prompt)

    def press_generate(self) -> None:
        self.hands.click("acetate_generate")

    def generate(self, prompt: str, task: Task = Task.FOREGROUND, seed: int = 7) -> Layer:
        """Types, presses, and waits for the one new layer."""
        self.set_up(prompt, task, seed)
        before = self.layer_ids()
        self.press_generate()
        return self.wait_for_layer(before)

    def activate(self, name: str) -> None:
        """Chooses a layer; Krita does so in a later turn of its event loop, and only once it has listed the layer."""

        def is_active() -> bool:
            self.krita.run("activate(name)", name=name)
            return bool(self.krita.run("active_name() == name", name=name))

        wait_until(is_active, f"{name} to be active")

    def stroke(self) -> None:
        """With the brush in hand, across the middle of the canvas."""
        x, y = self.krita.run("canvas_centre()")
        self.hands.drag((x - 30, y - 20), (x + 30, y + 20))

    def wait_for_layer(self, before: set[str], timeout: float = JOB_LIMIT) -> Layer:
        """The layer that was not there before. Raises AssertionError where the job ends without one.

        A click may reach Krita later than the first question does (in Krita 6 it often did).
        """
        has_begun = False

        def arrived() -> list[Layer]:
            nonlocal has_begun
            is_busy = self.is_busy()  # asked first: the layer may arrive between the two questions
            found, message = self.new_layers(before), self.message()
            has_begun = has_begun or is_busy or bool(message)
            assert found or is_busy or not has_begun, f"the job ended without a layer; the docker says {message!r}"
            return found

        (layer,) = wait_until(arrived, "a new layer", timeout, every=0.1)
        self.wait_for_end()
        return layer

    def wait_for_end(self, timeout: float = JOB_LIMIT) -> None:
        """Until no job is under way. Krita answers the driver while it still adds a layer: what edits or closes
        the document then pulls it from under Krita's own feet.
        """
        wait_until(lambda: not self.is_busy(), "the end of the job", timeout)

    def is_busy(self) -> bool:
        """Whether there is something to cancel."""
        return bool(self.krita.run("widget('acetate_cancel').isEnabled()"))

    def new_layers(self, before: set[str]) -> list[Layer]:
        return [layer for layer in self.layers() if layer["id"] not in before]

    def layers(self) -> list[Layer]:
        found: list[Layer] = self.krita.run("layers()")
        return found

    def layer_ids(self) -> set[str]:
        return {layer["id"] for layer in self.layers()}

    def fingerprint(self) -> dict[str, Any]:
        """Of the active document: all its bytes (tools.fingerprint)."""
        found: dict[str, Any] = self.krita.run("fingerprint()")
        return found

    def undo_steps(self) -> list[str]:
        found: list[str] = self.krita.run("undo_steps()")
        return found

    def undo(self) -> None:
        self.krita.run("trigger('edit_undo')")

    def redo(self) -> None:
        self.krita.run("trigger('edit_redo')")

    def node_pixels(self, layer: Layer, bounds: Bounds) -> bytes:
        """The layer's own bytes within `bounds`, as Krita holds them: BGRA for 8 bit."""
        code = "pixels(id, x, y, width, height)"
        found = self.krita.run(code, id=layer["id"], **asdict(bounds))
        return base64.b64decode(found)

    def shown_pixels(self, layer: Layer, bounds: Bounds) -> NDArray[np.float64]:
        """What Krita shows of them: (h, w, 4) straight sRGB, 0..1."""
        data = base64.b64decode(self.krita.run("in_srgb(id, x, y, width, height)", id=layer["id"], **asdict(bounds)))
        bgra = np.frombuffer(data, np.uint16).reshape(bounds.height, bounds.width, 4)
        return bgra[..., [2, 1, 0, 3]] / 65535

    def message(self) -> str:
        text: str = self.krita.run("text('acetate_message') if has_widget('acetate_message') else ''")
        return text

    def wait_for_message(self, *words: str, timeout: float = PATIENCE) -> str:
        """The docker's message once it contains all the words, in any case."""

        def shown() -> str:
            message = self.message()
            return message if all(word.lower() in message.lower() for word in words) else ""

        try:
            return wait_until(shown, f"a message with {words}", timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the docker says {self.message()!r}") from error

    def take_offer(self) -> None:
        """The button beside the docker's message; the window of the engine has one of that name, too."""
        self.hands.click_at(*self.krita.run(_OFFER))
