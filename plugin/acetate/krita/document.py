"""The painter's document: its size, colour space and layers; what a session reads of it, and puts into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from krita import Document, Krita, Node

from acetate import host
from acetate.host import GroupPart, LayerInfo, Member, NewLayer
from acetate.krita.changes import changes_of
from acetate.krita.colour_space import KritaColourSpace
from acetate.krita.geometry import box_of, boxes_of, layer_boxes_of, steps_of
from acetate.krita.insertion import KritaInsertion
from acetate.krita.nodes import active_layer, check_unlocked, find_node, ids_of, is_layer, layers_in, node_id, place_of
from acetate.krita.reading import KritaSnapshot
from acetate.krita.remarks import remarks_on
from acetate.krita.replacing import KritaReplacement
from acetate.krita.scaling import scaled
from acetate.krita.selection import SelectionCoverage, selected, set_selection
from acetate.krita.stack_insertion import StackInsertion, around_active, members_of
from acetate.krita.tools import end_open_stroke
from acetate.krita.view import view_centre
from acetate.krita.wrappers import Hold, wrappers
from acetate.picture import Picture
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.session.following import ImageStep
from acetate.session.views import Place, View

# Up to 255/255 apart, in tests/krita/test_canvas_colours.py
_UNSHOWN = {"LABA": "L*a*b*", "XYZA": "XYZ", "YCbCrA": "YCbCr"}


class KritaDocument:
    """All that a session asks of a document, which was open when this was made."""

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
            return list(layers_in(hold(self.handle.rootNode()), hold, 0))

    def node_ids(self) -> set[str]:
        """Of all nodes, masks included."""
        with wrappers() as hold:
            return set(ids_of(hold(self.handle.rootNode()), hold))

    def place(self) -> Place:
        """Above the active layer. Raises DocumentError where there is none."""
        with wrappers() as hold:
            return place_of(active_layer(self.handle, hold), hold)

    def place_inside(self) -> Place:
        """On top in the active group. Raises DocumentError where no group is active."""
        with wrappers() as hold:
            group = active_layer(self.handle, hold)
            if group.type() != "grouplayer":
                raise DocumentError("the active layer is no group", "Choose a group in the Layers docker.")
            layers = [child for child in map(hold, group.childNodes()) if is_layer(child)]
            return Place(node_id(layers[-1]) if layers else "", node_id(group))

    def place_above(self, layer: str) -> Place:
        """Above the layer with this id. Raises DocumentError where it is gone."""
        with wrappers() as hold:
            return place_of(self._node(layer, hold), hold)

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
                layers = [child for child in map(hold, parent.childNodes()) if is_layer(child)]
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

    def layer_boxes(self, layers: Sequence[str]) -> dict[str, Bounds]:
        return layer_boxes_of(self.handle, layers)

    def layer_name(self, layer: str) -> str:
        with wrappers() as hold:
            return self._node(layer, hold).name()

    @property
    def wire_format(self) -> PixelFormat:
        return self.colour_space.wire_format

    @property
    def name(self) -> str:
        return Path(self.handle.fileName()).name or self.handle.name() or "unsaved"

    def view_centre(self) -> tuple[int, int]:
        return view_centre(self.handle)

    def is_same(self, other: host.Document) -> bool:
        return isinstance(other, KritaDocument) and self.handle == other.handle

    def members(self, group: str) -> dict[str, Member]:
        return members_of(self, group)

    def around_active(self) -> set[str]:
        return around_active(self)

    def selected(self) -> Bounds | None:
        return selected(self)

    def set_selection(self, coverage: Picture, bounds: Bounds) -> None:
        set_selection(self, coverage, bounds)

    def coverage(self, grow: int = 0, feather: int = 0) -> SelectionCoverage:
        return SelectionCoverage(self, grow, feather)

    def image_steps(self) -> tuple[ImageStep, ...] | None:
        return steps_of(self.handle)

    def changes(self) -> object:
        return changes_of(self.handle)

    def boxes(self) -> dict[str, Bounds]:
        return boxes_of(self.handle)

    def scaled(self, picture: Picture, extent: Extent) -> Picture:
        return scaled(picture, extent)

    def remarks(self, views: Sequence[View]) -> tuple[str, ...]:
        return remarks_on(self.handle, views)

    def is_idle(self) -> bool:
        if not self.handle.tryBarrierLock():
            return False
        self.handle.unlock()
        return True

    def end_open_stroke(self, *, is_asked: bool) -> None:
        if Krita.instance().activeDocument() == self.handle:
            end_open_stroke(self.handle, is_asked=is_asked)

    def snapshot(self, view: View) -> KritaSnapshot:
        return KritaSnapshot(self, view)

    def insertion(self, layers: Sequence[NewLayer]) -> KritaInsertion:
        return KritaInsertion(self, layers)

    def stack_insertion(self, parts: Sequence[GroupPart], replaces: str) -> StackInsertion:
        return StackInsertion(self, parts, replaces)

    def replacement(self, layer: str, new: NewLayer, mask: Picture | None) -> KritaReplacement:
        return KritaReplacement(self, layer, new, mask)

    def _node(self, layer: str, hold: Hold) -> Node:
        node = find_node(hold(self.handle.rootNode()), layer, hold)
        if node is None:
            raise DocumentError("the chosen layer is gone", "Choose another layer.")
        return node
