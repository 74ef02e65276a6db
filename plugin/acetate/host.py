"""What a painting program must offer, so that a session works in it. `acetate.krita` offers it for Krita.

All of it is called on the program's GUI thread, except where it says "any thread".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from acetate.coroutines import Loop
from acetate.picture import Picture
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.session.following import ImageStep
from acetate.session.views import Place, View

_PAUSE = 0.02  # seconds between two looks


@dataclass(frozen=True)
class LayerInfo:
    """A layer or group, as a picker shows it."""

    id: str
    name: str
    depth: int  # 0: at the top level


@dataclass(frozen=True)
class Member:
    """A node in a group."""

    bounds: Bounds  # canvas pixels: of what is not transparent, off the canvas too
    is_visible: bool
    is_plain: bool  # a paint layer without masks


@dataclass(frozen=True)
class NewLayer:
    name: str
    bounds: Bounds  # canvas pixels
    picture: Picture  # as large as `bounds`
    is_clipped: bool = False  # to what lies below it
    coverage: Picture | None = None  # A8: a transparency mask of the layer, as large


@dataclass(frozen=True)
class CopiedLayer:
    """A copy of a node that is in the document."""

    id: str
    is_visible: bool | None = None  # as it is where None


GroupPart = NewLayer | CopiedLayer


class Coverage(Protocol):
    """A selection as it was when this was made."""

    def read(self, bounds: Bounds) -> Picture:
        """A8. Any thread, once."""
        ...


class Snapshot(Protocol):
    """What a view showed when this was made."""

    def read(self, bounds: Bounds) -> Picture:
        """In the format that the document asks for. Any thread. `bounds` lies on the canvas."""
        ...

    def close(self) -> None: ...


class Insertion(Protocol):
    """Layers on their way into a document."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the layers, in their order."""
        ...

    @property
    def top(self) -> str:
        """Id of what is attached: the layer, or the group of them. Known once it is attached."""
        ...

    @property
    def has_replaced(self) -> bool:
        """Whether a group is gone for it. Known once it is attached."""
        ...

    def fill(self) -> None:
        """Writes the pixels. Any thread."""
        ...

    async def attach(self, loop: Loop, place: Place, group_name: str, expected: Extent | None) -> tuple[str, ...]:
        """One undo step: the layer, or a group of them, at `place`; it becomes the active one, and is shown.

        What was done otherwise than asked is returned, as sentences. Raises DocumentError where it has no place, or
        the canvas is not `expected` large.
        """
        ...

    def discard(self) -> None:
        """Lets go of the layers, attached or not."""
        ...


class Replacement(Protocol):
    """Another version of a layer on its way into its place."""

    def fill(self) -> None:
        """Converts the pixels. Any thread."""
        ...

    async def attach(self, loop: Loop) -> str:
        """One undo step; the id of the layer that is there now. Raises DocumentError where the old one is gone."""
        ...

    def discard(self) -> None: ...


