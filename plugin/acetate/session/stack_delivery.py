"""What becomes of the layers of a stack: one takes the place of the old one, several come with a new group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from acetate.host import CopiedLayer, Document, Member, until_idle
from acetate.language import mark
from acetate.protocol.events import Done
from acetate.protocol.geometry import Bounds
from acetate.session import recipes
from acetate.session.delivery import Placed, Placing, Seen
from acetate.session.history import Alternative
from acetate.session.jobs import Job
from acetate.session.stack import GroupSlot, Stack, StackEntry, arranged
from acetate.session.stack_keeping import keep
from acetate.session.stack_work import StackPlan, recipe

GROUP_NAME = mark("Stack")
TWO_STEPS = mark("The old group was replaced: undoing that takes two steps.")


@dataclass(frozen=True)
class StackLayers:
    """`arrived` is told what the document has afterwards."""

    placing: Placing
    document: Document
    planned: StackPlan
    arrived: Callable[[Document, Stack], None]

    async def deliver(self, job: Job, done: Done, seen: Seen) -> Placed:
        stack, asked = self.planned.stack, self.planned.asked
        made = [part.entry for part in asked if part.is_made]
        layers = tuple(layer for part, layer in zip(asked, done.layers, strict=True) if part.is_made)
        result = Alternative(job.id, job.request, layers, job.filing.document)
        there = self.document.members(stack.group)
        slots = arranged(stack, tuple(there), [entry.key for entry in made])
        if len(made) == 1 and fits_in(slots, there, layers[0].bounds):
            placed = await self.placing.replace(result, self.document, made[0].layer, None, seen.geometry)
            ids = {slot.key: slot.old for slot in slots} | {made[0].key: placed.layers[0]}
            self._keep(job, stack.group, ids, placed.boxes)
            return placed
        return await self._regroup(job, slots, made, result, seen)

    async def _regroup(
        self, job: Job, slots: list[GroupSlot], made: list[StackEntry], result: Alternative, seen: Seen
    ) -> Placed:
        layers, moved, _ = await self.placing.placed(result, self.document, seen.geometry)
        new = {entry.key: layer for entry, layer in zip(made, layers, strict=True)}
        parts = [new[slot.key] if slot.is_new else CopiedLayer(slot.old, slot.is_visible) for slot in slots]
        await until_idle(self.document, self.placing.loop)
        insertion = self.document.stack_insertion(parts, self.planned.stack.group)
        notes = await self.placing.put(insertion, self.planned.place, GROUP_NAME, self.document.current_extent())
        notes = (*moved, *notes)
        ids = {slot.key: node for slot, node in zip(slots, insertion.ids, strict=True)}
        self._keep(job, insertion.top, ids, await self.placing.boxes(self.document, insertion.ids))
        return Placed(result, insertion.ids, (*notes, TWO_STEPS) if insertion.has_replaced else notes)

    def _keep(self, job: Job, group: str, ids: dict[int, str], boxes: Mapping[str, Bounds]) -> None:
        """The document keeps what it has now."""
        stack = self.planned.stack
        entries = tuple(replace(entry, layer=ids.get(entry.key, "")) for entry in stack.entries)
        made = replace(stack, entries=entries, group=group, dropped=())
        keep(self.document, made)
        parts = [part for part in self.planned.asked if part.is_made]
        kept = {ids[part.entry.key]: recipe(self.planned, job.request, part, ids[part.entry.key]) for part in parts}
        recipes.keep(self.document, kept, boxes)
        self.arrived(self.document, made)


def fits_in(slots: Sequence[GroupSlot], there: Mapping[str, Member], bounds: Bounds) -> bool:
    """Whether the one new layer can take the place of the old one, with all else left as it is.

    `bounds` is what the new layer covers: whatever the old one shows beside it would stay.
    """
    if [slot.old for slot in slots] != list(there):
        return False
    if any(slot.is_visible not in (None, there[slot.old].is_visible) for slot in slots):
        return False
    (old,) = [there[slot.old] for slot in slots if slot.is_new]
    return old.is_plain and old.is_visible and bounds.contains(old.bounds)
