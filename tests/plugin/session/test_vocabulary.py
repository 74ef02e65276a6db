"""Words that the engine tells of: a real one."""

from __future__ import annotations

from acetate.client import api
from acetate.protocol.words import Untaught
from acetate_engine.paths import wildcards_dir
from tests.plugin.session.studio import Studio


def test_what_the_model_was_taught_and_what_it_was_not(studio: Studio) -> None:
    session, events = studio.session, studio.events
    (wildcards_dir() / "animals").mkdir(parents=True)
    (wildcards_dir() / "animals" / "cats.txt").write_text("a lion\n")
    session.settings.prompt.value = "a kitten"
    assert session.words.untaught.value == Untaught()  # no engine is started for it
    events.run(session.engine.connection())
    events.run_until(lambda: session.words.untaught.value.word == "kitten")
    assert "a cat, 3d emoji" in session.words.untaught.value.near
    assert "a fox, 3d emoji" in session.words.vocabulary.value.things
    assert session.words.vocabulary.value.wildcards == ("animals/cats",)
    session.settings.prompt.value = "golden sparks"
    events.run_until(lambda: session.words.untaught.value.is_done_badly)
    session.settings.prompt.value = "a cat"
    assert session.words.untaught.value == Untaught()


def test_a_model_that_is_not_there_and_names_of_any_kind(studio: Studio) -> None:
    for name in ("gone", "sub/dream", "ä ö", "..", "%2e%2e"):
        found = studio.events.run(studio.session.engine.call(lambda at, name=name: api.words(at, name)))
        assert found.things == ()
    near = studio.events.run(studio.session.engine.call(lambda at: api.untaught(at, "sub/dream", "a kitten & 猫 #1?")))
    assert near == Untaught()
