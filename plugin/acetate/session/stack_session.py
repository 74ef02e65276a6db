"""The stacks of the open documents, and the jobs that make them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from acetate.coroutines import Future, Loop
from acetate.krita.document import OpenDocument, active_document
from acetate.krita.insertion import NewLayer
from acetate.krita.selection import selected
from acetate.krita.stack_insertion import CopiedLayer, Member, StackInsertion, around_active, members_of
from acetate.protocol.errors import AcetateError, DocumentError
from acetate.protocol.events import Done
from acetate.protocol.geometry import Bounds
from acetate.session import recipes
from acetate.session.generation import Generation
from acetate.session.history import Result
from acetate.session.jobs import Job, Phase
from acetate.session.messages import Message, done_otherwise
from acetate.session.observable import Observable, Signal
from acetate.session.results import Results
from acetate.session.settings import Settings
from acetate.session.stack import Slot, Stack, StackEntry, arranged, caught_up, keys_of
from acetate.session.stack_editor import StackEditor
from acetate.session.stack_keeping import keep, stacks_of, unread_stacks
from acetate.session.stack_work import StackWork, prepare, read, recipe

GROUP_NAME = "Stack"
TWO_STEPS = "The old group was replaced: undoing that takes two steps."
Start = Callable[[Job, Coroutine[Future[Any], None, None]], None]


class StackSession:
    """One editor, which shows the stack of the active document."""

    def __init__(
        self,
        loop: Loop,
        settings: Settings,
        generation: Generation,
        results: Results,
        message: Observable[Message],
        start: Start,
    ) -> None:
        self.editor = StackEditor(Stack())
        self.opened: Signal[None] = Signal()
        self._loop = loop
        self._settings = settings
        self._generation = generation
        self._results = results
        self._message = message
        self._start = start  # lists the job until the work has ended, and shows an error of it
        self._shown: OpenDocument | None = None
        self.editor.stack.changed.connect(self._keep)

    def enter(self) -> None:
        """Shows the stack of the active document, as undo and redo have left it; the one around the active layer."""
        document = active_document()
        self._shown = None  # what the editor gets now is not to be kept
        if document is not None:
            self._try(lambda: self._load(document))
            self._shown = document

    def open(self) -> None:
        """Brings up the stack builder."""
        self.enter()
        self.opened.emit(None)

    def new(self) -> None:
        """A stack beside those that the document has."""
        self.editor.load(Stack())
        self.editor.add()

    def select_region(self) -> None:
        """The selected layer goes where the selection is."""

        def take() -> None:
            bounds = selected(self._document())
            if bounds is None:
                raise DocumentError("nothing is selected", "Select where the layer is to be, then press this again.")
            self.editor.change_selected(region=bounds)

        self._try(take)

    def generate(self, only: int | None = None, *, with_above: bool = False) -> None:
        """All layers that are not locked; or the one at `only`, and where wanted those above it."""

        def begin() -> None:
            document = self._document()
            stack = caught_up(self.editor.stack.value, stacks_of(document), document.node_ids())
            self.editor.stack.value = stack
            work = prepare(stack, self._settings, document, only, with_above=with_above)
            self._start(work.job, self._carry_out(work))

        self._try(begin)

    async def _carry_out(self, work: StackWork) -> None:
        job = work.job
        request, pictures = await read(work, self._loop)
        if job.is_cancel_wanted:
            job.enter(Phase.CANCELLED)
            return
        job.request = request
        await self._generation.send(job, pictures)
        if job.error:
            raise job.error
        if job.result:
            notes = await self._insert(work, job.result)
            self._message.value = done_otherwise((*job.result.notes, *notes))
            job.enter(Phase.DONE)

    async def _insert(self, work: StackWork, done: Done) -> tuple[str, ...]:
        """One layer takes the place of the old one in one undo step; several come with a new group."""
        made = [asked.entry for asked in work.asked if asked.is_made]
        layers = [layer for asked, layer in zip(work.asked, done.layers, strict=True) if asked.is_made]
        result = Result(work.job.id, work.job.request, tuple(layers))
        there = members_of(work.document, work.stack.group)
        slots = arranged(work.stack, tuple(there), [entry.key for entry in made])
        if len(made) == 1 and fits_in(slots, there, layers[0].bounds):
            placed = await self._results.replace(result, work.document, made[0].layer, None)
            ids = {slot.key: slot.old for slot in slots} | {made[0].key: placed.layers[0]}
            self._arrived(work, work.stack.group, ids)
            return placed.notes
        return await self._regroup(work, slots, made, result)

    async def _regroup(
        self, work: StackWork, slots: list[Slot], made: list[StackEntry], result: Result
    ) -> tuple[str, ...]:
        pictures = zip(made, result.layers, await self._results.remember(result), strict=True)
        new = {entry.key: NewLayer(layer.name, layer.bounds, picture) for entry, layer, picture in pictures}
        parts = [new[slot.key] if slot.is_new else CopiedLayer(slot.old, slot.is_visible) for slot in slots]
        insertion = StackInsertion(work.document, parts, work.stack.group)
        notes = await self._results.put(insertion, work.place, GROUP_NAME, work.document.extent)
        self._arrived(work, insertion.top, {slot.key: node for slot, node in zip(slots, insertion.ids, strict=True)})
        return (*notes, TWO_STEPS) if insertion.has_replaced else notes

    def _arrived(self, work: StackWork, group: str, ids: dict[int, str]) -> None:
        """The document keeps what it has now; the editor shows it, if it still shows that stack."""
        entries = tuple(replace(entry, layer=ids.get(entry.key, "")) for entry in work.stack.entries)
        made = replace(work.stack, entries=entries, group=group, dropped=())
        keep(work.document, made)
        recipes.keep(
            work.document,
            {ids[asked.entry.key]: recipe(work, asked, ids[asked.entry.key]) for asked in work.asked if asked.is_made},
        )
        is_shown = self._shown is not None and self._shown.handle == work.document.handle
        if is_shown and keys_of(made) & keys_of(self.editor.stack.value):
            self.editor.arrived(made)

    def _load(self, document: OpenDocument) -> None:
        stack = stacks_of(document).current(document.node_ids(), around_active(document))
        if stack != self.editor.stack.value:
            self.editor.load(stack)
        if not stack.entries:
            self.editor.add()
        if unread := unread_stacks(document):
            raise unread

    def _keep(self, stack: Stack) -> None:
        if self._shown is not None and self._shown.is_open:
            keep(self._shown, stack)

    @staticmethod
    def _document() -> OpenDocument:
        document = active_document()
        if document is None:
            raise DocumentError("no document is open", "Open or create a picture first.")
        return document

    def _try(self, action: Callable[[], None]) -> None:
        """An error of it is shown."""
        self._message.value = None
        try:
            action()
        except AcetateError as error:
            self._message.value = error


def fits_in(slots: Sequence[Slot], there: Mapping[str, Member], bounds: Bounds) -> bool:
    """Whether the one new layer can take the place of the old one, with all else left as it is.

    `bounds` is what the new layer covers: whatever the old one shows beside it would stay.
    """
    if [slot.old for slot in slots] != list(there):
        return False
    if any(slot.is_visible not in (None, there[slot.old].is_visible) for slot in slots):
        return False
    (old,) = [there[slot.old] for slot in slots if slot.is_new]
    return old.is_plain and old.is_visible and bounds.contains(old.bounds)
