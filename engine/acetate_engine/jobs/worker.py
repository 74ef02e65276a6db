"""The process that holds torch: requests in, layers out. `python -m acetate_engine.jobs.worker`, lines on its pipes.

Four threads: one listens to the engine from the start, one tells it again and again that this process lives, one
imports torch and loads the default model, the main one carries out jobs. Torch is imported by nothing at the top of
this file.
"""

from __future__ import annotations

import base64
import ctypes
import gc
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.errors import AcetateError, GenerationFailed, OutOfMemory
from acetate.protocol.events import Cancelled, Done, Event, Failed, LayerResult, Preview, Problem, Progress, Stage
from acetate.protocol.requests import GenerateRequest
from acetate_engine.compositing.images import decode_image, encode_png, image_pieces
from acetate_engine.jobs.budget import check_memory
from acetate_engine.jobs.executors.patience import BEAT
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.messages import Beat, Cancel, Ready, Report, RunJob, WorkerMessage, decode_line, encode_line
from acetate_engine.jobs.trouble import is_full
from acetate_engine.models.runtime.heap import give_back, keep_freed
from acetate_engine.paths import images_dir, log_file
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Generator, JobCancelled
from acetate_engine.pipelines.tasks import TaskGenerator

_NICE = 10  # painting comes first
_TRIES = 3  # to lower the session, too
_FIRST = 3.0  # seconds that previews wait for a layer that is waited for: fitted beside it, they make it come later
_PAUSE = 1.0  # seconds before a full disk is tried again
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

log = logging.getLogger("worker")


class Pipe:
    """Both ends of the pipe to the engine. Reading happens in a thread of its own."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._lock = threading.Lock()
        self._cancelled: set[str] = set()
        self.jobs: queue.Queue[RunJob] = queue.Queue()

    def send(self, message: WorkerMessage) -> None:
        with self._lock:
            self._sink.write(encode_line(message))
            self._sink.flush()

    def is_cancelled(self, job: str) -> bool:
        return job in self._cancelled

    def listen(self) -> None:
        """Reads to the end of the input, which is the end of the engine, and so of this process."""
        try:
            for line in self._source:
                message = decode_line(line)
                if isinstance(message, RunJob):
                    self.jobs.put(message)
                elif isinstance(message, Cancel):
                    self._cancelled.add(message.job)
        finally:
            os._exit(0)


class WorkerChannel(Protocol):
    """The worker's way to the engine."""

    def send(self, message: WorkerMessage) -> None: ...
    def is_cancelled(self, job: str) -> bool: ...


class ChannelReporter:
    """A `Reporter` of one job."""

    def __init__(self, channel: WorkerChannel, job: str) -> None:
        self._channel = channel
        self.job = job

    def send(self, event: Event) -> None:
        self._channel.send(Report.of(self.job, event))

    def progress(self, step: int, steps: int, stage: Stage) -> None:
        self.send(Progress(step, steps, stage))

    def preview(self, step: int, rgba: NDArray[np.uint8]) -> None:
        self.send(Preview(step, base64.b64encode(encode_png(rgba)).decode()))

    def check(self) -> None:
        if self._channel.is_cancelled(self.job):
            raise JobCancelled


def carry_out(generator: Generator, request: GenerateRequest, images: ImageStore, reporter: ChannelReporter) -> Event:
    """Runs one job to its final event; whatever goes wrong in it becomes one."""
    started = time.monotonic()
    try:
        reporter.check()
        check_memory(request, images)
        conditions = {digest: decode_image(images.read(digest)) for digest in request.image_digests}
        generated = generator.generate(request, conditions, reporter)
        return Done(_stored(generated, images, reporter), generated.notes, time.monotonic() - started)
    except JobCancelled:
        return Cancelled()  # the painter asked for it
    except AcetateError as error:
        return Failed(Problem.of(error))
    except Exception as error:
        log.exception("job %s failed", reporter.job)
        return Failed(Problem.of(_explained(error)))


def _stored(generated: Generated, images: ImageStore, reporter: ChannelReporter) -> tuple[LayerResult, ...]:
    return tuple(
        LayerResult(
            index, layer.image, layer.role, layer.name, layer.bounds, _added(layer, images, reporter), layer.seed
        )
        for index, layer in enumerate(generated.layers)
    )


