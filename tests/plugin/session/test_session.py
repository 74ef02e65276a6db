"""A whole session beside a real engine, in a painting program that is not Krita."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from acetate.client import api
from acetate.client.launcher import Launcher
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pictures import Click
from acetate.protocol.requests import Task
from acetate.session.history import Alternative
from acetate.session.jobs import Phase
from acetate.session.messages import AT_WORK, Notice
from acetate.session.recipes import recipe_of
from acetate.session.results import Apply
from acetate.session.session import Session
from acetate.session.settings import Outcome
from acetate.session.views import Show
from tests.engine.process import is_worker
from tests.plugin.session.paper import Node, Paper, PaperDocument
from tests.plugin.session.studio import Studio, pixels_of

pytestmark = pytest.mark.engine


@contextmanager
def held(process: int) -> Iterator[None]:
    """It does nothing meanwhile."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def worker_of(engine: int) -> int:
    children = Path(f"/proc/{engine}/task/{engine}/children").read_text().split()
    return next(int(child) for child in children if is_worker(int(child)))


def test_a_layer_comes_above_the_active_one_in_one_step(studio: Studio, document: PaperDocument) -> None:
    studio.generate()
    assert studio.session.message.value is None
    assert [node.name for node in document.root.children] == ["Background", "tree", "Identity", "sky"]
    assert np.array_equal(pixels_of(document.named("Identity")), pixels_of(document.named("tree")))
    assert len(document.steps) == 1
    document.undo()
    assert [node.name for node in document.root.children] == ["Background", "tree", "sky"]


def test_a_selection_cuts_it_out(studio: Studio, document: PaperDocument) -> None:
    document.select(Bounds(10, 8, 6, 5))
    studio.generate()
    made = pixels_of(document.named("Identity"))
    assert np.count_nonzero(made[..., 3]) == 30 and made[8:13, 10:16, 3].min() == 255


def test_a_picture_that_is_worked_on_is_waited_for(studio: Studio, document: PaperDocument) -> None:
    """An open transform, say: its layers are not read before it is applied, and the painter is told."""
    document.is_worked_on = True
    studio.session.generate()
    studio.events.run_until(lambda: studio.session.message.value is AT_WORK)
    assert [job.id for job in studio.session.jobs] == [""]  # nothing was sent
    document.is_worked_on = False
    studio.wait()
    assert studio.session.message.value is None
    assert document.named("Identity")


def test_a_result_waits_until_the_picture_is_not_worked_on(studio: Studio, document: PaperDocument) -> None:
    studio.generate()
    document.undo()
    document.is_worked_on = True
    studio.session.insert(studio.session.history.entries[0].result)
    studio.events.run_until(lambda: studio.session.message.value is AT_WORK)
    assert [node.name for node in document.root.children] == ["Background", "tree", "sky"]
    document.is_worked_on = False
    studio.events.run_until(lambda: bool(document.steps))
    assert document.named("Identity") and studio.session.message.value is None


@pytest.mark.parametrize("how", [Apply.ABOVE, Apply.REPLACE])
@pytest.mark.parametrize("task", [Task.IDENTITY, Task.MATCH_LIGHT])
def test_nothing_is_read_or_put_while_the_painter_paints(
    studio: Studio, document: PaperDocument, task: Task, how: Apply
) -> None:
    studio.session.do(task)
    studio.wait()
    result = studio.session.history.entries[0].result
    assert result.request.task is task and len(document.steps) == 1, studio.session.message.value
    studio.session.insert(result, how)
    studio.events.run_until(lambda: len(document.steps) == 2 or studio.session.message.value)
    assert len(document.steps) == 2, studio.session.message.value


def test_what_is_wrong_is_said_and_nothing_is_sent(studio: Studio, document: PaperDocument) -> None:
    studio.session.settings.task.value = Task.FOREGROUND
    studio.session.generate()
    assert "prompt is empty" in str(studio.session.message.value)
    assert not studio.session.jobs
    studio.paper.active = None
    studio.session.generate()
    assert "no document is open" in str(studio.session.message.value)


