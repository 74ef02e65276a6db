"""How the time of a stack grows with its layers, and how long inserting them holds up the painter.

    .venv/bin/python -m tests.krita.bench_stack

A part of `make bench`: what it prints is for people, because other work on the machine counts in.
"""

from __future__ import annotations

import time

from rich.console import Console

from acetate.protocol.geometry import Bounds
from tests.krita.demo import Report, prepare
from tests.krita.harness.builder import Builder
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.gaps import AFTERMATH, longest_gap
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess
from tests.krita.test_responsiveness import duplicate_layer

SIDE = 1024  # canvas pixels
FEW, MANY = 2, 12  # layers
LIMIT = 6.6  # t(MANY) to t(FEW)
ROUNDS = 2


def main() -> None:
    with Display.virtual() as display:
        home = prepare(display, Report())
        krita = KritaProcess(home, display)
        try:
            print_figures(Painter(krita), Engine(home), Console())
        finally:
            krita.quit()
            Engine(home).stop()
            home.remove()


def print_figures(painter: Painter, engine: Engine, console: Console) -> None:
    painter.show_docker()
    builder = Builder(painter)
    times_of(builder, engine, 1)  # starts the engine and loads the model
    rounds = [{count: times_of(builder, engine, count) for count in (FEW, MANY)} for _ in range(ROUNDS)]
    for index, kind in enumerate(("by the clock", "of the worker's processor time")):
        few, many = (min(found[count][index] for found in rounds) for count in (FEW, MANY))
        console.print(f"{kind}: {FEW} layers {few:.2f} s, {MANY} layers {many:.2f} s on {SIDE}²; ", end="")
        console.print(f"t({MANY}) / t({FEW}) = {many / few:.2f}, at most {LIMIT} wanted")
    own = longest_gap(painter.krita, lambda: duplicate_layer(painter.krita))
    console.print(f"longest gap on the GUI thread: Krita duplicates that group itself, {own:.0f} ms")
    painter.undo()
    gap = longest_gap(painter.krita, lambda: generate(builder))
    console.print(f"longest gap on the GUI thread: {MANY} layers generated and inserted, {gap:.0f} ms")


def times_of(builder: Builder, engine: Engine, count: int) -> tuple[float, float]:
    """Seconds from the press of the button to the group: by the clock, and of the worker's processor time."""
    builder.painter.krita.run("close_documents()")
    builder.painter.new_document(SIDE, SIDE)
    builder.open()
    places = [Bounds(40 + 240 * (n % 4), 60 + 300 * (n // 4), 160, 160) for n in range(count)]
    builder.fill([f"a red apple number {n}" for n in range(count)], places)
    start, used = time.monotonic(), engine.worker_seconds()
    builder.generate()
    return time.monotonic() - start, engine.worker_seconds() - used


def generate(builder: Builder) -> None:
    builder.generate()
    time.sleep(AFTERMATH)


if __name__ == "__main__":
    main()