def _added(layer: GeneratedLayer, images: ImageStore, reporter: ChannelReporter) -> str:
    """A full disk is no reason to lose what was made: it is said, and waited for. Raises JobCancelled."""
    while True:
        try:
            return images.add(*image_pieces(layer.pixels))
        except OSError as error:
            if not is_full(error):
                raise
            log.warning("no space for a layer of %s: %s", reporter.job, error)
        reporter.progress(0, 0, Stage.NO_SPACE)
        time.sleep(_PAUSE)
        reporter.check()


def _explained(error: Exception) -> AcetateError:
    from acetate_engine.models.runtime.memory import is_out_of_memory

    if isinstance(error, MemoryError) or is_out_of_memory(error):
        return OutOfMemory("generating took more memory than there is", "Choose a smaller region or a lighter model.")
    lines = str(error).strip().splitlines() or ["no reason given"]
    return GenerationFailed(f"{type(error).__name__}: {lines[0][:300]}", f"Try again. The log says more: {log_file()}")


def main() -> None:
    started = time.monotonic()
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")  # to stderr, the engine's log
    _live_under_the_engine()
    keep_freed()
    pipe = Pipe(sys.stdin.buffer, _reserved_stdout())
    threading.Thread(target=pipe.listen, name="listen", daemon=True).start()
    threading.Thread(target=_beat, args=(pipe,), name="beat", daemon=True).start()
    images = ImageStore(images_dir())
    generator = TaskGenerator()
    loaded = threading.Event()
    threading.Thread(target=_warm_up_and_say, args=(generator, pipe, started, loaded), name="warm up").start()
    while True:
        run = pipe.jobs.get()
        if run.request.task.needs_model:
            loaded.wait()
        reporter = ChannelReporter(pipe, run.job)
        reporter.send(carry_out(generator, run.request, images, reporter))
        give_back()
        pipe.jobs.task_done()


def _beat(pipe: Pipe) -> None:
    while True:
        pipe.send(Beat())
        time.sleep(BEAT)


def _warm_up_and_say(generator: TaskGenerator, pipe: Pipe, started: float, loaded: threading.Event) -> None:
    def say() -> None:
        if not loaded.is_set():
            loaded.set()
            pipe.send(Ready(time.monotonic() - started))

    def say_and_wait() -> None:
        say()
        with pipe.jobs.all_tasks_done:  # as `join` does, and not for ever
            pipe.jobs.all_tasks_done.wait_for(lambda: not pipe.jobs.unfinished_tasks, _FIRST)

    warm_up(generator, say_and_wait)
    say()  # also where nothing was loaded: a job says why
    give_back()


def warm_up(generator: TaskGenerator, loaded: Callable[[], None] = lambda: None) -> None:
    """Happens while jobs that need no model can already run; what is wrong is for a job to report."""
    from acetate_engine.models.runtime.lean import lean_diffusers

    def ready() -> None:
        gc.enable()
        loaded()

    gc.disable()  # what is imported stays: to look for what does not takes a fifth of the time
    try:
        lean_diffusers()
        gc.freeze()  # nor later, when the first layer is made
        generator.warm_up(ready)
    except AcetateError as error:
        log.warning("not loaded ahead: %s", error)
    except Exception:
        log.exception("not loaded ahead")
    finally:
        gc.enable()


def _reserved_stdout() -> BinaryIO:
    """The pipe to the engine; what a library prints goes to stderr, which is the log."""
    reserved = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(reserved, "wb")


def _live_under_the_engine() -> None:
    """After painting in priority, first in line when memory runs out, gone when the engine is."""
    if sys.platform != "linux":
        return
    niceness = os.nice(_NICE)
    if os.getsid(0) == os.getpid():  # of a session of its own: else a terminal would be slowed down with it
        _weigh_the_session(niceness)
    with suppress(OSError):  # containers may forbid it
        Path("/proc/self/oom_score_adj").write_text("500")
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _weigh_the_session(niceness: int) -> None:
    """Linux shares processors among sessions first (sched(7), autogroup): a process is nice within its own only."""
    for _ in range(_TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(niceness))
        except BlockingIOError:  # somebody has set one in this tenth of a second
            time.sleep(0.1)
        except OSError:  # a kernel without: there niceness counts among all processes
            return
        else:
            return


if __name__ == "__main__":
    main()