def test_how_a_layer_was_made_is_kept_without_invented_digests(studio: Studio, document: PaperDocument) -> None:
    studio.generate()
    recipe = recipe_of(document, document.named("Identity").id)
    assert recipe.foreground is not None and recipe.foreground.show is Show.ONLY
    assert recipe.request.foreground not in (None, "", "0" * 64)
    document.named("tree").pixels = pixels_of(document.named("sky"))
    document.activate(document.named("Identity"))
    studio.session.regenerate(is_varied=False)
    studio.wait()
    again = document.root.children[3]
    assert again.name == "Identity"
    assert np.array_equal(pixels_of(again), pixels_of(document.named("sky")))


def test_what_made_a_layer_that_is_gone_is_taken_from_the_engine(studio: Studio, document: PaperDocument) -> None:
    studio.generate()
    before = pixels_of(document.named("Identity"))
    document.root.children.remove(document.named("tree"))
    document.activate(document.named("Identity"))
    studio.session.regenerate(is_varied=False)
    studio.wait()
    assert np.array_equal(pixels_of(document.root.children[2]), before)


def test_a_cancelled_job_leaves_nothing(studio: Studio, document: PaperDocument) -> None:
    studio.session.generate()
    studio.session.cancel()
    studio.wait()
    assert studio.session.message.value is None
    assert not document.steps


def test_all_that_was_cancelled_at_once_can_be_sent_again(studio: Studio, document: PaperDocument) -> None:
    studio.generate()  # the engine is there
    document.undo()
    document.steps.clear()
    session, connection = studio.session, studio.events.run(studio.session.engine.connection())
    with held(worker_of(connection.pid)):
        for _ in range(3):
            session.generate()
        studio.events.run_until(lambda: all(job.phase.value in (Phase.RUNNING, Phase.QUEUED) for job in session.jobs))
        asked = [job.request.seed for job in session.jobs]
        session.cancel_all()
        session.cancel_all()  # they are ending: the offer is still that of all
        offered = session.message.value
        assert isinstance(offered, Notice) and offered.offer
    studio.wait()
    made = len(document.steps)  # the one that was under way may have been faster
    assert made <= 1 and session.message.value is offered
    offered.offer.work()
    again = [job.request.seed for job in session.jobs]
    assert again == [seed for seed in asked if seed in again]  # which of them reached the engine first is not said
    assert len(again) == len(asked) - made
    studio.wait()
    assert [node.name for node in document.root.children].count("Identity") == len(document.steps) == 3


def test_a_job_of_an_earlier_session_that_was_cancelled_with_all_can_be_sent_again(
    studio: Studio, document: PaperDocument
) -> None:
    studio.generate()
    connection = studio.events.run(studio.session.engine.connection())
    made, *_ = studio.sent()
    assert made.request is not None
    left = [dataclasses.replace(made.request, seed=made.request.seed + more) for more in (1, 2)]
    with held(worker_of(connection.pid)):
        for request in left:
            api.post_job(connection, request, f"nobody-follows-{request.seed}")
        other = Session(studio.events.loop.post, Paper(), Launcher())
        other.warm_up()
        studio.events.run_until(lambda: len(other.jobs) == 2)
        other.cancel_all()
        offered = other.message.value
        studio.events.run_until(lambda: len(other.jobs) == 1)  # the one that waited has ended
    studio.events.run_until(lambda: not other.jobs)
    assert isinstance(offered, Notice) and offered.offer
    offered.offer.work()
    studio.events.run_until(lambda: not other.jobs)
    assert {request.seed for request in left} <= {entry.result.request.seed for entry in other.history.entries}
    other.engine.stop()


def test_a_document_that_was_closed_is_left_alone(studio: Studio, document: PaperDocument) -> None:
    studio.session.generate()
    document.is_open = False
    studio.wait()
    assert "closed meanwhile" in str(studio.session.message.value)
    assert not document.steps


