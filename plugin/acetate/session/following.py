"""Where a result belongs after the canvas was turned, mirrored, cropped, extended or scaled while it was made.

A host says what was done (the names of its steps) and where layers lie, before and after. What maps all of it is found
among turns and mirrors, one scale and one shift; where that leaves a doubt nothing is guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import reduce

from acetate.language import mark
from acetate.picture import Picture, row_strips
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds, Extent

_SCALED = mark("The canvas was scaled meanwhile, and the layer with it.")
_RESIZED = mark("resized from {before} to {after}")
_THEN = mark("{first}, then {then}")
_CLOSE = 2  # pixels that scaled layers may be off


class ImageStep(str, Enum):
    """What was done to a whole canvas."""

    MIRROR_X = mark("mirrored")
    MIRROR_Y = mark("mirrored upside down")
    ROTATE = mark("rotated")
    RIGHT = mark("rotated by 90° to the right")
    LEFT = mark("rotated by 90° to the left")
    HALF = mark("rotated by 180°")
    CROP = mark("cropped or resized")
    SCALE = mark("scaled")
    OTHER = mark("changed as a whole")


@dataclass(frozen=True)
class CanvasGeometry:
    """Of a document, at one moment."""

    extent: Extent
    boxes: Mapping[str, Bounds] = field(default_factory=dict)  # of layers with pixels, by id
    steps: tuple[ImageStep, ...] | None = ()  # all that the document remembers, the oldest first; None: not known


@dataclass(frozen=True)
class Turn:
    """Swaps x and y first where `swaps`; then mirrors."""

    swaps: bool = False
    mirrors_x: bool = False
    mirrors_y: bool = False

    def extent(self, canvas: Extent) -> Extent:
        return Extent(canvas.height, canvas.width) if self.swaps else canvas

    def bounds(self, box: Bounds, canvas: Extent) -> Bounds:
        """`canvas` is the size before."""
        turned = Bounds(box.y, box.x, box.height, box.width) if self.swaps else box
        size = self.extent(canvas)
        x = size.width - turned.right if self.mirrors_x else turned.x
        y = size.height - turned.bottom if self.mirrors_y else turned.y
        return Bounds(x, y, turned.width, turned.height)

    def then(self, other: Turn) -> Turn:
        x, y = (self.mirrors_y, self.mirrors_x) if other.swaps else (self.mirrors_x, self.mirrors_y)
        return Turn(self.swaps != other.swaps, x != other.mirrors_x, y != other.mirrors_y)

    def picture(self, picture: Picture) -> Picture:
        """Takes long: in a thread."""
        if self == Turn():
            return picture
        pixel, size = picture.format.bytes_per_pixel, self.extent(picture.extent)
        joined = memoryview(b"".join(picture.strips))
        data = joined.cast("I") if pixel == 4 else joined.cast("Q") if pixel == 8 else joined
        lines = list(self._lines(data, picture.extent))
        area = Bounds.of(size)
        strips = (b"".join(lines[strip.y : strip.bottom]) for strip in row_strips(area, pixel))
        return Picture(size, picture.format, tuple(strips))

    def _lines(self, data: memoryview, old: Extent) -> Iterator[bytes]:
        count = old.width if self.swaps else old.height
        for index in reversed(range(count)) if self.mirrors_y else range(count):
            line = data[index :: old.width] if self.swaps else data[index * old.width : (index + 1) * old.width]
            yield (line[::-1] if self.mirrors_x else line).tobytes()


_TURNS = tuple(Turn(swaps, x, y) for swaps in (False, True) for x in (False, True) for y in (False, True))
_STEPS = {
    ImageStep.MIRROR_X: Turn(mirrors_x=True),
    ImageStep.MIRROR_Y: Turn(mirrors_y=True),
    ImageStep.RIGHT: Turn(swaps=True, mirrors_x=True),
    ImageStep.LEFT: Turn(swaps=True, mirrors_y=True),
    ImageStep.HALF: Turn(mirrors_x=True, mirrors_y=True),
}


@dataclass(frozen=True)
class Change:
    """From the canvas as it was to the canvas as it is: turned, then scaled, then shifted."""

    before: Extent
    turn: Turn = Turn()  # frozen
    scale: tuple[float, float] = (1.0, 1.0)
    shift: tuple[int, int] = (0, 0)

    def bounds(self, box: Bounds) -> Bounds:
        turned, (wide, high), (x, y) = self.turn.bounds(box, self.before), self.scale, self.shift
        left, top = round(turned.x * wide), round(turned.y * high)
        right, bottom = round(turned.right * wide), round(turned.bottom * high)
        return Bounds(left + x, top + y, max(1, right - left), max(1, bottom - top))

    @property
    def notes(self) -> tuple[str, ...]:
        return (_SCALED,) if self.scale != (1.0, 1.0) else ()


def follow(before: CanvasGeometry, after: CanvasGeometry) -> Change:
    """Raises DocumentError where it cannot be known."""
    steps = _since(before, after)
    if steps == () and before.extent == after.extent:
        return Change(before.extent)
    found = [change for change in _candidates(before, after, steps) if _fits(change, before, after)]
    if steps is None and Change(before.extent) in found:
        return Change(before.extent)
    if not found or any(change != found[0] for change in found) or ImageStep.OTHER in (steps or ()):
        raise DocumentError(
            f"the canvas was {_words(steps, before, after)} meanwhile, and where the result belongs now cannot be told",
            "Click the result in the history: it is kept there.",
        )
    return found[0]


def check_fits(change: Change, box: Bounds, after: CanvasGeometry) -> None:
    """Raises DocumentError where `box`, which lay on the canvas, would be cut now."""
    was_on, canvas = Bounds.of(change.before).contains(box), Bounds.of(after.extent)
    if was_on and not canvas.contains(change.bounds(box)):
        raise DocumentError(
            f"the canvas was resized from {change.before} to {after.extent} meanwhile, and is too small for the result",
            "To insert it all the same, click the result in the history: it is kept there.",
        )


def _since(before: CanvasGeometry, after: CanvasGeometry) -> tuple[ImageStep, ...] | None:
    if before.steps is None or after.steps is None:
        return None
    if after.steps[: len(before.steps)] != before.steps:  # something was undone
        return (ImageStep.OTHER,)
    return after.steps[len(before.steps) :]


def _words(steps: tuple[ImageStep, ...] | None, before: CanvasGeometry, after: CanvasGeometry) -> str:
    if before.extent != after.extent and steps in (None, (), (ImageStep.CROP,)):
        return _RESIZED.format(before=before.extent, after=after.extent)
    words = [step.value for step in steps or (ImageStep.OTHER,)]
    return reduce(lambda first, then: _THEN.format(first=first, then=then), words)


def _candidates(before: CanvasGeometry, after: CanvasGeometry, steps: tuple[ImageStep, ...] | None) -> Iterator[Change]:
    for turn in _TURNS if steps is None else _turns(steps):
        size = turn.extent(before.extent)
        scale = (1.0, 1.0)
        if steps and ImageStep.SCALE in steps:
            scale = (after.extent.width / size.width, after.extent.height / size.height)
        is_cropped = ImageStep.CROP in steps if steps else before.extent != after.extent
        if not is_cropped:
            yield Change(before.extent, turn, scale)
        else:
            yield from _shifted(Change(before.extent, turn, scale), before, after)


def _turns(steps: tuple[ImageStep, ...]) -> list[Turn]:
    """That they may have made; of some turns the host does not say how far they went."""
    found = [Turn()]
    for step in steps:
        if step is ImageStep.ROTATE:
            quarters = [_STEPS[ImageStep.RIGHT], _STEPS[ImageStep.HALF], _STEPS[ImageStep.LEFT]]
            found = [turn.then(quarter) for turn in found for quarter in quarters]
        elif step in _STEPS:
            found = [turn.then(_STEPS[step]) for turn in found]
    return list(dict.fromkeys(found))


def _shifted(change: Change, before: CanvasGeometry, after: CanvasGeometry) -> Iterator[Change]:
    """By what most corners of layers have moved: a crop may have cut some of them."""
    votes: Counter[tuple[int, int]] = Counter()
    for layer, old in before.boxes.items():
        if new := after.boxes.get(layer):
            box = change.bounds(old)
            for x in {new.x - box.x, new.right - box.right}:
                for y in {new.y - box.y, new.bottom - box.bottom}:
                    votes[x, y] += 1
    for shift, _ in votes.most_common(16):
        yield Change(change.before, change.turn, change.scale, shift)


def _fits(change: Change, before: CanvasGeometry, after: CanvasGeometry) -> bool:
    """Whether most layers lie where it says; painted layers may have grown meanwhile."""
    pairs = [(change.bounds(old), after.boxes[layer]) for layer, old in before.boxes.items() if layer in after.boxes]
    expected_size = change.turn.extent(before.extent)
    if change.shift == (0, 0) and change.scale == (1.0, 1.0) and not pairs:
        return expected_size == after.extent
    good = sum(_is_there(box, new, after.extent, change) for box, new in pairs)
    return 2 * good > len(pairs)


def _is_there(box: Bounds, new: Bounds, canvas: Extent, change: Change) -> bool:
    """Cut to the canvas, too."""
    close = _CLOSE if change.scale != (1.0, 1.0) else 0
    area = Bounds.of(canvas)
    return _is_near(box, new, close) or _is_near(box.intersection(area), new.intersection(area), close)


def _is_near(one: Bounds, other: Bounds, close: int) -> bool:
    edges = zip((one.x, one.y, one.right, one.bottom), (other.x, other.y, other.right, other.bottom), strict=True)
    return all(abs(a - b) <= close for a, b in edges)


def fitted(box: Bounds, canvas: Bounds) -> tuple[int, int]:
    """By how much to move `box`, so that it lies on the canvas; in the middle of it where it is larger."""
    return _inside(box.x, box.width, canvas.width), _inside(box.y, box.height, canvas.height)


def _inside(start: int, length: int, room: int) -> int:
    wanted = (room - length) // 2 if length > room else min(max(start, 0), room - length)
    return wanted - start
