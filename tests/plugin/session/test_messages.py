"""What a painter is told after a job, and what not again."""

from __future__ import annotations

from acetate.protocol.errors import DocumentError, EngineUnreachable, InvalidRequest
from acetate.protocol.tasks import Task
from acetate.session.messages import Told, done_otherwise, headline

OPAQUE = "nothing transparent came out, alpha is opaque over 98 % of the layer: it does not follow the weights"
UNFINISHED = "enlarged without finish: its network is not there. Get it"


def test_what_is_done_nearly_always_is_no_news() -> None:
    assert done_otherwise(("made at 128×128 and enlarged 7.03×",)) is None
    told = done_otherwise(("made at 128×128 and enlarged 7.03×", "the canvas was scaled"))
    assert told is not None and told.detail == "The canvas was scaled."


def test_what_holds_for_every_job_is_told_once() -> None:
    told = Told()
    assert told.news((UNFINISHED, "a"), Task.FOREGROUND) == (UNFINISHED, "a")
    assert told.news((UNFINISHED, "a"), Task.FOREGROUND) == ("a",)


def test_how_krita_works_is_told_once() -> None:
    told, note = Told(), "what the canvas shows of layers in Dissolve mode was sent with another grain"
    assert told.news((note,), Task.FOREGROUND) == (note,)
    assert told.news((note, "a"), Task.REFINE) == ("a",)


def test_each_way_of_filling_is_told_once() -> None:
    told, ways = Told(), ("filled by PatchMatch, from the picture itself", "filled by Dream, which painted it")
    assert told.news(ways[:1], Task.REMOVE) == ways[:1] and told.news(ways[:1], Task.DECOMPOSE) == ()
    assert told.news(ways, Task.REMOVE) == ways[1:]


def test_another_version_of_an_opaque_layer_may_be_opaque() -> None:
    assert Told().news((OPAQUE,), Task.INPAINT) == ()
    assert Told().news((OPAQUE,), Task.FOREGROUND) == (OPAQUE,)


def test_what_the_painter_can_mend_comes_first() -> None:
    assert headline(InvalidRequest("the prompt is empty", "Type.")) == ("The prompt is empty", "")
    assert headline(DocumentError("nothing is selected", "Select.")) == ("Nothing is selected", "")
    assert headline(EngineUnreachable("no answer", "Wait.")) == ("The engine does not answer", "No answer.")