def test_the_history_brings_a_result_back(studio: Studio, document: PaperDocument) -> None:
    studio.generate()
    document.undo()
    result = studio.session.history.entries[0].result
    studio.session.insert(result)
    studio.events.run_until(lambda: document.steps)
    assert np.array_equal(pixels_of(document.named("Identity")), pixels_of(document.named("tree")))


def test_what_is_sent_is_shown(studio: Studio, document: PaperDocument) -> None:
    studio.session.look()
    studio.events.run_until(lambda: studio.session.sending.shown.value)
    (shown,) = studio.session.sending.shown.value
    studio.generate()
    (entry, *_) = studio.session.history.entries
    assert (shown.title, shown.digest) == ("Foreground", entry.result.request.foreground)


def test_a_second_document_has_its_own_picks(studio: Studio, document: PaperDocument) -> None:
    studio.session.enter_document()
    studio.session.settings.foreground.value = (document.named("sky").id,)
    studio.generate()
    studio.paper.new(10, 10)
    studio.session.enter_document()
    assert studio.session.settings.foreground.value == ("active",)


def test_a_stack_becomes_a_group_and_one_layer_takes_its_place_again(studio: Studio, document: PaperDocument) -> None:
    stack, session = studio.session.stack, studio.session
    stack.enter()
    stack.editor.change_selected(prompt="a red apple", region=Bounds(0, 0, 32, 32), seed=1)
    stack.editor.add()
    stack.editor.change_selected(prompt="a green pear", region=Bounds(16, 0, 32, 32), seed=2)
    stack.generate()
    studio.events.run_until(lambda: not session.jobs, 300)
    assert session.message.value is None or isinstance(session.message.value, Notice), session.message.value
    group = document.named("Stack")
    assert len(group.children) == 2 and len(document.steps) == 1
    lower, upper = (pixels_of(node) for node in group.children)
    stack.generate(1)
    studio.events.run_until(lambda: not session.jobs, 300)
    group = document.named("Stack")
    assert np.array_equal(pixels_of(group.children[0]), lower)
    assert not np.array_equal(pixels_of(group.children[1]), upper) or upper.any()
    assert len(document.steps) == 2
    kept = recipe_of(document, group.children[1].id)
    assert (kept.request.task, kept.request.background) == (Task.FOREGROUND_ON_BACKGROUND, None)


def test_a_stack_agrees_with_a_document_whose_layers_go_and_come_back(studio: Studio, document: PaperDocument) -> None:
    stack, session = studio.session.stack, studio.session
    stack.enter()
    for index, words in enumerate(("a red apple", "a green pear", "a lemon")):
        if index:
            stack.editor.add()
        stack.editor.change_selected(prompt=words, region=Bounds(0, 0, 32, 32), seed=index)
    stack.generate()
    studio.events.run_until(lambda: not session.jobs, 300)
    layers = [entry.layer for entry in stack.editor.stack.value.entries]
    stack.editor.selected.value = 1
    stack.delete()
    assert [node.id for node in document.named("Stack").children] == [layers[0], layers[2]]
    assert [entry.layer for entry in stack.editor.stack.value.entries] == [layers[0], layers[2]]
    document.undo()
    stack.follow()
    assert [entry.layer for entry in stack.editor.stack.value.entries] == layers
    document.remove_layer(layers[2])  # in the program's own list of layers
    stack.follow()
    assert len(stack.editor.stack.value.entries) == 3 and layers[2] not in stack.present.value
    document.undo()
    stack.follow()
    assert layers[2] in stack.present.value
    document.undo()  # the stack itself
    stack.follow()
    assert [entry.prompt for entry in stack.editor.stack.value.entries] == ["a red apple", "a green pear", "a lemon"]


