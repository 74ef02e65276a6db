"""What the painter says of results: stars, discards and what was put into a document, kept by the engine."""

from __future__ import annotations

import pytest

from acetate.session.messages import Notice
from tests.plugin.session.paper import PaperDocument
from tests.plugin.session.studio import Studio

pytestmark = pytest.mark.engine


def test_stars_and_discards_are_kept_by_the_engine(studio: Studio, document: PaperDocument) -> None:
    session = studio.session
    session.settings.images.value = 3
    studio.generate()
    job = session.history.entries[0].result.job
    entries = session.history.of_job(job)
    assert len(entries) == 3 and all(session.is_of_document(entry.result) for entry in entries)
    session.filings.star(entries[1], is_wanted=True)
    session.filings.discard(session.history.of_job(job)[0])
    assert [entry.is_starred for entry in session.history.of_job(job)] == [True, False]
    studio.events.run_until(
        lambda: studio.sent()[0].filing.discarded == (0,) and studio.sent()[0].filing.starred == (1,)
    )
    again = Studio(studio.events)  # another Krita with the same engine
    again.session.warm_up()
    studio.events.run_until(lambda: len(again.session.history.of_job(job)) == 2)
    assert [entry.is_starred for entry in again.session.history.of_job(job)] == [True, False]
    for entry in session.history.of_job(job):
        session.filings.discard(session.history.of_job(job)[0])
        assert entry not in session.history.of_job(job)
    studio.events.run_until(lambda: not studio.sent()[0].filing.listed)
    studio.generate()  # another, which is listed
    last = Studio(studio.events)
    last.session.warm_up()
    studio.events.run_until(lambda: last.session.history.entries)
    assert not last.session.history.of_job(job)


def test_the_engine_is_told_what_a_document_has(studio: Studio, document: PaperDocument) -> None:
    """The first of a batch, which was inserted; then another one, which was chosen; and no third."""
    session = studio.session
    session.settings.images.value = 3
    studio.generate()
    job = session.history.entries[0].result.job

    def applied() -> list[int]:
        return [entry.image for entry in session.history.of_job(job) if entry.is_applied]

    assert applied() == [0]
    studio.events.run_until(lambda: studio.sent()[0].filing.applied == (0,))
    session.insert(next(entry.result for entry in session.history.of_job(job) if entry.image == 2))
    studio.events.run_until(lambda: studio.sent()[0].filing.applied == (0, 2))
    assert sorted(applied()) == [0, 2]
    again = Studio(studio.events)
    again.session.warm_up()
    studio.events.run_until(lambda: len(again.session.history.of_job(job)) == 3)
    assert sorted(entry.image for entry in again.session.history.of_job(job) if entry.is_applied) == [0, 2]


def test_a_discarded_result_is_taken_back(studio: Studio, document: PaperDocument) -> None:
    """To its place, with its star; the engine and another Krita know it again."""
    session = studio.session
    session.settings.images.value = 3
    studio.generate()
    job = session.history.entries[0].result.job
    middle = session.history.of_job(job)[1]
    session.filings.star(middle, is_wanted=True)
    before = list(session.history.entries)
    for entry in (before[1], before[2], before[0]):
        session.filings.discard(entry)
        assert entry.result not in [other.result for other in session.history.entries]
        offer = session.message.value.offer if isinstance(session.message.value, Notice) else None
        assert offer is not None
        offer.work()
        assert session.history.entries == before
    session.filings.star(session.history.of_job(job)[0], is_wanted=True)  # told last: then all has been told
    studio.events.run_until(lambda: len(studio.sent()[0].filing.starred) == 2)
    assert studio.sent()[0].filing.discarded == () and studio.sent()[0].filing.listed
    again = Studio(studio.events)
    again.session.warm_up()
    studio.events.run_until(lambda: len(again.session.history.of_job(job)) == 3)


def test_the_only_result_of_a_job_is_taken_back(studio: Studio, document: PaperDocument) -> None:
    session = studio.session
    studio.generate()
    (entry,) = session.history.of_job(session.history.entries[0].result.job)
    session.filings.discard(entry)
    message = session.message.value
    assert isinstance(message, Notice) and message.offer
    studio.events.run_until(lambda: not studio.sent()[0].filing.listed)
    message.offer.work()
    message.offer.work()  # pressed in two windows
    assert session.history.entries[0] == entry and len(session.history.of_job(entry.result.job)) == 1
    studio.events.run_until(lambda: studio.sent()[0].filing.listed)
