"""Layers of the document as a painter sees them, flattened, in straight sRGB; the document stays untouched.

A clone is made, all that is not wanted is hidden in it, and Krita itself merges the rest: so opacity, blending
modes, masks, clipping and styles count exactly as on the canvas. Cloning shares the tiles and takes about 10 ms;
merging and reading, the long part, may happen in any thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from krita import Document, Krita, Node

from acetate.krita.colour import to_srgb16
from acetate.krita.colour_space import KritaColourSpace
from acetate.krita.nodes import find_node, ids_of, is_mask, node_id
from acetate.krita.wrappers import Hold, beside_the_gui_thread, wrappers
from acetate.picture import Picture, row_strips, swap_red_blue
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.qt import QtCore, QtGui, sip
from acetate.session.views import Show, View

if TYPE_CHECKING:
    from acetate.krita.document import KritaDocument


class KritaSnapshot:
    """What a view shows at the moment of making it. Make and close it on the GUI thread; read it in any thread."""

    def __init__(self, document: KritaDocument, view: View) -> None:
        """Raises DocumentError where a layer of `view` is gone, or a clone of an isolated one is in the way."""
        document.check_has(view.layers)
        self._space = document.colour_space
        self._is_as_shown = view.is_as_shown
        self._clone = document.handle.clone()
        self._clone.setBatchmode(True)
        try:
            self._show(document, view)
        except DocumentError:
            self.close()
            raise

    def _show(self, document: KritaDocument, view: View) -> None:
        """Nothing but `view`."""
        with wrappers() as hold:
            root = hold(self._clone.rootNode())
            # what the whole canvas shows is the isolated layer; other views are of the layers as they are
            if view.show is not Show.EVERYTHING and (isolated := isolated_node(document.handle, hold)):
                view = _freed(root, isolated, view, hold)
                self._clone.waitForDone()
                # Krita ends the mode by a signal to itself; what is read before that is the isolated layer
                QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.MetaCall)
                self._clone.waitForDone()
            _arrange(root, view, hold)

    def read(self, bounds: Bounds) -> Picture:
        """In the format that the colour space of the document asks for. Any thread. `bounds` lies on the canvas."""
        if not self._is_as_shown:  # a clone has what the canvas shows: grain that Krita throws anew, outlines of masks
            self._clone.refreshProjection()
        self._clone.waitForDone()  # closing a document whose image still works makes Krita crash, later
        if self._space.wire_format is PixelFormat.RGBA8:
            return Picture(bounds.extent, PixelFormat.RGBA8, tuple(_shallow_strips(self._clone, bounds)))
        strips = beside_the_gui_thread(lambda: tuple(_deep_strips(self._clone, self._space, bounds)))
        return Picture(bounds.extent, PixelFormat.RGBA16, strips)

    def close(self) -> None:
        self._clone.close()
        sip.delete(self._clone)


def isolated_node(handle: Document, hold: Hold) -> str | None:
    """The id of the one layer or group that the canvas shows; None where it shows all of them."""
    if Krita.instance().activeDocument() != handle or (node := handle.activeNode()) is None:
        return None
    hold(node)
    if _is_on("isolate_active_group") and (parent := node.parentNode()) and hold(parent).parentNode() is not None:
        return node_id(parent)
    return node_id(node) if _is_on("isolate_active_layer") else None


def _is_on(name: str) -> bool:
    action = Krita.instance().action(name)
    return action is not None and action.isChecked()


def _freed(root: Node, isolated: str, view: View, hold: Hold) -> View:
    """Ends isolate mode in a clone: Krita does so where the isolated node goes. A copy takes its place.

    Gives `view` with the new ids. Raises DocumentError where a layer is a clone of it: Krita would make that a layer
    of its own, which shows something else.
    """
    node = find_node(root, isolated, hold)
    if node is None or (parent := node.parentNode()) is None:
        return view
    before = {*ids_of(root, hold)} - {*ids_of(node, hold)}
    copy = hold(node.duplicate())
    hold(parent).addChildNode(copy, node)
    ids = dict(zip(ids_of(node, hold), ids_of(copy, hold), strict=True))
    node.remove()
    if not before <= {*ids_of(root, hold)}:
        raise DocumentError("a layer is a clone of what the canvas shows isolated", "End the isolation first.")
    return _renamed(view, ids)


def _renamed(view: View, ids: dict[str, str]) -> View:
    layers, hidden = ([ids.get(layer, layer) for layer in named] for named in (view.layers, view.hidden))
    return View(view.show, tuple(layers), tuple(hidden))


def _shallow_strips(clone: Document, bounds: Bounds) -> Iterator[bytes]:
    for strip in row_strips(bounds, PixelFormat.RGBA8.bytes_per_pixel):
        image = clone.projection(strip.x, strip.y, strip.width, strip.height)
        yield swap_red_blue(_bytes_of(image, strip))


def _deep_strips(clone: Document, space: KritaColourSpace, bounds: Bounds) -> Iterator[bytes]:
    """`projection` has 8 bits only: Krita converts a node that holds the merged pixels."""
    node = clone.createNode("", "paintlayer")
    strips = [(strip.x, strip.y, strip.width, strip.height) for strip in row_strips(bounds, 8)]
    for area in strips:
        node.setPixelData(clone.pixelData(*area), *area)
    to_srgb16(node, space)
    for area in strips:
        yield swap_red_blue(bytes(node.pixelData(*area)), 2)
    sip.delete(node)
    clone.waitForDone()


def _bytes_of(image: QtGui.QImage, strip: Bounds) -> bytes:
    """ARGB32 is BGRA in memory, and four bytes a pixel leave no padding behind a row."""
    if (image.width(), image.height()) != (strip.width, strip.height):
        raise RuntimeError(f"Krita gave {image.width()}×{image.height()} for {strip}")
    return image.constBits().asstring(image.sizeInBytes())


def _arrange(root: Node, view: View, hold: Hold) -> None:
    """Hides what `view` does not show."""
    if view.show in (Show.BELOW, Show.UP_TO):
        _hide_from(root, view, hold)
    elif view.show is not Show.EVERYTHING:
        _show_only(root, view, hold)
    for layer in view.hidden:
        if (node := find_node(root, layer, hold)) is not None:
            node.setVisible(False)


def _hide_from(parent: Node, view: View, hold: Hold) -> bool:
    """Hides the layer, unless it is to be kept, and all above it; True where it was found below `parent`."""
    children = [hold(child) for child in parent.childNodes()]  # bottom to top
    for index, child in enumerate(children):
        is_it = node_id(child) in view.layers
        if is_it or _hide_from(child, view, hold):
            _hide(children[index if is_it and view.show is Show.BELOW else index + 1 :])
            return True
    return False


def _hide(nodes: list[Node]) -> None:
    for node in nodes:
        if not is_mask(node):  # a mask of the group goes on shaping what lies below
            node.setVisible(False)


def _show_only(parent: Node, view: View, hold: Hold) -> None:
    """Hides all but the layers and the groups around them; a hidden group stays whole: a layer may be a clone of it."""
    found = False
    for child in [hold(child) for child in parent.childNodes()]:  # bottom to top
        if node_id(child) in view.layers:
            _keep(child, is_clipped=found and child.inheritAlpha())
            if view.show is Show.BARE:
                child.setOpacity(255)
            found = True
        elif not set(view.layers).isdisjoint(ids_of(child, hold)):
            _show_only(child, view, hold)
            _keep(child, is_clipped=found and child.inheritAlpha())
            if view.show is not Show.ONLY:
                _make_plain(child, hold)
            found = True
        elif not is_mask(child):
            child.setVisible(False)


def _keep(node: Node, is_clipped: bool) -> None:
    node.setVisible(True)
    node.setInheritAlpha(is_clipped)  # where nothing is left below, nothing can clip it


def _make_plain(group: Node, hold: Hold) -> None:
    """A group that shows what is in it as it is."""
    group.setOpacity(255)
    group.setBlendingMode("normal")
    for mask in filter(is_mask, [hold(child) for child in group.childNodes()]):
        mask.setVisible(False)
