"""The painter's document: its size, colour space and layers; and whether it still is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from krita import Document, Krita, Node

from acetate.host import LayerInfo
from acetate.krita.geometry import box_of
from acetate.krita.wrappers import Hold, wrappers
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.session.views import Place

SRGB = "sRGB-elle-V2-srgbtrc.icc"  # the profile that `Document.projection` converts to


# Up to 255/255 apart, in tests/krita/test_canvas_colours.py
_UNSHOWN = {"LABA": "L*a*b*", "XYZA": "XYZ", "YCbCrA": "YCbCr"}


@dataclass(frozen=True)
class KritaColourSpace:
    model: str  # RGBA, GRAYA, CMYKA, ...
    depth: str  # U8, U16, F16, F32
    profile: str

    @property
    def is_srgb8(self) -> bool:
        """Whether pixels are those of the wire, but for the order of the channels."""
        return self == KritaColourSpace("RGBA", "U8", SRGB)

    @property
    def wire_format(self) -> PixelFormat:
        """What its pixels travel as: 8 bits where these are sRGB's own, else 16, which keep the finer steps."""
        is_shallow = self.depth == "U8" and self.model == "RGBA" and self.profile in (SRGB, "sRGB built-in")
        return PixelFormat.RGBA8 if is_shallow else PixelFormat.RGBA16


