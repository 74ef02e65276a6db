"""A stack of layers as the painter describes it, bottom to top, and what a press of its buttons makes of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from acetate.canvas.document import OpenDocument
from acetate.protocol.codec import from_json, to_json
from acetate.protocol.errors import DocumentError, InvalidRequest, MalformedMessage
from acetate.protocol.geometry import Bounds

STACKS = "acetate/stacks"  # type of the annotation
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
        near = [stack for stack in there if stack.group in around]
        return (near or there or [Stack()])[-1]

    def with_version(self, stack: Stack) -> Stacks:
        """In place of the one with the same group; a stack that has become a group is no draft any more."""
        others = tuple(old for old in self.versions if old.group not in (stack.group, ""))
        return Stacks((*others, stack)[-_VERSIONS:])


@dataclass(frozen=True)
class Plan:
    """Which layers a press makes, and which it keeps; indices of entries, bottom to top."""

    stack: Stack
    made: tuple[int, ...]
    seen: tuple[int, ...]  # they keep what they show, and lie below one that is made


def plan(stack: Stack, layers: Collection[str], only: int | None = None, *, with_above: bool = False) -> Plan:
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
    return Plan(
        stack, made, tuple(index for index, entry in enumerate(stack.entries) if entry in below and index not in made)
    )


def _wanted(stack: Stack, only: int | None, with_above: bool) -> range:
    if only is None:
        return range(len(stack.entries))
    return range(only, len(stack.entries) if with_above else only + 1)


def _is_open(entry: StackEntry, layers: Collection[str]) -> bool:
    """Whether it may be made: a lock keeps what there is."""
    return entry.is_enabled and not (entry.is_locked and entry.layer in layers)


def keys_of(stack: Stack) -> set[int]:
    return {entry.key for entry in stack.entries}


def stacks_of(document: OpenDocument) -> Stacks:
    """Raises DocumentError where the annotation cannot be read."""
    data = document.annotation(STACKS)
    if not data:
        return Stacks()
    try:
        return from_json(Stacks, json.loads(data))
    except (ValueError, MalformedMessage) as error:
        raise DocumentError(
            f"its stack cannot be read ({error})", "Update Acetate, or build the stack anew."
        ) from error


def keep(document: OpenDocument, stack: Stack) -> None:
    """With the document, so that it is there again when the file is opened."""
    before = stacks_of(document)
    if stack not in before.versions:  # writing marks the document as modified
        data = to_json(before.with_version(stack))
        document.annotate(STACKS, json.dumps(data, separators=(",", ":")).encode())
