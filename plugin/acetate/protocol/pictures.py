"""What a request says about a picture that layers are made of."""

from __future__ import annotations

from dataclasses import dataclass

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.ranges import check_range

MAX_SUBJECTS = 16
MAX_CLICKS = 64


@dataclass(frozen=True)
class Click:
    """A pixel of the canvas that lies on the subject, or beside it."""

    x: int
    y: int
    is_on: bool = True


@dataclass(frozen=True)
class Subject:
    """What is meant in a picture; a mask of the request is its rough shape. Of nothing at all, what strikes most."""

    box: Bounds | None = None  # canvas pixels, around it
    clicks: tuple[Click, ...] = ()
    most: int = 1  # how many layers at most; 1: all that strikes as one


@dataclass(frozen=True)
class Light:
    """Of shadows and reflections."""

    angle: float = 30.0  # where a shadow falls: degrees from the right, clockwise; 90 is towards the viewer
    length: float = 1.0  # of a shadow, or how far a reflection reaches: times the layer's height
    softness: float = 0.4  # 0..1
    opacity: float = 0.5  # 0..1


def check_light(light: Light) -> None:
    """Raises InvalidRequest."""
    check_range("angle of the light", light.angle, -360.0, 360.0)
    check_range("length of the shadow", light.length, 0.0, 10.0)
    check_range("softness of the shadow", light.softness, 0.0, 1.0)
    check_range("opacity of the shadow", light.opacity, 0.0, 1.0)


def check_subject(subject: Subject, covered: Bounds) -> None:
    """Raises InvalidRequest where it does not lie in what the pictures cover."""
    check_range("number of subjects", subject.most, 1, MAX_SUBJECTS)
    check_range("number of clicks", len(subject.clicks), 0, MAX_CLICKS)
    if subject.box is not None and subject.box.intersection(covered).is_empty:
        raise InvalidRequest(f"the box {subject.box} lies outside of {covered}", "Draw it around something.")
    for click in subject.clicks:
        if not covered.contains(Bounds(click.x, click.y, 1, 1)):
            raise InvalidRequest(f"the click at ({click.x}, {click.y}) lies outside of {covered}", "Click inside.")
