"""Puts layers into the document: at the right place, in exactly one undo step, with exact pixels.

Nodes are made on the GUI thread; their pixels are filled in, while they are in no document yet, from any thread.
`Node.bounds()` of what is inserted is Krita's own: it leaves out border pixels of alpha 0.

To attach is to queue a command, which Krita's own threads carry out behind the strokes that are under way, and to wait
until the whole canvas is merged: 40 to 120 ms, whatever the layer holds. It must not begin on the GUI thread while a
stroke is under way (krita.waiting): Krita would end that, and block its windows by a dialog.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from krita import Document, Krita, Node

from acetate.coroutines import Loop
from acetate.host import NewLayer
from acetate.krita.colour import Converter
from acetate.krita.masks import MASK, new_masks, write_mask
from acetate.krita.nodes import check_unlocked, find_node, node_id
from acetate.krita.waiting import carried_out
from acetate.krita.wrappers import Hold, wrappers
from acetate.language import mark, tr
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds, Extent
from acetate.qt import QtCore, sip
from acetate.session.views import Place

if TYPE_CHECKING:
    from acetate.krita.document import KritaDocument

_TRIM = "resizeimagetolayer"
_ANCHOR_GONE = mark("The layer that was active is gone: the new one is on top.")
_TO_INSERT = mark("To insert it all the same, click the result in the history: it is kept there.")
_HIDDEN = mark("“{name}” is hidden, and so is the new layer in it.")
_BEYOND = mark(
    "“{name}” reaches beyond the canvas: “{trim}” in the Image menu makes that as large, in one more undo step."
)
_LOWEST = mark("Krita's scripts cannot insert below the lowest layer: move the new one under “{name}” yourself.")


class KritaInsertion:
    """Layers on their way into a document: `fill` in any thread, `attach` on the GUI thread."""

    def __init__(self, document: KritaDocument, layers: Sequence[NewLayer]) -> None:
        document.check_open()
        self._document = document
        self._layers = tuple(layers)
        self._nodes = [document.handle.createNode(layer.name, "paintlayer") for layer in layers]
        for node, layer in zip(self._nodes, layers, strict=True):
            node.setInheritAlpha(layer.is_clipped)
        masks = iter(new_masks(tr(MASK), sum(layer.coverage is not None for layer in layers)))
        self._masks = [next(masks) if layer.coverage is not None else None for layer in layers]
        for node, mask in zip(self._nodes, self._masks, strict=True):
            if mask is not None:
                node.setChildNodes([mask])  # no undo step, as adding it would be
        self.ids = tuple(map(node_id, self._nodes))  # of the layers, in their order
        self.top = ""
        self.has_replaced = False
        self._converter = Converter(document)

    def fill(self) -> None:
        """Writes the pixels, in the document's colour space. Any thread."""
        for node, layer in zip(self._nodes, self._layers, strict=True):
            self._converter.write(node, layer.picture, layer.bounds)
        for mask, layer in zip(self._masks, self._layers, strict=True):
            if mask is not None and layer.coverage is not None:
                write_mask(mask, layer.coverage, layer.bounds)

    async def attach(self, loop: Loop, place: Place, group_name: str, expected: Extent | None) -> tuple[str, ...]:
        """One undo step: the layer, or a group of them, at `place`; it becomes the active one, and is shown.

        Where the anchor is gone it goes on top of its group; where that is gone too, on top of everything.
        What was done otherwise than asked is returned, as sentences.
        Raises DocumentError where the document is closed, a group is locked, or the canvas is not `expected` large.
        """
        self._document.check_open()
        _check_extent(self._document, expected)
        handle = self._document.handle
        with wrappers() as hold:
            parent, above, notes = _find(handle, place, hold)
            check_unlocked(parent, hold, "Unlock it and click the result in the history: it is kept there.")
            notes = (*notes, *_unseen(parent, hold), *self._beyond())
            nodes = self._gathered(hold)
            node = self._grouped(nodes, group_name)
            self.top, self.ids = node_id(node), tuple(map(node_id, nodes))
            is_group = node not in nodes
            await carried_out(self._document, loop, lambda: self._add(parent, node, above, is_group=is_group))
        self._document.check_open()  # it may have been closed meanwhile
        # Krita makes a new node active in a later turn of its event loop; only behind that does a choice hold.
        QtCore.QTimer.singleShot(0, lambda: self._activate(node))
        return notes

    def _add(self, parent: Node, node: Node, above: Node | None, *, is_group: bool) -> None:
        """On top where `above` is None. It may be in a thread, which makes no wrapper and ends none.

        Krita shows a layer that is added at once, but of a group nothing (unless it holds one layer only).
        """
        parent.addChildNode(node, above)
        if is_group:
            self._document.handle.refreshProjection()

    def _beyond(self) -> list[str]:
        """Of layers that lie around all of the canvas. Scripts of Krita cannot do more than one thing in an undo step:
        enlarging the canvas, too, would be a second one, which is the painter's to make."""
        canvas = Bounds.of(self._document.current_extent())
        around = [layer.name for layer in self._layers if layer.bounds != canvas and layer.bounds.contains(canvas)]
        return [_BEYOND.format(name=name, trim=_text_of(_TRIM)) for name in around]

    def _gathered(self, hold: Hold) -> list[Node]:
        """What is attached, bottom to top."""
        return self._nodes

    def _grouped(self, nodes: list[Node], name: str) -> Node:
        if len(nodes) == 1:
            return nodes[0]
        group = self._document.handle.createGroupLayer(name)
        group.setChildNodes(nodes)  # on a group that is in no document this is no undo step
        return group

    def _activate(self, node: Node) -> None:
        if self._document.is_open:
            self._document.handle.setActiveNode(node)
        self.discard()
        if not sip.isdeleted(node):
            sip.delete(node)

    def discard(self) -> None:
        """Lets go of the nodes, attached or not."""
        self._converter.close()
        for node in (*self._masks, *self._nodes):
            if node is not None and not sip.isdeleted(node):
                sip.delete(node)


