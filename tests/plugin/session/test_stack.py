"""Descriptions of stacks: which layers are made, in what order they become a group, what a document keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acetate.protocol.codec import from_json, to_json
from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import ControlKind
from acetate.protocol.slots import Role
from acetate.session.control_layers import ControlLayer, Follow
from acetate.session.settings import ACTIVE, Settings
from acetate.session.stack import NO_ENTRY, GroupSlot, Stack, StackEntry, Stacks, arranged, caught_up, plan
from acetate.session.stack_editor import StackEditor
from acetate.session.stack_work import prepare, recipe
from acetate.session.views import Show, View
from tests.plugin.session.paper import Paper

LAYERS = {"one", "two", "three"}
ENTRIES = tuple(StackEntry(key, f"prompt {layer}", layer=layer) for key, layer in enumerate(("one", "two", "three"), 1))
STACK = Stack(ENTRIES, "group")


def changed(*changes: dict[str, object]) -> Stack:
    """STACK with fields of its entries changed, bottom to top."""
    return replace(STACK, entries=tuple(replace(e, **c) for e, c in zip(ENTRIES, changes, strict=True)))  # type: ignore[arg-type]


def test_everything_that_is_not_locked_is_made() -> None:
    assert plan(STACK, LAYERS).made == (0, 1, 2)
    assert plan(STACK, LAYERS).seen == ()
    locked = changed({}, {"is_locked": True}, {})
    assert (plan(locked, LAYERS).made, plan(locked, LAYERS).seen) == ((0, 2), (1,))
    assert plan(locked, {"one", "three"}).made == (0, 1, 2)  # there is no picture to keep
    hidden = changed({"is_enabled": False}, {"is_locked": True}, {})
    assert (plan(hidden, LAYERS).made, plan(hidden, LAYERS).seen) == ((2,), (1,))


def test_one_is_made_alone_or_with_those_above_it() -> None:
    one = plan(STACK, LAYERS, only=1)
    assert (one.made, one.seen) == ((1,), (0,))  # those above it need not be looked at
    assert plan(STACK, LAYERS, only=1, with_above=True).made == (1, 2)
    locked_above = changed({}, {}, {"is_locked": True})
    assert plan(locked_above, LAYERS, only=1, with_above=True).made == (1,)
    assert plan(STACK, {"two"}, only=1).seen == ()


def test_what_cannot_be_made_is_named() -> None:
    with pytest.raises(InvalidRequest, match="no layer"):
        plan(Stack(), LAYERS)
    with pytest.raises(InvalidRequest, match="no layer"):
        plan(changed(*[{"is_locked": True}] * 3), LAYERS)
    with pytest.raises(InvalidRequest, match="prompt of layer 3"):
        plan(changed({"prompt": " ", "is_locked": True}, {}, {"prompt": "\n"}), LAYERS)


def test_the_new_group_has_the_order_of_the_stack_and_all_else_that_was_in_the_old_one() -> None:
    stack = changed({}, {"is_enabled": False}, {"is_locked": True})
    stack = replace(stack, entries=stack.entries[::-1], dropped=("dropped",))
    there = ["mask", "one", "stroke", "dropped", "two", "glow", "three"]
    assert arranged(stack, there, {1}) == [
        GroupSlot("mask", NO_ENTRY),
        GroupSlot("three", 3, is_visible=True),
        GroupSlot("two", 2, is_visible=False),
        GroupSlot("glow", NO_ENTRY),
        GroupSlot("one", 1, is_new=True),
        GroupSlot("stroke", NO_ENTRY),
    ]
    assert arranged(STACK, [], {2}) == [GroupSlot("two", 2, is_new=True)]


def test_a_document_keeps_what_undo_brings_back() -> None:
    first, second = replace(STACK, group="first"), replace(STACK, group="second")
    draft = Stack((StackEntry(9),))
    stacks = Stacks().with_version(draft).with_version(first).with_version(second)
    assert stacks.versions == (first, second)  # the draft has become a group
    assert stacks.current({"first", "second"}) == second
    assert stacks.current({"first"}) == first
    assert stacks.current({"first", "second"}, around={"first"}) == first
    assert stacks.current({"other"}) == Stack()
    assert stacks.with_version(draft).current({"first"}) == draft
    assert from_json(Stacks, to_json(stacks)) == stacks


def test_a_stack_catches_up_with_undo() -> None:
    older = Stack((replace(ENTRIES[0], layer="older"), replace(ENTRIES[1], layer="")), "before", ("gone",))
    edited = changed({"prompt": "edited"}, {}, {})
    found = caught_up(edited, Stacks((older, STACK)), {"before"})
    assert (found.group, found.dropped) == ("before", ("gone",))
    assert [(entry.prompt, entry.layer) for entry in found.entries[:1]] == [("edited", "older")]
    assert found.entries[2].layer == ""
    assert caught_up(edited, Stacks((older,)), {"group", *LAYERS}) == edited
    again = replace(STACK, entries=(*STACK.entries[:2], replace(ENTRIES[2], layer="again")))
    stacks = Stacks((older, STACK)).with_version(again)
    assert stacks.versions == (older, STACK, again)  # one layer was made again in the same group
    assert caught_up(again, stacks, {"group", *LAYERS}).entries[2].layer == "three"
    assert stacks.with_version(replace(again, sees_below=False)).versions[:2] == (older, STACK)
    assert caught_up(edited, Stacks(), set()).group == ""


def test_editing() -> None:
    editor = StackEditor(STACK)
    assert editor.selected.value == 2
    editor.move(1)
    assert editor.stack.value == STACK
    editor.move(-1)
    assert [entry.key for entry in editor.stack.value.entries] == [1, 3, 2]
    editor.change_selected(region=Bounds(1, 2, 3, 4), is_locked=True)
    editor.duplicate()
    copy = editor.entry
    assert copy is not None and editor.selected.value == 2
    assert (copy.prompt, copy.region, copy.layer, copy.is_locked) == ("prompt three", Bounds(1, 2, 3, 4), "", False)
    assert len({entry.key for entry in editor.stack.value.entries}) == 4
    editor.delete()
    assert editor.stack.value.dropped == ()
    editor.delete()
    assert editor.stack.value.dropped == ("three",)
    for _ in range(5):
        editor.delete()
    assert (editor.entry, editor.stack.value.entries) == (None, ())
    editor.duplicate()
    editor.add()
    assert (editor.selected.value, len(editor.stack.value.entries)) == (0, 1)


def test_layers_arrive_while_the_stack_is_being_edited() -> None:
    editor = StackEditor(Stack(tuple(replace(entry, layer="") for entry in ENTRIES)))
    editor.selected.value = 0
    editor.delete()
    editor.add()
    editor.arrived(STACK)
    assert [entry.layer for entry in editor.stack.value.entries] == ["two", "", "three"]
    assert (editor.stack.value.group, editor.stack.value.dropped) == ("group", ("one",))


def test_what_only_one_layer_follows() -> None:
    document = Paper().new(64, 64)
    drawn = document.add("drawn", Bounds(0, 0, 8, 8), (9, 9, 9, 255))
    shared, own = ControlLayer(Follow.EDGES, ACTIVE), ControlLayer(Follow.LINES, drawn.id, 0.5)
    look = ControlLayer(Follow.LOOK, drawn.id)
    settings = Settings()
    settings.controls.value = (shared,)
    entries = (StackEntry(1, "a boat", follows=(look,)), StackEntry(2, "a gull", follows=(own,)), StackEntry(3, "sky"))
    planned = prepare(Stack(entries), settings, document)
    request = planned.draft.request
    assert [(hint.kind, hint.weight, hint.layer) for hint in request.control] == [
        (ControlKind.EDGES, 1.0, None),
        (ControlKind.LINES, 0.5, 1),
    ]
    assert [prompt.layer for prompt in request.image_prompts] == [0]
    assert planned.draft.views(Role.HINT)[1] == View(Show.ONLY, (drawn.id,))
    alone = [recipe(planned, request, part, part.entry.layer) for part in planned.asked]
    assert [[hint.kind for hint in made.request.control] for made in alone] == [
        [ControlKind.EDGES],
        [ControlKind.EDGES, ControlKind.LINES],
        [ControlKind.EDGES],
    ]
    assert [len(made.request.image_prompts) for made in alone] == [1, 0, 0]
    assert all(follower.layer is None for made in alone for follower in made.request.control)
    assert [len(made.controls) for made in alone] == [1, 2, 1]
    assert from_json(Stack, to_json(Stack(entries))) == Stack(entries)


def test_a_layer_that_is_kept_follows_nothing_more() -> None:
    document = Paper().new(64, 64)
    made = document.add("made", Bounds(0, 0, 64, 64), (9, 9, 9, 255))
    group = document.add("group", Bounds(0, 0, 1, 1), (0, 0, 0, 0))
    document.parent(made).children.remove(made)
    group.pixels, group.children = None, [made]
    document.activate(group)
    own = (ControlLayer(Follow.LINES, "gone"),)
    kept = StackEntry(1, "a boat", is_locked=True, layer=made.id, follows=own)
    planned = prepare(Stack((kept, StackEntry(2, "a gull")), group.id), Settings(), document)
    assert [part.is_made for part in planned.asked] == [False, True]
    assert planned.draft.request.control == ()
