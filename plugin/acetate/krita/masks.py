"""Transparency masks that can be written: what `createNode` makes takes no pixels, and the action that makes one that
does is an undo step of its own (measured, Krita 5.1). So one is copied out of a document that Krita saved, which lies
beside this file; a copy takes pixels.
"""

from __future__ import annotations

from pathlib import Path

from krita import Krita, Node

from acetate.krita.wrappers import wrappers
from acetate.language import mark
from acetate.picture import Picture
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.qt import sip

_TEMPLATE = Path(__file__).with_name("mask.kra")  # one layer with one mask
MASK = mark("Transparency")


def new_masks(name: str, count: int) -> list[Node]:
    """In no document, and everything shows through them. On the GUI thread, which opening a document holds, once."""
    if not count:
        return []
    template = Krita.instance().openDocument(str(_TEMPLATE))
    if template is None:
        raise DocumentError("Krita does not open what masks are made from", "Import the plugin's zip again.")
    template.setBatchmode(True)
    try:
        with wrappers() as hold:
            (layer,) = [hold(node) for node in hold(template.rootNode()).childNodes()]
            (mask,) = [hold(node) for node in layer.childNodes()]
            copies = [mask.duplicate() for _ in range(count)]
    finally:
        template.waitForDone()  # closing a document whose image still works makes Krita crash, later
        template.close()
        sip.delete(template)
    for copy in copies:
        copy.setName(name)
    return copies


def write_mask(mask: Node, coverage: Picture, bounds: Bounds) -> None:
    """`coverage` is A8. Any thread."""
    for strip, data in coverage.rows(bounds):
        mask.setPixelData(data, strip.x, strip.y, strip.width, strip.height)
