"""The stacks of the open documents."""

from __future__ import annotations

from collections.abc import Callable

from acetate.host import Document, Host
from acetate.language import mark
from acetate.protocol.errors import DocumentError
from acetate.session.delivery import Placing
from acetate.session.desks import open_document
from acetate.session.flow import Flow, Work
from acetate.session.jobs import Job
from acetate.session.messages import Notice, undoable
from acetate.session.observable import Observable, Signal
from acetate.session.settings import Settings
from acetate.session.stack import Stack, caught_up, keys_of
from acetate.session.stack_delivery import StackLayers
from acetate.session.stack_editor import StackEditor
from acetate.session.stack_keeping import keep, stacks_of, unread_stacks
from acetate.session.stack_work import prepare

DROPPED = mark("Words of the stack are deleted")


class StackSession:
    """One editor, which shows the stack of the active document."""

    def __init__(self, host: Host, settings: Settings, flow: Flow, placing: Placing) -> None:
        self.editor = StackEditor(Stack())
        self.opened: Signal[None] = Signal()
        self._host = host
        self._settings = settings
        self._flow = flow
        self._placing = placing
        self._shown: Document | None = None
        self.present: Observable[frozenset[str]] = Observable(frozenset())  # ids of what the document has
        self._changes: object = None  # of the document, at the last look
        self._undo: Notice | None = None  # the last that was offered
        self.editor.stack.changed.connect(self._keep)
        self.editor.changing.connect(lambda _: self.follow())

    def enter(self) -> None:
        """Shows the stack of the active document, as undo and redo have left it; the one around the active layer."""
        document = self._host.active_document()
        self._shown = None  # what the editor gets now is not to be kept
        self._changes = None
        if document is not None:
            self.present.value = frozenset(document.node_ids())
            self._flow.attempt(lambda: self._load(document))
            self._shown = document

    def open(self) -> None:
        """Brings up the stack builder."""
        self.enter()
        self.opened.emit(None)

    def follow(self) -> None:
        """Looks whether undo, or somebody in the list of layers, has changed the document. Cheap where nothing did."""
        document = self._host.active_document()
        if document is None or self._shown is None or self._flow.jobs or not document.is_same(self._shown):
            return
        changes = document.changes()
        if changes != self._changes:
            self._changes = changes
            self.present.value = frozenset(document.node_ids())
            stack = stacks_of(document).followed(self.editor.stack.value, self.present.value)
            if stack != self.editor.stack.value:
                self.editor.load(stack)

    def delete(self) -> None:
        """The selected entry, and the layer that it became: one undo step, which brings back both."""
        self.follow()
        entry, document = self.editor.entry, self._shown
        if entry is None:
            return
        if document is None or entry.layer not in document.node_ids():
            self._drop(self.editor.delete)
            return

        def remove() -> None:
            document.remove_layer(entry.layer)
            self._changes = document.changes()  # it is not undone
            self.editor.delete(is_gone=True)

        self._flow.attempt(remove)

    def new(self) -> None:
        """A stack beside those that the document has."""
        if self.editor.stack.value.group:
            self._begin()
        else:
            self._drop(self._begin)

    def _begin(self) -> None:
        self.editor.load(Stack())
        self.editor.add()

    def _drop(self, change: Callable[[], None]) -> None:
        """Words that the document has nothing of go with it: no undo of Krita brings them back."""
        before = self.editor.stack.value
        change()
        gone = [entry.prompt for entry in before.entries if entry not in self.editor.stack.value.entries]
        if any(map(str.strip, gone)):
            self._undo = undoable(DROPPED, ", ".join(gone), lambda: self.editor.load(before))
            self._flow.message.value = self._undo

    def select_region(self) -> None:
        """The selected layer goes where the selection is."""

        def take() -> None:
            bounds = open_document(self._host).selected()
            if bounds is None:
                raise DocumentError("nothing is selected", "Select where the layer is to be, then press this again.")
            self.editor.change_selected(region=bounds)

        self._flow.attempt(take)

    def generate(self, only: int | None = None, *, with_above: bool = False) -> None:
        """All layers that are not locked; or the one at `only`, and where wanted those above it."""

        def begin() -> Work:
            document = open_document(self._host)
            stack = caught_up(self.editor.stack.value, stacks_of(document), document.node_ids())
            self.editor.stack.value = stack
            planned = prepare(stack, self._settings, document, only, with_above=with_above)
            delivery = StackLayers(self._placing, document, planned, self._arrived)
            return Work(Job(planned.draft.request, document), document, planned.draft, delivery)

        self._flow.start(begin, lambda work, placed: None)

    def _arrived(self, document: Document, made: Stack) -> None:
        """The editor shows what the document has now, if it still shows that stack."""
        self._changes = None
        is_shown = self._shown is not None and self._shown.is_same(document)
        if is_shown and keys_of(made) & keys_of(self.editor.stack.value):
            self.editor.arrived(made)

    def _load(self, document: Document) -> None:
        stack = stacks_of(document).current(document.node_ids(), document.around_active())
        if stack != self.editor.stack.value:
            self.editor.load(stack)
        if not stack.entries:
            self.editor.add()
        if unread := unread_stacks(document):
            raise unread

    def _keep(self, stack: Stack) -> None:
        if self._undo is not None and self._flow.message.value is self._undo:
            self._flow.message.value = None  # it would take back what has come since, too
        if self._shown is not None and self._shown.is_open:
            keep(self._shown, stack)
