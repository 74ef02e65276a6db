"""Krita's nodes: layers, groups and masks."""

from __future__ import annotations

from collections.abc import Iterator

from krita import Document, Node, VectorLayer

from acetate.host import LayerInfo
from acetate.krita.wrappers import Hold
from acetate.protocol.errors import DocumentError
from acetate.session.views import Place


def active_layer(document: Document, hold: Hold) -> Node:
    """The active layer or group; the layer that it masks where a mask is active."""
    node = document.activeNode()
    if node is None:
        raise DocumentError("no layer is active", "Choose a layer in the Layers docker.")
    hold(node)
    while is_mask(node) and (parent := node.parentNode()):
        hold(parent)
        if parent.parentNode() is None:  # it masks the whole document
            return _topmost(parent, hold)
        node = parent
    return node


def _topmost(root: Node, hold: Hold) -> Node:
    layers = [child for child in map(hold, root.childNodes()) if is_layer(child)]
    if not layers:
        raise DocumentError("there is no layer", "Add one in the Layers docker.")
    return layers[-1]


def check_unlocked(node: Node, hold: Hold, remedy: str) -> None:
    """Raises DocumentError where it, or a group around it, is locked."""
    above: Node | None = node
    while above is not None:
        if above.locked():
            raise DocumentError(f"“{above.name()}” is locked", remedy)
        above = above.parentNode()
        if above is not None:
            hold(above)


def place_of(node: Node, hold: Hold) -> Place:
    """Above it. Raises DocumentError where that is no layer."""
    parent = node.parentNode()
    if parent is None:
        raise DocumentError("no layer is active", "Choose a layer in the Layers docker.")
    return Place(node_id(node), node_id(hold(parent)))


def find_node(root: Node, identifier: str, hold: Hold) -> Node | None:
    """`root`, or the node within it, that has this id; None where it is gone."""
    if node_id(root) == identifier:
        return root
    children = [hold(child) for child in root.childNodes()]
    found = (find_node(child, identifier, hold) for child in children)
    return next((node for node in found if node is not None), None)


def node_id(node: Node) -> str:
    return node.uniqueId().toString()


def is_mask(node: Node) -> bool:
    return node.type().endswith("mask")


def is_layer(node: Node) -> bool:
    """Whether the painter has it in their list of layers, and it is no mask there."""
    return not is_mask(node) and not _holds_references(node)


def _holds_references(node: Node) -> bool:
    """Reference images are shapes in a node of their own, which Krita's list does not show; they have no type."""
    if not isinstance(node, VectorLayer):
        return False
    shapes = node.shapes()
    return bool(shapes) and not any(shape.type() for shape in shapes)


def ids_of(node: Node, hold: Hold) -> Iterator[str]:
    """Of it and all within, masks included."""
    return map(node_id, within(node, hold))


def within(node: Node, hold: Hold) -> Iterator[Node]:
    """It and all within, masks included: bottom to top, groups before what is in them."""
    yield node
    for child in [hold(child) for child in node.childNodes()]:
        yield from within(child, hold)


def layers_in(parent: Node, hold: Hold, depth: int) -> Iterator[LayerInfo]:
    """Without masks, top to bottom."""
    for node in reversed([hold(child) for child in parent.childNodes()]):
        if is_layer(node):
            yield LayerInfo(node_id(node), node.name(), depth)
            yield from layers_in(node, hold, depth + 1)
