"""The places for pictures in a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from acetate.protocol.geometry import Bounds


class Role(str, Enum):
    """What a picture is to a request."""

    BACKGROUND = "background"
    FOREGROUND = "foreground"
    MASK = "selection"
    HINT = "hint"
    LAYER = "picture of layer"
    LOOK = "image prompt"

    @property
    def is_numbered(self) -> bool:
        """Whether a request may have several."""
        return self in (Role.HINT, Role.LAYER, Role.LOOK)


@dataclass(frozen=True)
class Slot:
    """A place for a picture in a request."""

    role: Role
    index: int = 0

    @property
    def label(self) -> str:
        """For a person."""
        return f"{self.role.value} {self.index + 1}" if self.role.is_numbered else self.role.value


@dataclass(frozen=True)
class NamedPicture:
    """A picture that a request names."""

    slot: Slot
    digest: str  # empty in a draft: still to be read
    bounds: Bounds | None  # canvas pixels that it covers exactly; any size where None
