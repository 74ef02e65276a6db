"""Editing a stack: add, duplicate, delete, move, change. Each change goes to whoever listens; no widgets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from acetate.session.observable import Observable, Signal
from acetate.session.settings import new_seed
from acetate.session.stack import Stack, StackEntry


class StackEditor:
    """`selected` is the index of the entry that is being edited; -1 where there is none."""

    def __init__(self, stack: Stack) -> None:
        self.stack = Observable(stack)
        self.selected = Observable(len(stack.entries) - 1)
        self.changing: Signal[None] = Signal()  # before each change: what is changed has to be what the document has

    @property
    def entry(self) -> StackEntry | None:
        entries, index = self.stack.value.entries, self.selected.value
        return entries[index] if 0 <= index < len(entries) else None

    def load(self, stack: Stack) -> None:
        """Another stack; its topmost layer is selected."""
        self.stack.value = stack
        self.selected.value = len(stack.entries) - 1

    def add(self) -> None:
        """An empty layer above the selected one."""
        self.changing.emit(None)
        self._insert(StackEntry(self._new_key(), seed=new_seed()))

    def duplicate(self) -> None:
        """The same description above the selected one, with another seed: it will be another layer."""
        self.changing.emit(None)
        if self.entry:
            self._insert(replace(self.entry, key=self._new_key(), seed=new_seed(), layer="", is_locked=False))

    def delete(self, *, is_gone: bool = False) -> None:
        """`is_gone`: from the document, too."""
        self.changing.emit(None)
        if self.entry:
            stack, index = self.stack.value, self.selected.value
            dropped = (*stack.dropped, self.entry.layer) if self.entry.layer and not is_gone else stack.dropped
            self._set((*stack.entries[:index], *stack.entries[index + 1 :]), max(index - 1, 0), dropped)

    def move(self, by: int) -> None:
        """The selected layer, up where `by` is 1, down where it is -1; stays where there is no place."""
        self.changing.emit(None)
        entries, index = list(self.stack.value.entries), self.selected.value
        if self.entry and 0 <= index + by < len(entries):
            entries.insert(index + by, entries.pop(index))
            self._set(tuple(entries), index + by)

    def change(self, index: int, **fields: Any) -> None:
        """Fields of an entry."""
        self.changing.emit(None)
        entries = list(self.stack.value.entries)
        entries[index] = replace(entries[index], **fields)
        self._set(tuple(entries), self.selected.value)

    def change_selected(self, **fields: Any) -> None:
        if self.entry:
            self.change(self.selected.value, **fields)

    def see_below(self, is_wanted: bool) -> None:
        self.changing.emit(None)
        self.stack.value = replace(self.stack.value, sees_below=is_wanted)

    def arrived(self, made: Stack) -> None:
        """The document has these layers now; what was edited meanwhile stays."""
        layers = {entry.key: entry.layer for entry in made.entries}
        now = self.stack.value
        entries = tuple(replace(entry, layer=layers.get(entry.key, "")) for entry in now.entries)
        kept = {entry.key for entry in now.entries}
        dropped = tuple(entry.layer for entry in made.entries if entry.layer and entry.key not in kept)
        self.stack.value = replace(now, entries=entries, group=made.group, dropped=dropped)

    def _insert(self, entry: StackEntry) -> None:
        entries, index = self.stack.value.entries, self.selected.value + 1
        self._set((*entries[:index], entry, *entries[index:]), index)

    def _set(self, entries: tuple[StackEntry, ...], selected: int, dropped: tuple[str, ...] | None = None) -> None:
        stack = self.stack.value
        self.stack.value = replace(stack, entries=entries, dropped=stack.dropped if dropped is None else dropped)
        self.selected.value = min(selected, len(entries) - 1)

    def _new_key(self) -> int:
        return new_seed()  # told apart from those of other stacks, too