def test_another_version_takes_the_place_of_a_layer(studio: Studio, document: PaperDocument) -> None:
    """Outside of the selection every byte stays."""
    settings = studio.session.settings
    settings.task.value, settings.prompt.value, settings.outcome.value = Task.INPAINT, "an apple", Outcome.REPLACE
    before = pixels_of(document.named("tree")).copy()
    document.select(Bounds(10, 8, 8, 8))
    studio.session.generate()
    studio.events.run_until(lambda: not studio.session.jobs, 300)
    after = pixels_of(document.root.children[1])
    assert len(document.root.children) == 3 and len(document.steps) == 1
    changed = np.argwhere((after != before).any(axis=2))
    assert len(changed) and changed.min(axis=0).tolist() >= [8, 10] and (changed.max(axis=0) < [16, 18]).all()


def test_a_result_follows_a_canvas_that_was_mirrored_meanwhile(studio: Studio, document: PaperDocument) -> None:
    studio.session.generate()
    studio.events.run_until(lambda: studio.session.jobs[0].id)
    document.mirror()
    studio.wait()
    assert np.array_equal(pixels_of(document.named("Identity")), pixels_of(document.named("tree")))


def test_what_is_varied_comes_where_the_layer_was_moved_to(studio: Studio, document: PaperDocument) -> None:
    document.select(Bounds(10, 8, 6, 5))
    studio.generate()
    made = document.named("Identity")
    made.pixels = np.roll(pixels_of(made), (3, 7), (0, 1))
    document.activate(made)
    document.mask = None
    studio.session.regenerate(is_varied=True)
    studio.wait()
    again = document.root.children[3]
    assert document.layer_box(again.id) == Bounds(17, 11, 6, 5)


def test_a_copy_of_a_layer_knows_how_it_was_made(studio: Studio, document: PaperDocument) -> None:
    studio.session.settings.prompt.value, studio.session.settings.random_seed.value = "a fox", False
    studio.generate()
    made = document.named("Identity")
    copy = Node("Copy of Identity", pixels_of(made))
    document.root.children.append(copy)
    assert recipe_of(document, copy.id).request.prompt == "a fox"


def test_the_history_puts_a_result_onto_a_smaller_canvas(studio: Studio, document: PaperDocument) -> None:
    document.select(Bounds(40, 24, 8, 8))
    studio.generate()
    result = studio.session.history.entries[0].result
    other = studio.paper.new(20, 16)
    studio.session.insert(result)
    studio.events.run_until(lambda: other.steps)
    studio.events.run_until(lambda: studio.session.message.value)
    assert "moved onto it" in str(studio.session.message.value)


def test_a_locked_place_is_refused_before_the_job(studio: Studio, document: PaperDocument) -> None:
    document.root.is_locked = True
    studio.session.generate()
    assert not studio.session.jobs
    assert "locked" in str(studio.session.message.value)


def test_settings_follow_the_document_that_comes_to_the_front(studio: Studio, document: PaperDocument) -> None:
    """Also where nobody says so: another window of the program may have come to the front."""
    session, settings = studio.session, studio.session.settings
    session.follow()
    settings.prompt.value = "of the first"
    other = studio.paper.new(16, 16)
    session.follow()
    assert settings.prompt.value == ""
    settings.prompt.value = "of the second"
    studio.paper.active = document
    session.generate()  # the press of the button brought it there
    assert settings.prompt.value == "of the first"
    studio.wait()
    assert document.steps and not other.steps


def test_jobs_of_another_program_that_runs_are_left_to_it(studio: Studio, document: PaperDocument) -> None:
    studio.generate()  # the engine is there
    connection = studio.events.run(studio.session.engine.connection())
    with held(worker_of(connection.pid)):
        studio.session.generate()
        studio.events.run_until(lambda: any(job.followed for job in api.recent(connection, 1)))
        (mine,) = studio.session.jobs
        left = dataclasses.replace(mine.request, seed=mine.request.seed + 1)
        orphan = api.post_job(connection, left, "nobody-follows-it").id
        other = Session(studio.events.loop.post, Paper(), Launcher())
        other.warm_up()
        studio.events.run_until(lambda: other.jobs)
        assert [job.id for job in other.jobs] == [orphan]
    studio.events.run_until(lambda: not other.jobs)
    studio.wait()
    other.engine.stop()
    assert api.health(connection).pid == connection.pid  # the first one uses it still


