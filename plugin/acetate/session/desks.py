"""Each document has settings of its own: a prompt that was typed for one picture does not show in another."""

from __future__ import annotations

from acetate.host import Document, Host
from acetate.protocol.errors import DocumentError
from acetate.session.settings import ACTIVE, BELOW, DECLARED, Saved, Settings
from acetate.session.settings_keeping import KeptSettings

SETTINGS = "acetate/settings"  # type of the annotation


def open_document(host: Host) -> Document:
    """The active one. Raises DocumentError where there is none."""
    document = host.active_document()
    if document is None:
        raise DocumentError("no document is open", "Open or create a picture first.")
    return document


class Desks:
    """What lay on the desk when a document was left; found by the document itself, for a copy has the same ids."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._current: Document | None = None
        self._left: list[tuple[Document, Saved]] = []

    def enter(self, document: Document | None) -> KeptSettings | None:
        """Puts this document's settings there; gives what the document itself has kept, where it is seen first.

        A new document starts without words; model, task and the like stay as they are.
        """
        if not self.is_other(document):
            return None
        before = self._current
        self._leave()
        self._current = document
        known = [saved for desk, saved in self._left if document is not None and desk.is_same(document)]
        if known:
            self._settings.restore(known[0])
        elif before is not None:
            self._clear()
        if document is None or known:
            return None
        kept = KeptSettings.read(document.annotation(SETTINGS))
        self._settings.take(kept.values)
        return kept

    def is_other(self, document: Document | None) -> bool:
        """Than the one whose settings are there."""
        if document is None or self._current is None:
            return document is not self._current
        return not self._current.is_same(document)

    def _leave(self) -> None:
        current = self._current
        if current is not None:
            others = [(desk, saved) for desk, saved in self._left if desk.is_open and not desk.is_same(current)]
            self._left = [*others, (current, self._settings.saved())] if current.is_open else others

    def _clear(self) -> None:
        words = [name for name in DECLARED if name.endswith("prompt")]
        picks = {"background": (BELOW,), "foreground": (ACTIVE,), "controls": (), "clicks": (), "box": None}
        self._settings.take({**dict.fromkeys(words, ""), **picks})


def keep(document: Document, saved: Saved) -> None:
    """With the document, so that it is there again when the file is opened."""
    document.annotate(SETTINGS, KeptSettings.read(document.annotation(SETTINGS)).write(saved))
