"""Drafts while the painter works, beside a real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from acetate.session.live import DRAWING, OFF, SHOWN, WAITS, WATCHING, Live
from acetate.session.recipes import recipe_of
from tests.plugin.session.paper import PaperDocument
from tests.plugin.session.studio import AREA, GREEN, RED, Studio, pixels_of

pytestmark = pytest.mark.engine


@pytest.fixture
def live(studio: Studio) -> Iterator[Live]:
    studio.session.live.is_on.value = True
    yield studio.session.live
    studio.session.live.is_on.value = False


def watch(studio: Studio, until: Callable[[], object]) -> None:
    """Looks as often as the docker does, until this holds."""

    def looks() -> object:
        studio.session.live.look()
        return until()

    studio.events.run_until(looks)


def draw(studio: Studio) -> None:
    """Until what is wished for now is shown."""
    watch(studio, lambda: studio.session.live.state.value == SHOWN and studio.session.live.is_up_to_date)


def test_a_draft_is_shown_and_the_document_stays_as_it_was(studio: Studio, live: Live, document: PaperDocument) -> None:
    before = pixels_of(document.named("tree")).copy()
    draw(studio)
    sketch = live.sketch.value
    assert sketch is not None and sketch.bounds == document.bounds
    assert not document.steps and not document._annotations
    assert np.array_equal(pixels_of(document.named("tree")), before)
    assert not studio.sent()[0].filing.listed
    assert sketch.work.job.id not in [entry.result.job for entry in studio.session.history.entries]


def test_what_is_painted_is_drawn_for_anew(studio: Studio, live: Live, document: PaperDocument) -> None:
    draw(studio)
    first = live.sketch.value
    tree = document.named("tree")
    document.change()
    tree.pixels = np.where(pixels_of(tree) == RED, np.uint8(GREEN), pixels_of(tree)).astype(np.uint8)
    watch(studio, lambda: live.sketch.value is not first and live.sketch.value)
    assert live.sketch.value is not None and first is not None
    assert live.sketch.value.picture.strips != first.picture.strips


def test_what_does_not_count_asks_for_nothing(studio: Studio, live: Live, document: PaperDocument) -> None:
    draw(studio)
    count = len(studio.sent())
    document.add("above", Bounds(0, 0, 4, 4), GREEN)
    draw(studio)
    assert len(studio.sent()) == count


def test_the_newest_wish_takes_the_place_of_those_that_wait(
    studio: Studio, live: Live, document: PaperDocument
) -> None:
    draw(studio)
    count, settings = len(studio.sent()), studio.session.settings
    for words in ("a", "a f", "a fo", "a fox"):
        settings.prompt.value = words
        live.look()
    draw(studio)
    assert live.sketch.value is not None and live.sketch.value.work.job.request.prompt == "a fox"
    assert len(studio.sent()) == count + 1


def test_a_draft_for_other_words_is_broken_off(studio: Studio, live: Live, document: PaperDocument) -> None:
    settings = studio.session.settings
    settings.prompt.value = "a pear"
    watch(studio, lambda: live.state.value == DRAWING)
    settings.prompt.value = "a fox"
    watch(studio, lambda: live.sketch.value)
    assert live.sketch.value is not None and live.sketch.value.work.job.request.prompt == "a fox"
    settings.prompt.value = "a pear"  # what was broken off is made when it is wished for again
    watch(studio, lambda: live.sketch.value and live.sketch.value.work.job.request.prompt == "a pear")


def test_a_painter_who_never_pauses_is_drawn_for(studio: Studio, live: Live, document: PaperDocument) -> None:
    def paint() -> object:
        document.change()
        return live.sketch.value

    watch(studio, paint)


def test_one_click_keeps_it_in_one_step(studio: Studio, live: Live, document: PaperDocument) -> None:
    draw(studio)
    sketch = live.sketch.value
    assert sketch is not None
    studio.session.keep_sketch()
    studio.session.keep_sketch()
    studio.events.run_until(lambda: document.steps and studio.session.history.entries)
    assert [node.name for node in document.root.children] == ["Background", "tree", "Identity", "sky"]
    assert np.array_equal(pixels_of(document.named("Identity")), pixels_of(document.named("tree")))
    studio.events.run_until(lambda: document._annotations)
    assert recipe_of(document, document.named("Identity").id).request == sketch.work.job.request
    assert studio.session.history.entries[0].result.job == sketch.work.job.id
    assert live.sketch.value is None and live.state.value == WATCHING
    kept = next(status for status in studio.sent() if status.id == sketch.work.job.id)
    assert kept.filing.listed
    document.undo()
    assert [node.name for node in document.root.children] == ["Background", "tree", "sky"]


def test_what_is_wrong_is_said_until_it_is_mended(studio: Studio, live: Live, document: PaperDocument) -> None:
    studio.session.settings.task.value = Task.FOREGROUND
    watch(studio, lambda: "prompt is empty" in live.state.value)
    assert studio.session.message.value is None
    studio.session.settings.task.value = Task.IDENTITY
    draw(studio)


def test_what_the_painter_asks_for_goes_first(studio: Studio, live: Live, document: PaperDocument) -> None:
    studio.session.settings.prompt.value = "live"
    watch(studio, lambda: live.state.value == DRAWING)
    studio.session.generate()
    watch(studio, lambda: live.state.value == WAITS)
    watch(studio, lambda: document.steps)
    studio.wait()
    draw(studio)


def test_it_belongs_to_the_document_in_front(studio: Studio, live: Live, document: PaperDocument) -> None:
    draw(studio)
    other = studio.paper.new(20, 10)
    watch(studio, lambda: live.sketch.value is None or live.sketch.value.work.document is other)
    draw(studio)
    assert live.sketch.value is not None and live.sketch.value.bounds == other.bounds
    studio.paper.active = None
    watch(studio, lambda: live.sketch.value is None)


def test_a_selection_and_a_closed_document(studio: Studio, live: Live, document: PaperDocument) -> None:
    document.select(AREA)
    draw(studio)
    assert live.sketch.value is not None and live.sketch.value.bounds == AREA
    document.is_open = False
    studio.session.keep_sketch()
    studio.events.run_until(lambda: studio.session.message.value)
    assert "closed meanwhile" in str(studio.session.message.value)
    assert live.sketch.value is None


def test_switched_off_it_shows_and_asks_for_nothing(studio: Studio, live: Live, document: PaperDocument) -> None:
    draw(studio)
    live.is_on.value = False
    assert live.sketch.value is None and live.state.value == OFF
    count = len(studio.sent())
    document.change()
    for _ in range(10):
        live.look()
    assert len(studio.sent()) == count