def test_a_result_goes_into_a_group_or_in_place_of_a_layer(studio: Studio, document: PaperDocument) -> None:
    studio.generate()
    result = studio.session.history.entries[0].result
    studio.session.insert(result, Apply.INSIDE)
    studio.events.run_until(lambda: studio.session.message.value)
    assert "no group" in str(studio.session.message.value)
    group = Node("group", None, [Node("in it", pixels_of(document.named("sky")))])
    document.root.children.append(group)
    document.activate(group)
    studio.session.insert(result, Apply.INSIDE)
    studio.events.run_until(lambda: len(group.children) == 2)
    document.activate(document.named("sky"))
    studio.session.insert(result, Apply.REPLACE)
    studio.events.run_until(lambda: "sky" not in [node.name for node in document.root.walk()])


def test_what_is_moved_to_the_front_is_made_first(studio: Studio, document: PaperDocument) -> None:
    session = studio.session
    connection = studio.events.run(session.engine.connection())
    with held(worker_of(connection.pid)):  # else the last may be done before all of them are sent
        for index in range(4):
            session.settings.prompt.value = f"job {index}"
            session.generate()
        studio.events.run_until(lambda: all(job.id for job in session.jobs))
        last = next(job for job in session.jobs if job.request.prompt == "job 3")
        session.move_to_front(last)
    studio.wait()
    assert last.filing.priority == 1


def test_results_belong_to_their_document(studio: Studio, document: PaperDocument) -> None:
    studio.generate()
    result = studio.session.history.entries[0].result
    assert studio.session.is_of_document(result) and result.document == document.annotation("acetate/document").decode()
    studio.paper.new(8, 8)
    assert not studio.session.is_of_document(result)


def test_words_of_a_stack_that_is_not_made_yet_are_taken_back(studio: Studio, document: PaperDocument) -> None:
    stack, session = studio.session.stack, studio.session
    stack.enter()
    stack.editor.change_selected(prompt="a red apple")
    stack.editor.add()
    stack.editor.change_selected(prompt="a green pear", seed=2)
    before = stack.editor.stack.value
    for work in (stack.delete, stack.new):
        work()
        message = session.message.value
        assert isinstance(message, Notice) and message.offer and "a green pear" in message.detail
        message.offer.work()
        assert stack.editor.stack.value == before and session.message.value is None
    stack.delete()
    stack.editor.change_selected(prompt="a lemon")  # it would be lost by going back now
    assert session.message.value is None
    stack.new()
    stack.new()  # nothing was written in it
    assert session.message.value is None


def test_a_new_document_has_nothing_of_another(studio: Studio, document: PaperDocument) -> None:
    """No words, and nothing that lies at a place on the canvas of that."""
    settings = studio.session.settings
    empty = settings.saved()
    words = [name for name in vars(empty) if name.endswith("prompt")]
    settings.take({name: f"a {name}" for name in words})
    settings.take({"clicks": (Click(3, 4, True),), "box": Bounds(1, 2, 3, 4)})
    kept = settings.saved()
    other = studio.paper.new(64, 64)
    studio.session.enter_document()
    for name in (*words, "clicks", "box"):
        assert settings.values[name].value == getattr(empty, name), name
    studio.paper.active = document
    studio.session.enter_document()
    assert settings.saved() == kept and other is not document


def test_edges_have_no_settings_to_be_copied(studio: Studio, document: PaperDocument) -> None:
    """A list of tasks that lacks theirs could not show it."""
    session = studio.session
    before = session.settings.saved()
    request = dataclasses.replace(session.settings.request(document.bounds, document.wire_format), task=Task.EDGES)
    session.copy_settings_of(Alternative("job", request, ()))
    assert session.settings.saved() == before
    assert isinstance(session.message.value, DocumentError) and "Edges of a layer" in session.message.value.detail
