"""A stack of layers as the painter describes it, bottom to top, and what a press of its buttons makes of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.session.control_layers import ControlLayer

NO_ENTRY = -1  # in place of a key
_VERSIONS = 24  # that a document remembers


@dataclass(frozen=True)
class StackEntry:
    """One layer of a stack."""

    key: int  # tells it from the others, wherever it is moved
    prompt: str = ""
    region: Bounds | None = None  # canvas pixels; the whole canvas where None
    seed: int = 0
    strength: float = 1.0  # how far it goes from what it shows when it is made again; 1 makes another
    is_locked: bool = False  # keeps what it shows
    is_enabled: bool = True  # otherwise it is hidden, and those above it do not see it
    layer: str = ""  # id of the layer that it became in the document; empty before
    follows: tuple[ControlLayer, ...] = ()  # it alone, beside what all layers of the stack follow


@dataclass(frozen=True)
class Stack:
    entries: tuple[StackEntry, ...] = ()  # bottom to top
    group: str = ""  # id of the group that it became in the document; empty before
    dropped: tuple[str, ...] = ()  # ids of layers in that group whose entries were deleted
    sees_below: bool = True  # the lowest layer fits into what the canvas shows below the stack


@dataclass(frozen=True)
class Stacks:
    """What a document keeps: each stack, and what it was before it was made again, which undo brings back."""

    versions: tuple[Stack, ...] = ()  # the newest last

    def current(self, nodes: Collection[str], around: Collection[str] = ()) -> Stack:
        """The newest whose group is one of these nodes, or that is no group yet; an empty one where there is none.

        One whose group is `around` the active layer goes first.
        """
        there = [stack for stack in self.versions if not stack.group or stack.group in nodes]
        near = [stack for stack in there if stack.group in around] or there
        whole = [stack for stack in near if _is_whole(stack, nodes)]
        return (whole or near or [Stack()])[-1]

    def followed(self, stack: Stack, nodes: Collection[str]) -> Stack:
        """`stack`, as undo and redo have left the document; as it is where the document has nothing of it."""
        kin = [old for old in self.versions if keys_of(old) & keys_of(stack) and old.group in nodes]
        whole = [old for old in kin if _is_whole(old, nodes)]
        same = [old for old in whole if old.group == stack.group] or whole
        if not stack.group or not same:
            return stack
        fullest = max(reversed(same), key=lambda old: len(_layers(old)))
        has_more = len(_layers(fullest)) > len(_layers(stack))
        return fullest if has_more or not _is_whole(stack, nodes) else stack

    def with_version(self, stack: Stack) -> Stacks:
        """In place of the one with the same layers; a stack that has become a group is no draft any more."""
        others = tuple(old for old in self.versions if old.group and _layers(old) != _layers(stack))
        return Stacks((*others, stack)[-_VERSIONS:])


def caught_up(stack: Stack, stacks: Stacks, nodes: Collection[str]) -> Stack:
    """As undo and redo have left it: the same descriptions, and the layers that the document has of them now."""
    if not stack.group or _is_whole(stack, nodes):
        return stack
    there = [old for old in stacks.versions if old.group in nodes and keys_of(old) & keys_of(stack)]
    found = ([old for old in there if _is_whole(old, nodes)] or there or [Stack()])[-1]
    layers = {entry.key: entry.layer for entry in found.entries}
    entries = tuple(replace(entry, layer=layers.get(entry.key, "")) for entry in stack.entries)
    return replace(stack, entries=entries, group=found.group, dropped=found.dropped)


@dataclass(frozen=True)
class LayersToMake:
    """Which layers a press makes, and which it keeps; indices of entries, bottom to top."""

    stack: Stack
    made: tuple[int, ...]
    seen: tuple[int, ...]  # they keep what they show, and lie below one that is made


def plan(stack: Stack, layers: Collection[str], only: int | None = None, *, with_above: bool = False) -> LayersToMake:
    """All layers that are not locked; or the one at `only`, and where wanted those above it that are not locked.

    `layers` are those in the group of the stack. Raises InvalidRequest where there is nothing to make.
    """
    made = tuple(index for index in _wanted(stack, only, with_above) if _is_open(stack.entries[index], layers))
    if not made:
        raise InvalidRequest("no layer of the stack is to be made", "Add or unlock one.")
    for index in made:
        if not stack.entries[index].prompt.strip():
            raise InvalidRequest(f"the prompt of layer {index + 1} is empty", "Type what should appear on it.")
    below = [entry for entry in stack.entries[: made[-1]] if entry.is_enabled and entry.layer in layers]
    return LayersToMake(
        stack, made, tuple(index for index, entry in enumerate(stack.entries) if entry in below and index not in made)
    )


def _wanted(stack: Stack, only: int | None, with_above: bool) -> range:
    if only is None:
        return range(len(stack.entries))
    return range(only, len(stack.entries) if with_above else only + 1)


def _is_open(entry: StackEntry, layers: Collection[str]) -> bool:
    """Whether it may be made: a lock keeps what there is."""
    return entry.is_enabled and not (entry.is_locked and entry.layer in layers)


def _is_whole(stack: Stack, nodes: Collection[str]) -> bool:
    """Whether all that it became is there."""
    return _layers(stack) <= set(nodes)


def _layers(stack: Stack) -> set[str]:
    """Ids of all that it became in the document."""
    return {stack.group, *stack.dropped, *(entry.layer for entry in stack.entries)} - {""}


def keys_of(stack: Stack) -> set[int]:
    return {entry.key for entry in stack.entries}


@dataclass(frozen=True)
class GroupSlot:
    """A place in the new group: of an entry, or of something else that the painter has put into the old one."""

    old: str  # id of what it stands for; empty where that is new
    key: int = NO_ENTRY
    is_new: bool = False  # a layer that was made; a copy of the old one otherwise
    is_visible: bool | None = None  # as it is where None


def arranged(stack: Stack, there: Sequence[str], made: Collection[int]) -> list[GroupSlot]:
    """The new group, bottom to top: layers that were made (keys of their entries), copies of those that are kept,
    hidden where they are disabled, and all else that is in the old group (`there`), above what it was above.
    """
    slots = [slot for slot in (_slot(entry, there, made) for entry in stack.entries) if slot]
    ours = {*(entry.layer for entry in stack.entries), *stack.dropped}
    for index, other in enumerate(there):
        if other not in ours:
            slots.insert(_above(slots, there[:index]), GroupSlot(other))
    return slots


def _slot(entry: StackEntry, there: Sequence[str], made: Collection[int]) -> GroupSlot | None:
    if entry.key in made:
        return GroupSlot(entry.layer, entry.key, is_new=True)
    if entry.layer in there:
        return GroupSlot(entry.layer, entry.key, is_visible=entry.is_enabled)
    return None


def _above(slots: Sequence[GroupSlot], below: Sequence[str]) -> int:
    """Where to put what lay above these, topmost last."""
    positions = {slot.old: index for index, slot in enumerate(slots)}
    return next((positions[one] + 1 for one in reversed(below) if one in positions), 0)