class Document(Protocol):
    """A document that was open when this was made."""

    @property
    def name(self) -> str:
        """For a person."""
        ...

    @property
    def is_open(self) -> bool: ...

    @property
    def extent(self) -> Extent:
        """The size when this was made."""
        ...

    @property
    def bounds(self) -> Bounds:
        """Of the canvas, when this was made."""
        ...

    @property
    def wire_format(self) -> PixelFormat:
        """What its pixels travel as."""
        ...

    def current_extent(self) -> Extent:
        """The size now."""
        ...

    def is_same(self, other: Document) -> bool:
        """Whether both are the same open document; a copy of it is another one."""
        ...

    def check_open(self) -> None:
        """Raises DocumentError where the document is closed."""
        ...

    def annotation(self, kind: str) -> bytes:
        """What `annotate` wrote, in this session or before the document was saved; empty where nothing was."""
        ...

    def annotate(self, kind: str, data: bytes) -> None:
        """Keeps `data` with the document. Not an undo step; the document counts as modified."""
        ...

    def layers(self) -> list[LayerInfo]:
        """Layers and groups without masks, top to bottom."""
        ...

    def node_ids(self) -> set[str]:
        """Of all nodes, masks included."""
        ...

    def place(self) -> Place:
        """Above the active layer. Raises DocumentError where there is none."""
        ...

    def place_inside(self) -> Place:
        """On top in the active group. Raises DocumentError where no group is active."""
        ...

    def place_above(self, layer: str) -> Place:
        """Raises DocumentError where the layer is gone."""
        ...

    def place_below(self, layer: str) -> Place:
        """Raises DocumentError where the layer is gone."""
        ...

    def layer_bounds(self, layers: tuple[str, ...]) -> Bounds:
        """What their visible pixels cover, as far as the canvas goes. Raises DocumentError where that is nothing."""
        ...

    def is_lowest(self, layer: str) -> bool: ...

    def is_plain(self, layer: str) -> bool:
        """Whether it is a paint layer without masks and style."""
        ...

    def layer_name(self, layer: str) -> str: ...

    def members(self, group: str) -> dict[str, Member]:
        """Nodes in a group by id, bottom to top, masks included. Empty where the group is gone."""
        ...

    def around_active(self) -> set[str]:
        """Ids of the active node and of the groups that it is in; empty where none is active."""
        ...

    def selected(self) -> Bounds | None:
        """The bounds of the selection as far as the canvas goes; None where nothing is selected.

        Raises DocumentError where the selection is empty, or lies beside the canvas.
        """
        ...

    def coverage(self, grow: int = 0, feather: int = 0) -> Coverage:
        """Of the selection, grown and feathered by so many pixels. Raises DocumentError where nothing is selected."""
        ...

    def set_selection(self, coverage: Picture, bounds: Bounds) -> None:
        """The global selection becomes `coverage` (A8), which covers `bounds`; nothing else is selected."""
        ...

    def view_centre(self) -> tuple[int, int]:
        """Canvas pixels in the middle of what its view shows; of the canvas, where that is not known."""
        ...

    def image_steps(self) -> tuple[ImageStep, ...] | None:
        """What was done to the canvas as a whole, the oldest first; None where that is not known now."""
        ...

    def changes(self) -> object:
        """Equal as long as what the canvas shows is known not to have changed. Cheap; a stroke counts once it ended."""
        ...

    def boxes(self) -> dict[str, Bounds]:
        """Canvas pixels that layers cover, by id, of those that have any. Any thread."""
        ...

    def scaled(self, picture: Picture, extent: Extent) -> Picture:
        """Smoothly. Any thread."""
        ...

    def remarks(self, views: Sequence[View]) -> tuple[str, ...]:
        """Where the canvas shows something else now than these views will, as sentences."""
        ...

    def check_place(self, place: Place) -> None:
        """Raises DocumentError where nothing can be put there now, because a group is locked."""
        ...

    def check_unlocked(self, layer: str) -> None:
        """Raises DocumentError where the layer, or a group around it, is locked."""
        ...

    def remove_layer(self, layer: str) -> None:
        """One undo step. Raises DocumentError where it, or a group around it, is locked, or it is gone."""
        ...

    def layer_box(self, layer: str) -> Bounds:
        """What its visible pixels cover, off the canvas too; empty where there are none."""
        ...

    def layer_boxes(self, layers: Sequence[str]) -> dict[str, Bounds]:
        """The same of several, by id, without those that are gone. Any thread."""
        ...

    def is_idle(self) -> bool:
        """Whether nothing is under way in the picture: no stroke, no transform that is not applied yet, no merging."""
        ...

    def end_open_stroke(self, *, is_asked: bool) -> None:
        """Of a tool that keeps one open when it is done with it, as far as that can be; what it did stays.

        `is_asked`: something was asked for that begins now, so what the painter would apply is applied.
        """
        ...

    def snapshot(self, view: View) -> Snapshot:
        """Raises DocumentError where a layer of `view` is gone."""
        ...

    def insertion(self, layers: Sequence[NewLayer]) -> Insertion:
        """Raises DocumentError where the document is closed."""
        ...

    def stack_insertion(self, parts: Sequence[GroupPart], replaces: str) -> Insertion:
        """Always a group. `replaces` is the id of the group that goes, empty where there is none."""
        ...

    def replacement(self, layer: str, new: NewLayer, mask: Picture | None) -> Replacement:
        """`mask` (A8, as large as `new`): outside of it the old pixels stay; everywhere where None.

        Raises DocumentError where the layer is gone.
        """
        ...


class Host(Protocol):
    def active_document(self) -> Document | None:
        """None where nothing is open."""
        ...


async def until_idle(document: Document, loop: Loop, *, is_asked: bool = False) -> None:
    """Until nothing is under way in the picture, or it is closed. Nothing begins before what follows this at once.

    `is_asked`: by a press, to which a transform under way is applied.

    Layers that are copied while a program works on them may be half of before, and can end it: Krita copies a document
    without a look at its own threads.
    """
    while document.is_open and not document.is_idle():
        document.end_open_stroke(is_asked=is_asked)
        is_asked = False  # once: whoever goes on with the tool is waited for
        await loop.sleep(_PAUSE)
