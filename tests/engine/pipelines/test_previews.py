"""What previews may cost."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate_engine.pipelines import held
from acetate_engine.pipelines.held import HeldModel
from acetate_engine.pipelines.stages.previews import Budget


class _Model:
    """Components of one, as far as this looks at them."""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.001, 1)), min_size=1, max_size=50))
def test_only_the_first_may_exceed_its_share(rounds: list[tuple[float, float]]) -> None:
    """Rounds of work and of what follows it, if it may; each as dear as the dearest so far."""
    clock = Clock()
    budget, spent, first, dearest = Budget(0.03, clock), 0.0, None, 0.0
    for work, cost in rounds:
        clock.now += work
        if budget.allows_more():
            dearest = max(dearest, cost)
            with budget.spending():
                clock.now += dearest
            first = dearest if first is None else first
            spent += dearest
    assert first is not None
    assert spent <= max(first, 0.03 * clock.now + dearest)


def test_what_is_cheap_is_never_left_out() -> None:
    clock = Clock()
    budget = Budget(0.03, clock)
    for _ in range(100):
        clock.now += 1.0
        assert budget.allows_more()
        with budget.spending():
            clock.now += 0.02


def test_what_is_dear_is_done_once_and_again_when_it_has_paid_off() -> None:
    clock = Clock()
    budget, done = Budget(0.03, clock), []
    for second in range(100):
        clock.now = float(second)
        if budget.allows_more():
            done.append(second)
            with budget.spending():
                clock.now += 0.905
    assert done == [0, 61, 91]


def test_a_job_goes_on_without_previews_while_another_thread_fits_them(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def fitted(components: object) -> str:
        begun.set()
        assert may_end.wait(60)
        return "preview"

    monkeypatch.setattr(held, "LatentPreview", fitted)
    model, components = HeldModel(), _Model()
    warming_up = threading.Thread(target=model.preview, args=(components,))
    warming_up.start()
    assert begun.wait(60)
    assert model.preview(components) is None  # type: ignore[arg-type]
    may_end.set()
    warming_up.join()
    assert model.preview(components) == "preview"  # type: ignore[arg-type,comparison-overlap]


def test_a_job_that_came_first_is_not_held_up_by_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What warms up waits for it, and it waits for nothing; afterwards there are previews."""
    monkeypatch.setattr(held, "LatentPreview", lambda components: "preview")
    model, components, seen = HeldModel(), _Model(), []  # type: HeldModel, _Model, list[object]
    model.preview(components, lambda: seen.append(model.preview(components)))  # type: ignore[arg-type]
    assert seen == [None]
    assert model.preview(components) == "preview"  # type: ignore[arg-type,comparison-overlap]