def _text_of(action: str) -> str:
    """As Krita's menu has it, in Krita's language."""
    found = Krita.instance().action(action)
    assert found is not None  # one of Krita's own
    return found.text().replace("&", "")


def _find(document: Document, place: Place, hold: Hold) -> tuple[Node, Node | None, tuple[str, ...]]:
    """The parent to insert into, the node to insert above, and what is otherwise than asked."""
    root = hold(document.rootNode())
    anchor = find_node(root, place.anchor, hold)
    if anchor is None or not (parent := anchor.parentNode()):
        parent = find_node(root, place.parent, hold)
        is_asked = parent is not None and not place.anchor
        return parent or root, None, () if is_asked else (_ANCHOR_GONE,)
    hold(parent)
    if not place.is_below:
        return parent, anchor, ()
    below = _next_below(parent, anchor, hold)
    return (parent, below, ()) if below else (parent, anchor, (_LOWEST.format(name=anchor.name()),))


def _unseen(group: Node, hold: Hold) -> tuple[str, ...]:
    """That it, or a group around it, is hidden."""
    above: Node | None = group
    while above is not None and above.visible():
        above = above.parentNode()
        if above is not None:
            hold(above)
    return (_HIDDEN.format(name=above.name()),) if above is not None else ()


def _next_below(parent: Node, anchor: Node, hold: Hold) -> Node | None:
    siblings = [hold(child) for child in parent.childNodes()]
    index = [node_id(node) for node in siblings].index(node_id(anchor))
    return siblings[index - 1] if index else None


def _check_extent(document: KritaDocument, expected: Extent | None) -> None:
    now = document.current_extent()
    if expected is not None and now != expected:
        raise DocumentError(
            f"the canvas was resized from {expected} to {now} meanwhile",
            _TO_INSERT,
        )