class OpenDocument:
    """A document that was open when this was made."""

    def __init__(self, handle: Document) -> None:
        self.handle = handle
        self.extent = self.current_extent()

    @property
    def is_open(self) -> bool:
        """False once the document is closed: then its wrapper still answers, and editing it would crash."""
        return self.handle in Krita.instance().documents()

    @property
    def colour_space(self) -> KritaColourSpace:
        """Raises DocumentError where it is one in which Krita's canvas shows other colours than Krita converts to."""
        model = self.handle.colorModel()
        if model in _UNSHOWN:
            raise DocumentError(
                f"the document is in {_UNSHOWN[model]}, whose colours Acetate cannot tell as the canvas shows them",
                "Convert it to RGB, grayscale or CMYK: Image > Convert Image Color Space….",
            )
        return KritaColourSpace(model, self.handle.colorDepth(), self.handle.colorProfile())

    @property
    def bounds(self) -> Bounds:
        return Bounds.of(self.extent)

    def current_extent(self) -> Extent:
        """The size now; `extent` is that of when this was made."""
        return Extent(self.handle.width(), self.handle.height())

    def check_open(self) -> None:
        """Raises DocumentError where the document is closed."""
        if not self.is_open:
            raise DocumentError(
                "the document was closed meanwhile",
                "Open a document and click the result in the history: it is kept there.",
            )

    def annotation(self, kind: str) -> bytes:
        """What `annotate` wrote, in this session or before the document was saved; empty where nothing was."""
        return bytes(self.handle.annotation(kind))

    def annotate(self, kind: str, data: bytes) -> None:
        """Keeps `data` with the document. Not an undo step; the document counts as modified."""
        self.handle.setAnnotation(kind, "Kept by the Acetate docker", data)

    def layers(self) -> list[LayerInfo]:
        """Layers and groups without masks, top to bottom, as Krita's docker lists them."""
        with wrappers() as hold:
            return list(_walk(hold(self.handle.rootNode()), hold, 0))

    def node_ids(self) -> set[str]:
        """Of all nodes, masks included."""
        with wrappers() as hold:
            return set(_ids(hold(self.handle.rootNode()), hold))

    def place(self) -> Place:
        """Above the active layer. Raises DocumentError where there is none."""
        with wrappers() as hold:
            return _place_of(active_layer(self.handle, hold), hold)

    def place_inside(self) -> Place:
        """On top in the active group. Raises DocumentError where no group is active."""
        with wrappers() as hold:
            group = active_layer(self.handle, hold)
            if group.type() != "grouplayer":
                raise DocumentError("the active layer is no group", "Choose a group in the Layers docker.")
            layers = [child for child in map(hold, group.childNodes()) if not is_mask(child)]
            return Place(node_id(layers[-1]) if layers else "", node_id(group))

    def place_above(self, layer: str) -> Place:
        """Above the layer with this id. Raises DocumentError where it is gone."""
        with wrappers() as hold:
            return _place_of(self._node(layer, hold), hold)

    def place_below(self, layer: str) -> Place:
        """Under the layer with this id. Raises DocumentError where it is gone."""
        return replace(self.place_above(layer), is_below=True)

    def check_has(self, layers: tuple[str, ...]) -> None:
        """Raises DocumentError where one of these is gone."""
        with wrappers() as hold:
            for layer in layers:
                self._node(layer, hold)

    def layer_bounds(self, layers: tuple[str, ...]) -> Bounds:
        """What their visible pixels cover, as far as the canvas goes. Raises DocumentError where that is nothing."""
        with wrappers() as hold:
            covered = Bounds.around([box_of(self._node(layer, hold)) for layer in layers])
        clipped = covered.intersection(self.bounds)
        if clipped.is_empty:
            raise DocumentError("the layer is empty, or lies beside the canvas", "Choose another layer or region.")
        return clipped

    def is_lowest(self, layer: str) -> bool:
        """Whether nothing lies below it."""
        with wrappers() as hold:
            node = self._node(layer, hold)
            while (parent := node.parentNode()) is not None:
                hold(parent)
                layers = [child for child in map(hold, parent.childNodes()) if not is_mask(child)]
                if node_id(layers[0]) != node_id(node):
                    return False
                node = parent
        return True

    def is_plain(self, layer: str) -> bool:
        """Whether it is a paint layer without masks and style: Krita then keeps its opacity when it converts it."""
        with wrappers() as hold:
            node = self._node(layer, hold)
            is_bare = not [hold(child) for child in node.childNodes()] and not node.layerStyleToAsl()
            return node.type() == "paintlayer" and is_bare

    def check_unlocked(self, layer: str) -> None:
        """Raises DocumentError where the layer, or a group around it, is locked, or it is gone."""
        with wrappers() as hold:
            check_unlocked(self._node(layer, hold), hold, "Unlock it, or choose another layer.")

    def remove_layer(self, layer: str) -> None:
        """One undo step. Raises DocumentError where it, or a group around it, is locked, or it is gone."""
        self.check_unlocked(layer)
        with wrappers() as hold:
            self._node(layer, hold).remove()

    def check_place(self, place: Place) -> None:
        """Raises DocumentError where the group, or one around it, is locked."""
        with wrappers() as hold:
            group = find_node(hold(self.handle.rootNode()), place.parent, hold)
            if group is not None:
                check_unlocked(group, hold, "Unlock the group, or make a layer active that is not in it.")

    def layer_box(self, layer: str) -> Bounds:
        """What its visible pixels cover, off the canvas too; empty where there are none."""
        with wrappers() as hold:
            return box_of(self._node(layer, hold))

    def layer_name(self, layer: str) -> str:
        with wrappers() as hold:
            return self._node(layer, hold).name()

    def _node(self, layer: str, hold: Hold) -> Node:
        node = find_node(hold(self.handle.rootNode()), layer, hold)
        if node is None:
            raise DocumentError("the chosen layer is gone", "Choose another layer.")
        return node


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
    layers = [child for child in map(hold, root.childNodes()) if not is_mask(child)]
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


def _place_of(node: Node, hold: Hold) -> Place:
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


def _ids(node: Node, hold: Hold) -> Iterator[str]:
    yield node_id(node)
    for child in [hold(child) for child in node.childNodes()]:
        yield from _ids(child, hold)


def _walk(parent: Node, hold: Hold, depth: int) -> Iterator[LayerInfo]:
    for node in reversed([hold(child) for child in parent.childNodes()]):
        if not is_mask(node):
            yield LayerInfo(node_id(node), node.name(), depth)
            yield from _walk(node, hold, depth + 1)
