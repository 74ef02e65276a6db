"""Puts another version in the place of a layer: the old one is gone, and one undo step brings it back.

Krita's scripts can write into a layer, but not so that it can be undone. Its action “Convert to a Paint Layer”
can be undone: it takes the layer out and puts a copy in, a new layer that no undo step knows yet. What is written
into that copy stays with it, through undo, redo, and strokes painted later (measured on Krita 5.1: byte for byte).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from krita import Krita

from acetate.coroutines import Loop
from acetate.host import NewLayer
from acetate.krita.colour import Converter
from acetate.krita.nodes import check_unlocked, find_node, node_id
from acetate.krita.waiting import carried_out
from acetate.krita.wrappers import wrappers
from acetate.picture import Picture, row_strips
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.qt import QtWidgets, sip

if TYPE_CHECKING:
    from acetate.krita.document import KritaDocument

_CONVERT = "convert_to_paint_layer"
_SHAPED = re.compile(rb"[^\0]+")  # a run of pixels that the mask covers
Write = Callable[[], None]
T = TypeVar("T")
_LOOKS, _PAUSE = 300, 0.02  # how often Krita is asked whether it has followed, and seconds between


class KritaReplacement:
    """`fill` in any thread; then `attach` on the GUI thread, in turns of its event loop."""

    def __init__(self, document: KritaDocument, layer: str, new: NewLayer, mask: Picture | None) -> None:
        """`mask` (A8, as large as `new`): outside of it the old pixels stay, byte for byte; everywhere where None."""
        document.check_open()
        document.check_has((layer,))
        self._document = document
        self._layer = layer
        self._new = new
        self._mask = mask
        self._node = document.handle.createNode(new.name, "paintlayer")
        self._converter = Converter(document)
        self._others: set[str] = set()  # nodes before the conversion

    def fill(self) -> None:
        """Converts the pixels to the document's colour space. Any thread."""
        self._converter.write(self._node, self._new.picture, self._new.bounds)

    async def attach(self, loop: Loop) -> str:
        """One undo step; the id of the copy that has taken the place. Raises DocumentError."""
        await _until(self._is_active, loop)
        self._convert()
        copy = await _until(self._is_converted, loop)
        _Watch(self._document, copy, loop)
        for write in self._writes(copy):
            self._document.check_open()
            write()
            await loop.turn()
        await carried_out(self._document, loop, self._document.handle.refreshProjection)  # shows what was written
        return copy

    def _is_active(self) -> bool:
        """Asks Krita to make the layer the active one, which takes a turn or more; True once it is."""
        self._document.check_open()
        handle = self._document.handle
        with wrappers() as hold:
            active = handle.activeNode()
            if active is not None and node_id(hold(active)) == self._layer:
                return True
            node = find_node(hold(handle.rootNode()), self._layer, hold)
            if node is None:
                raise DocumentError(
                    "the layer to replace is gone", "Click the result in the history: it is kept there."
                )
            check_unlocked(node, hold, "Unlock it and click the result in the history: it is kept there.")
            handle.setActiveNode(node)
        return False

    def _convert(self) -> None:
        """Until its menu has been open, Krita has the action disabled: Qt 5 carries it out all the same, Qt 6 not."""
        self._others = self._document.node_ids()
        action = _action(_CONVERT)
        was_enabled = action.isEnabled()
        action.setEnabled(True)
        action.trigger()
        action.setEnabled(was_enabled)

    def _is_converted(self) -> str | None:
        """The id of the copy, once it has taken the place of the layer and is active."""
        self._document.check_open()
        with wrappers() as hold:
            root, active = hold(self._document.handle.rootNode()), self._document.handle.activeNode()
            if active is None or find_node(root, self._layer, hold):
                return None
            copy = node_id(hold(active))
            # for a moment the layer that is gone, or one beside it, is active still
            return copy if copy not in self._others and find_node(root, copy, hold) else None

    def _writes(self, copy: str) -> Iterator[Write]:
        """Calls that each write some rows into the copy. Between them Krita may do other things."""
        for strip in row_strips(self._new.bounds, 16):
            yield lambda strip=strip: self._write(copy, strip)  # type: ignore[misc]
        yield lambda: self._name(copy)

    def _write(self, copy: str, strip: Bounds) -> None:
        area = (strip.x, strip.y, strip.width, strip.height)
        with wrappers() as hold:
            node = find_node(hold(self._document.handle.rootNode()), copy, hold)
            if node is None:
                raise DocumentError("the layer was taken away while it was written", "Undo, and generate again.")
            new = bytes(self._node.pixelData(*area))
            data = new if self._mask is None else self._shaped(bytes(node.pixelData(*area)), new, strip)
            node.setPixelData(data, *area)

    def _shaped(self, old: bytes, new: bytes, strip: Bounds) -> bytes:
        """`new` where the mask covers anything, `old` elsewhere."""
        assert self._mask is not None
        (coverage,) = self._mask.cropped(strip.relative_to(self._new.bounds)).strips
        pixel, mixed = len(new) // len(coverage), bytearray(old)
        for run in _SHAPED.finditer(coverage):
            part = slice(run.start() * pixel, run.end() * pixel)
            mixed[part] = new[part]
        return bytes(mixed)

    def _name(self, copy: str) -> None:
        with wrappers() as hold:
            node = find_node(hold(self._document.handle.rootNode()), copy, hold)
            if node is not None:
                node.setName(self._new.name)

    def discard(self) -> None:
        self._converter.close()
        if not sip.isdeleted(self._node):
            sip.delete(self._node)


async def _until(look: Callable[[], T | None], loop: Loop) -> T:
    """What `look` gives, once that is true: Krita follows in later turns of its event loop."""
    for _ in range(_LOOKS):
        if found := look():
            return found
        await loop.sleep(_PAUSE)
    raise DocumentError("Krita did not replace the layer", "Click the result in the history: it is kept there.")


class _Watch:
    """After an undo or redo that brings or takes the copy, lets Krita merge its canvas anew.

    Undoing a conversion, Krita takes the canvas to be as it was, which it is not. Listens as long as the document is
    open.
    """

    def __init__(self, document: KritaDocument, copy: str, loop: Loop) -> None:
        self._document = document
        self._copy = copy
        self._loop = loop
        self._is_there = True
        self._steps = 0  # undone or redone since the last comparison
        self._heard = [_action(name).triggered for name in ("edit_undo", "edit_redo")]
        self._slot = lambda: self._look()  # a bound method would not keep this alive
        for signal in self._heard:
            signal.connect(self._slot)

    def _look(self) -> None:
        """Nodes are looked at once the undo is done."""
        if self._document.is_open:
            self._steps += 1
            self._loop.run(self._follow())
        else:
            for signal in self._heard:
                signal.disconnect(self._slot)

    async def _follow(self) -> None:
        handle = self._document.handle
        await self._loop.turn()  # Krita's own part of it may come behind ours
        await carried_out(self._document, self._loop, handle.waitForDone)
        if not self._document.is_open:
            return
        with wrappers() as hold:
            is_there = find_node(hold(handle.rootNode()), self._copy, hold) is not None
        is_unsure = self._steps > 1  # who is quick brings the copy and takes it again in between
        is_other = is_there != self._is_there
        self._is_there, self._steps = is_there, 0
        if is_other or is_unsure:
            await carried_out(self._document, self._loop, handle.refreshProjection)


def _action(name: str) -> QtWidgets.QAction:
    action = Krita.instance().action(name)
    assert action is not None  # every Krita has it
    return action
