"""A group of new layers and of copies of old ones, in the place of the group that it replaces.

Krita's scripts cannot replace a group in a single undo step: a new one takes its place in two, adding and removing.
Copies of layers are Krita's own: their bytes, masks and properties are those of the layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from krita import Node

from acetate.coroutines import Loop
from acetate.host import CopiedLayer, GroupPart, Member, NewLayer
from acetate.krita.geometry import box_of
from acetate.krita.insertion import KritaInsertion
from acetate.krita.nodes import check_unlocked, find_node, node_id
from acetate.krita.waiting import carried_out
from acetate.krita.wrappers import Hold, wrappers
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Extent
from acetate.session.views import Place

if TYPE_CHECKING:
    from acetate.krita.document import KritaDocument


def members_of(document: KritaDocument, group: str) -> dict[str, Member]:
    """Nodes in a group by id, bottom to top, masks included. Empty where the group is gone."""
    with wrappers() as hold:
        node = find_node(hold(document.handle.rootNode()), group, hold) if group else None
        children = [hold(child) for child in node.childNodes()] if node else []
        return {node_id(child): _member(child, hold) for child in children}


def _member(node: Node, hold: Hold) -> Member:
    masks = [hold(child) for child in node.childNodes()]
    return Member(box_of(node), node.visible(), node.type() == "paintlayer" and not masks)


def around_active(document: KritaDocument) -> set[str]:
    """Ids of the active node and of the groups that it is in; empty where none is active."""
    with wrappers() as hold:
        node, found = document.handle.activeNode(), set()
        while node is not None:
            found.add(node_id(hold(node)))
            node = node.parentNode()
        return found


class StackInsertion(KritaInsertion):
    """As Insertion; always a group. `replaces` is the id of the group that goes, empty where there is none."""

    def __init__(self, document: KritaDocument, parts: Sequence[GroupPart], replaces: str) -> None:
        super().__init__(document, [part for part in parts if isinstance(part, NewLayer)])
        self._parts = tuple(parts)
        self._replaces = replaces
        self._opacity = 255

    async def attach(self, loop: Loop, place: Place, group_name: str, expected: Extent | None) -> tuple[str, ...]:
        """One undo step; where a group is replaced, its removal is another one. Raises DocumentError as Insertion."""
        handle = self._document.handle
        with wrappers() as hold:
            self._document.check_open()
            old = find_node(hold(handle.rootNode()), self._replaces, hold) if self._replaces else None
            if old is not None:
                check_unlocked(old, hold, "Unlock it and generate again.")
                group_name, self._opacity = old.name(), old.opacity()
            notes = await super().attach(loop, place, group_name, expected)
            self.has_replaced = old is not None
            if old is not None:
                await carried_out(self._document, loop, old.remove)
        return notes

    def _gathered(self, hold: Hold) -> list[Node]:
        new, root = iter(self._nodes), hold(self._document.handle.rootNode())
        return [next(new) if isinstance(part, NewLayer) else hold(_copy(root, part, hold)) for part in self._parts]

    def _grouped(self, nodes: list[Node], name: str) -> Node:
        group = self._document.handle.createGroupLayer(name)
        group.setChildNodes(nodes)
        group.setOpacity(self._opacity)
        return group


def _copy(root: Node, part: CopiedLayer, hold: Hold) -> Node:
    node = find_node(root, part.id, hold)
    if node is None:
        raise DocumentError("a layer of the stack was deleted meanwhile", "Generate the stack again.")
    copy = node.duplicate()
    copy.setName(node.name())
    if part.is_visible is not None:
        copy.setVisible(part.is_visible)
    return copy
