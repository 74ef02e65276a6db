"""A painting program of one page: acetate.host in memory, with numpy. Layers are RGBA8 as large as the canvas."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from acetate.coroutines import Loop
from acetate.host import Document, GroupPart, LayerInfo, Member, NewLayer
from acetate.picture import Picture, row_strips
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.session.following import ImageStep
from acetate.session.views import Place, Show, View
from tests.plugin.session.brush import Brush

Pixels = NDArray[np.uint8]
_numbers = itertools.count(1)


@dataclass(eq=False)
class Node:
    """A layer, or a group where it has children."""

    name: str
    pixels: Pixels | None = None  # (h, w, 4) of the canvas, straight; None for a group
    children: list[Node] = field(default_factory=list)  # bottom to top
    is_visible: bool = True
    is_locked: bool = False
    mask: Pixels | None = None  # (h, w): a transparency mask; `pixels` are opaque then
    id: str = field(default_factory=lambda: f"{{{next(_numbers)}}}")

    def walk(self) -> Iterator[Node]:
        for child in self.children:
            yield child
            yield from child.walk()


class Paper:
    """The program: one document at most is active."""

    def __init__(self) -> None:
        self.active: PaperDocument | None = None

    def active_document(self) -> PaperDocument | None:
        return self.active

    def new(self, width: int, height: int) -> PaperDocument:
        """With an opaque white layer, active."""
        self.active = PaperDocument(Extent(width, height))
        white = self.active.add("Background", Bounds.of(self.active.extent), (255, 255, 255, 255))
        self.active.steps.clear()
        self.active.activate(white)
        return self.active


class PaperDocument:
    def __init__(self, extent: Extent) -> None:
        self.extent = extent
        self.root = Node("root")
        self.current = self.root
        self.is_open = True
        self.is_worked_on = False
        self.brush: Brush | None = None
        self.name = f"document {next(_numbers)}"
        self.centre = (extent.width // 2, extent.height // 2)  # of the view
        self.wire_format = PixelFormat.RGBA8
        self.mask: Pixels | None = None  # (h, w)
        self.done: list[ImageStep] = []
        self.steps: list[Node] = []  # what each undo step brings back
        self.version = 0
        self._annotations: dict[str, bytes] = {}

    # for tests: what a painter does

    def add(self, name: str, bounds: Bounds, colour: tuple[int, int, int, int], parent: Node | None = None) -> Node:
        pixels = np.zeros((self.extent.height, self.extent.width, 4), np.uint8)
        pixels[bounds.y : bounds.bottom, bounds.x : bounds.right] = colour
        node = Node(name, pixels)
        self.change()
        (parent or self.root).children.append(node)
        return node

    def mirror(self) -> None:
        """The whole of it, left to right."""
        for node in self.root.walk():
            if node.pixels is not None:
                node.pixels = node.pixels[:, ::-1].copy()
        self.done.append(ImageStep.MIRROR_X)

    def activate(self, node: Node) -> None:
        self.current = node

    def select(self, bounds: Bounds) -> None:
        self.mask = np.zeros((self.extent.height, self.extent.width), np.uint8)
        self.mask[bounds.y : bounds.bottom, bounds.x : bounds.right] = 255

    def change(self) -> None:
        """Begins an undo step."""
        self.steps.append(copy.deepcopy(self.root))
        self.version += 1

    def undo(self) -> None:
        self.root = self.steps.pop()
        self.version += 1
        self.current = self.root.children[-1]

    def named(self, name: str) -> Node:
        (found,) = [node for node in self.root.walk() if node.name == name]
        return found

    # host.Document

    @property
    def bounds(self) -> Bounds:
        return Bounds.of(self.extent)

    def current_extent(self) -> Extent:
        return self.extent

    def view_centre(self) -> tuple[int, int]:
        return self.centre

    def image_steps(self) -> tuple[ImageStep, ...] | None:
        return tuple(self.done)

    def changes(self) -> object:
        return self.version, tuple(node.is_visible for node in self.root.walk())

    def boxes(self) -> dict[str, Bounds]:
        return {node.id: self.layer_box(node.id) for node in self.root.walk()}

    def scaled(self, picture: Picture, extent: Extent) -> Picture:
        y = np.arange(extent.height) * picture.extent.height // extent.height
        x = np.arange(extent.width) * picture.extent.width // extent.width
        return picture_of(array_of(picture)[y][:, x], picture.format)

    def remarks(self, views: Sequence[View]) -> tuple[str, ...]:
        return ()

    def check_place(self, place: Place) -> None:
        self._check_unlocked(next(node for node in (self.root, *self.root.walk()) if node.id == place.parent))

    def check_unlocked(self, layer: str) -> None:
        self._check_unlocked(self.node(layer))

    def remove_layer(self, layer: str) -> None:
        self.check_unlocked(layer)
        self.change()
        node = self.node(layer)
        self.parent(node).children.remove(node)

    def _check_unlocked(self, node: Node) -> None:
        if node.is_locked:
            raise DocumentError(f"“{node.name}” is locked", "Unlock it.")
        if node is not self.root:
            self._check_unlocked(self.parent(node))

    def layer_box(self, layer: str) -> Bounds:
        return _bounds(_shown(self.node(layer), self.extent))

    def layer_boxes(self, layers: Sequence[str]) -> dict[str, Bounds]:
        return {layer: self.layer_box(layer) for layer in layers if layer in self.node_ids()}

    def is_same(self, other: Document) -> bool:
        return self is other

    def check_open(self) -> None:
        if not self.is_open:
            raise DocumentError("the document was closed meanwhile", "Open one.")

    def annotation(self, kind: str) -> bytes:
        return self._annotations.get(kind, b"")

    def annotate(self, kind: str, data: bytes) -> None:
        self._annotations[kind] = data

    def layers(self) -> list[LayerInfo]:
        return list(_listed(self.root, 0))

    def node_ids(self) -> set[str]:
        return {node.id for node in self.root.walk()}

    def place(self) -> Place:
        return self.place_above(self.current.id)

    def place_inside(self) -> Place:
        if self.current.pixels is not None:
            raise DocumentError("the active layer is no group", "Choose a group.")
        return Place(self.current.children[-1].id, self.current.id)

    def place_above(self, layer: str) -> Place:
        return Place(layer, self.parent(self.node(layer)).id)

    def place_below(self, layer: str) -> Place:
        return replace(self.place_above(layer), is_below=True)

    def layer_bounds(self, layers: tuple[str, ...]) -> Bounds:
        covered = Bounds.around(_bounds(_shown(self.node(layer), self.extent)) for layer in layers)
        if covered.is_empty:
            raise DocumentError("the layer is empty, or lies beside the canvas", "Choose another.")
        return covered

    def is_lowest(self, layer: str) -> bool:
        node = self.node(layer)
        while node is not self.root:
            parent = self.parent(node)
            if parent.children[0] is not node:
                return False
            node = parent
        return True

    def is_plain(self, layer: str) -> bool:
        return self.node(layer).pixels is not None

    def layer_name(self, layer: str) -> str:
        return self.node(layer).name

    def members(self, group: str) -> dict[str, Member]:
        found = [node for node in self.root.walk() if node.id == group]
        children = found[0].children if found else []
        return {node.id: Member(_bounds(_shown(node, self.extent)), node.is_visible, True) for node in children}

    def around_active(self) -> set[str]:
        found, node = set(), self.current
        while node is not self.root:
            found.add(node.id)
            node = self.parent(node)
        return found

    def selected(self) -> Bounds | None:
        return None if self.mask is None else _bounds(self.mask)

    def set_selection(self, coverage: Picture, bounds: Bounds) -> None:
        self._check_idle()
        self.mask = np.zeros((self.extent.height, self.extent.width), np.uint8)
        self.mask[bounds.y : bounds.bottom, bounds.x : bounds.right] = array_of(coverage)[..., 0]

    def coverage(self, grow: int = 0, feather: int = 0) -> PaperMask:
        if self.mask is None:
            raise DocumentError("nothing is selected", "Select what to repaint.")
        return PaperMask(self.mask.copy())

    def is_idle(self) -> bool:
        return not self.is_worked_on and (self.brush is None or self.brush.is_resting())

    def end_open_stroke(self, *, is_asked: bool) -> None:
        """It has no tools."""

    def snapshot(self, view: View) -> PaperSnapshot:
        self._check_idle()
        for layer in view.layers:
            self.node(layer)
        kept = copy.deepcopy(self.root)
        _arrange(kept, view)
        return PaperSnapshot(_shown(kept, self.extent))

    def insertion(self, layers: Sequence[NewLayer]) -> PaperInsertion:
        self.check_open()
        self._check_idle()
        return PaperInsertion(self, layers)

    def stack_insertion(self, parts: Sequence[GroupPart], replaces: str) -> PaperInsertion:
        self._check_idle()
        return PaperInsertion(self, parts, replaces, is_group=True)

    def replacement(self, layer: str, new: NewLayer, mask: Picture | None) -> PaperReplacement:
        self._check_idle()
        return PaperReplacement(self, self.node(layer), new, mask)

    def _check_idle(self) -> None:
        if self.brush is not None:
            self.brush.check()

    def node(self, layer: str) -> Node:
        for node in self.root.walk():
            if node.id == layer:
                return node
        raise DocumentError("the chosen layer is gone", "Choose another layer.")

    def parent(self, node: Node) -> Node:
        for one in (self.root, *self.root.walk()):
            if node in one.children:
                return one
        raise DocumentError("no layer is active", "Choose a layer.")


class PaperMask:
    def __init__(self, mask: Pixels) -> None:
        self._mask = mask

    def read(self, bounds: Bounds) -> Picture:
        return picture_of(_part(self._mask, bounds), PixelFormat.A8)


class PaperSnapshot:
    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels

    def read(self, bounds: Bounds) -> Picture:
        return picture_of(_part(self._pixels, bounds), PixelFormat.RGBA8)

    def close(self) -> None:
        pass


class PaperInsertion:
    def __init__(
        self, document: PaperDocument, parts: Sequence[GroupPart], replaces: str = "", *, is_group: bool = False
    ) -> None:
        self._document = document
        self._parts = parts
        self._replaces = replaces
        self._is_group = is_group
        self._nodes: list[Node] = []
        self.ids: tuple[str, ...] = ()
        self.top = ""
        self.has_replaced = False

    def fill(self) -> None:
        self._nodes = [self._made(part) for part in self._parts]
        self.ids = tuple(node.id for node in self._nodes)

    async def attach(self, loop: Loop, place: Place, group_name: str, expected: Extent | None) -> tuple[str, ...]:
        await loop.turn()
        document = self._document
        document.check_open()
        if expected not in (None, document.extent):
            raise DocumentError("the canvas was resized meanwhile", "Click the result in the history.")
        anchor = document.node(place.anchor)
        parent = document.parent(anchor)
        if parent.is_locked:
            raise DocumentError(f"the group “{parent.name}” is locked", "Unlock it.")
        old = [node for node in document.root.walk() if node.id == self._replaces]
        document.change()
        node = self._nodes[0] if len(self._nodes) == 1 and not self._is_group else Node(group_name, None, self._nodes)
        parent.children.insert(parent.children.index(anchor) + (not place.is_below), node)
        for group in old:
            document.change()
            document.parent(group).children.remove(group)
        document.current, self.top, self.has_replaced = node, node.id, bool(old)
        return ()

    def discard(self) -> None:
        self._nodes = []

    def _made(self, part: GroupPart) -> Node:
        if isinstance(part, NewLayer):
            extent = self._document.extent
            if part.coverage is None:
                return Node(part.name, _on_canvas(part, extent))
            mask = np.full((extent.height, extent.width), 255, np.uint8)
            box = part.bounds.intersection(Bounds.of(extent))
            mask[box.y : box.bottom, box.x : box.right] = _part(
                array_of(part.coverage)[..., 0], box.relative_to(part.bounds)
            )
            return Node(part.name, _on_canvas(part, extent), mask=mask)
        twin = copy.deepcopy(self._document.node(part.id))
        twin.id = Node("").id
        twin.is_visible = twin.is_visible if part.is_visible is None else part.is_visible
        return twin


class PaperReplacement:
    def __init__(self, document: PaperDocument, node: Node, new: NewLayer, mask: Picture | None) -> None:
        self._document, self._node, self._new, self._mask = document, node, new, mask
        self._pixels = np.zeros(0, np.uint8)

    def fill(self) -> None:
        self._pixels = _on_canvas(self._new, self._document.extent)

    async def attach(self, loop: Loop) -> str:
        await loop.turn()
        assert self._node.pixels is not None
        self._document.change()
        covered = np.zeros(self._pixels.shape[:2], bool)
        box = self._new.bounds
        inside = (
            np.frombuffer(b"".join(self._mask.strips), np.uint8).reshape(box.height, box.width) if self._mask else 1
        )
        covered[box.y : box.bottom, box.x : box.right] = np.asarray(inside) > 0
        mixed = np.where(covered[..., None], self._pixels, self._node.pixels)
        siblings, made = self._document.parent(self._node).children, Node(self._new.name, mixed)
        siblings[siblings.index(self._node)] = made
        self._document.current = made
        return made.id

    def _coverage(self, box: Bounds) -> Pixels:
        if self._mask is None:
            return np.ones((box.height, box.width), np.uint8)
        return np.frombuffer(b"".join(self._mask.strips), np.uint8).reshape(box.height, box.width)

    def discard(self) -> None:
        pass


def picture_of(pixels: Pixels, kind: PixelFormat) -> Picture:
    data, area = pixels.tobytes(), Bounds(0, 0, pixels.shape[1], pixels.shape[0])
    row = area.width * kind.bytes_per_pixel
    strips = (data[strip.y * row : strip.bottom * row] for strip in row_strips(area, kind.bytes_per_pixel))
    return Picture(area.extent, kind, tuple(strips))


def array_of(picture: Picture) -> Pixels:
    data = np.frombuffer(b"".join(picture.strips), np.uint8)
    return data.reshape(picture.extent.height, picture.extent.width, -1)


def _on_canvas(layer: NewLayer, extent: Extent) -> Pixels:
    pixels, box = np.zeros((extent.height, extent.width, 4), np.uint8), layer.bounds
    data = np.frombuffer(b"".join(layer.picture.strips), np.uint8).reshape(box.height, box.width, 4)
    there = box.intersection(Bounds.of(extent))  # layers reach off the canvas
    part = there.relative_to(box)
    pixels[there.y : there.bottom, there.x : there.right] = data[part.y : part.bottom, part.x : part.right]
    return pixels


def _part(pixels: Pixels, box: Bounds) -> Pixels:
    """Transparent beside the canvas."""
    canvas = Bounds(0, 0, pixels.shape[1], pixels.shape[0])
    there, found = box.intersection(canvas), np.zeros((box.height, box.width, *pixels.shape[2:]), pixels.dtype)
    to = there.relative_to(box)
    found[to.y : to.bottom, to.x : to.right] = pixels[there.y : there.bottom, there.x : there.right]
    return found


def _bounds(pixels: Pixels) -> Bounds:
    """Of what is not transparent."""
    y, x = np.nonzero(pixels[..., 3] if pixels.ndim == 3 else pixels)
    return Bounds(int(x.min()), int(y.min()), int(np.ptp(x)) + 1, int(np.ptp(y)) + 1) if len(x) else Bounds(0, 0, 0, 0)


def _shown(node: Node, extent: Extent) -> Pixels:
    """Straight alpha over, of the visible children; a layer's own pixels."""
    if node.pixels is not None and node.mask is not None:
        return np.dstack([node.pixels[..., :3], node.pixels[..., 3:] // 255 * node.mask[..., None]])
    if node.pixels is not None:
        return node.pixels
    colour = np.zeros((extent.height, extent.width, 3))
    alpha = np.zeros((extent.height, extent.width, 1))
    for child in node.children:
        if child.is_visible:
            above = _shown(child, extent) / 255.0
            share = above[..., 3:]
            colour = above[..., :3] * share + colour * (1 - share)  # premultiplied
            alpha = share + alpha * (1 - share)
    straight = np.divide(colour, alpha, out=np.zeros_like(colour), where=alpha > 0)
    return np.rint(np.concatenate([straight, alpha], axis=2) * 255).astype(np.uint8)


def _arrange(root: Node, view: View) -> None:
    if view.show in (Show.BELOW, Show.UP_TO):
        _hide_from(root, view)
    elif view.show is not Show.EVERYTHING:
        _show_only(root, view)
    for node in root.walk():
        node.is_visible = node.is_visible and node.id not in view.hidden


def _hide_from(parent: Node, view: View) -> bool:
    for index, child in enumerate(parent.children):
        is_it = child.id in view.layers
        if is_it or _hide_from(child, view):
            for above in parent.children[index + (not (is_it and view.show is Show.BELOW)) :]:
                above.is_visible = False
            return True
    return False


def _show_only(parent: Node, view: View) -> bool:
    found = False
    for child in parent.children:
        child.is_visible = child.id in view.layers or _show_only(child, view)
        found = found or child.is_visible
    return found


def _listed(parent: Node, depth: int) -> Iterator[LayerInfo]:
    for node in reversed(parent.children):
        yield LayerInfo(node.id, node.name, depth)
        yield from _listed(node, depth + 1)
