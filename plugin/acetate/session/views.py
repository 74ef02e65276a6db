"""What of a document is looked at, and where in it a result goes. Layers are named by ids, which outlive saving."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Show(str, Enum):
    """Which layers a snapshot keeps."""

    EVERYTHING = "everything"
    BELOW = "below"  # what lies under a layer
    UP_TO = "up_to"  # a layer and what lies under it
    ONLY = "only"  # some layers and groups alone, as on the canvas, shown even if they are hidden
    INSIDE = "inside"  # the same without what the groups around do to it: as a layer beside it has to look
    BARE = "bare"  # the same without its own opacity: as its pixels have to be


@dataclass(frozen=True)
class View:
    """Some layers of a document: all, those below one layer, or some only."""

    show: Show
    layers: tuple[str, ...] = ()  # ids, topmost first
    hidden: tuple[str, ...] = ()  # ids of what does not count all the same, if it is there

    @property
    def is_as_shown(self) -> bool:
        """Whether it is the whole canvas, as the program itself shows it."""
        return self.show is Show.EVERYTHING and not self.hidden


@dataclass(frozen=True)
class Place:
    """Where a result goes: beside `anchor`, inside `parent`; found again by id when it comes."""

    anchor: str  # empty where there is nothing in `parent`
    parent: str
    is_below: bool = False  # under the anchor instead of above it
