"""What of the canvas a copy of some of its layers cannot show, for the painter."""

from __future__ import annotations

from collections.abc import Sequence

from krita import Document, Node

from acetate.krita.nodes import node_id, within
from acetate.krita.reading import isolated_node
from acetate.krita.wrappers import Hold, wrappers
from acetate.language import mark
from acetate.session.views import Show, View

ISOLATED = mark("The canvas shows an isolated layer only; the layers were sent as they look without that.")
DISSOLVED = mark("what the canvas shows of layers in Dissolve mode was sent with another grain: Krita throws it anew")
COLOURIZED = mark("what the canvas shows of a colorize mask while its strokes are edited was not sent")


def remarks_on(document: Document, views: Sequence[View]) -> tuple[str, ...]:
    """The whole canvas is sent as it is shown; other views are put together by Krita anew."""
    others = [view for view in views if not view.is_as_shown]
    if not others:
        return ()
    with wrappers() as hold:
        nodes = list(within(hold(document.rootNode()), hold))
        shown = [node for view in others for node in _of(view, nodes, hold) if node.visible()]
        found = {
            ISOLATED: isolated_node(document, hold) is not None,
            DISSOLVED: any(node.blendingMode() == "dissolve" for node in shown),
            COLOURIZED: any(node.type() == "colorizemask" for node in shown),
        }
    return tuple(remark for remark, is_so in found.items() if is_so)


def _of(view: View, nodes: Sequence[Node], hold: Hold) -> list[Node]:
    """Those that a view shows, hidden ones too."""
    ids = [node_id(node) for node in nodes]
    found: list[Node] = []
    for layer in filter(ids.__contains__, view.layers):
        first = ids.index(layer)
        end = first + len(list(within(nodes[first], hold)))
        start = first if view.show in (Show.ONLY, Show.INSIDE, Show.BARE) else 0
        found += nodes[start : first if view.show is Show.BELOW else end]
    return found if view.layers else list(nodes)
