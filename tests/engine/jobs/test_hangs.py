"""Processes that live and do nothing: they are ended, and the job is told so or tried again."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from acetate.client.launcher import Launcher
from acetate.protocol.codec import to_json
from acetate.protocol.connection import EngineCommand, engine_command_file
from acetate.protocol.events import JobState, Started
from acetate.protocol.version import __version__
from acetate_engine.jobs.executors.patience import SILENCE, Patience
from tests.engine.process import EngineProcess, identity_request, is_gone, private_environment, wait_until

engine_test = pytest.mark.engine


@engine_test
def test_a_worker_that_says_nothing_is_ended_and_its_job_tried_again(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path, ACETATE_HANG_SECONDS="8")
    try:
        engine.upload()
        engine.wait_ready()
        hung = engine.pause_worker()
        job = engine.submit(identity_request())
        assert engine.wait_for(job, JobState.DONE).attempt == 2
        assert is_gone(hung) and engine.worker != hung
        assert [event for _, event in engine.events(job) if isinstance(event, Started)] == [Started(1), Started(2)]
        assert "said nothing" in engine.log.read_text()
    finally:
        engine.stop()


@engine_test
def test_a_cancel_that_is_ignored_ends_the_worker(own_engine: EngineProcess) -> None:
    own_engine.upload()
    own_engine.wait_ready()
    hung = own_engine.pause_worker()
    job = own_engine.submit(identity_request())
    own_engine.wait_for(job, JobState.RUNNING)
    assert own_engine.http.delete(f"/v1/jobs/{job}").json()["state"] == "running"
    own_engine.wait_for(job, JobState.CANCELLED)
    assert is_gone(hung)
    own_engine.wait_for(own_engine.submit(identity_request()), JobState.DONE)


@engine_test
def test_an_engine_that_was_stopped_for_long_ends_no_worker(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path, ACETATE_HANG_SECONDS="4")
    try:
        engine.upload()
        worker = engine.wait_ready()
        os.kill(engine.process.pid, signal.SIGSTOP)
        wait_until(lambda: Path(f"/proc/{engine.process.pid}/stat").read_text().split()[2] == "T", "the engine to stop")
        os.kill(worker, signal.SIGSTOP)
        time.sleep(6.0)  # longer than that
        for process in (engine.process.pid, worker):
            os.kill(process, signal.SIGCONT)
        assert engine.wait_for(engine.submit(identity_request()), JobState.DONE).attempt == 1
        assert engine.worker == worker
    finally:
        engine.stop()


@engine_test
def test_an_engine_that_hangs_makes_room_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in private_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("acetate.client.launcher.HUNG", 1.5)
    command = EngineCommand((sys.executable, "-P", "-m", "acetate_engine", "serve"), __version__)
    engine_command_file().parent.mkdir(parents=True)
    engine_command_file().write_text(json.dumps(to_json(command)))
    hung = EngineProcess(tmp_path)
    launcher = Launcher()
    try:
        os.kill(hung.process.pid, signal.SIGSTOP)
        connection = launcher.connect()
        assert connection.pid != hung.process.pid
        assert hung.process.wait(60) == -signal.SIGKILL
        os.kill(connection.pid, signal.SIGSTOP)  # one that does not hear SIGTERM
        launcher.stop()
        assert is_gone(connection.pid)
    finally:
        launcher.stop()
        hung.stop()


def test_a_slow_step_is_no_hang_once_steps_are_known_to_be_slow() -> None:
    patience = Patience()
    patience.start(0.0)
    patience.ready()
    patience.begin(0.0)
    now = 0.0
    for _ in range(5):
        now += 30.0
        for beat in range(int(now) - 30, int(now)):
            patience.hear(float(beat))
        assert not patience.lost(now - 0.5)
        patience.report(now)
    patience.hear(now + 400.0)
    assert not patience.lost(now + 400.0)
    patience.cancel(now + 400.0)
    patience.hear(now + 480.0)
    assert not patience.lost(now + 480.0)
    patience.hear(now + 500.0)
    assert "told to stop" in patience.lost(now + 500.0)
    patience.end()
    assert not patience.lost(now + 500.0)
    assert "said nothing" in patience.lost(now + 501.0 + SILENCE)


def test_fast_steps_make_a_hang_known_soon() -> None:
    patience = Patience()
    patience.start(0.0)
    patience.ready()
    patience.begin(0.0)
    patience.report(0.5)
    patience.hear(SILENCE)
    assert not patience.lost(SILENCE)
    patience.hear(SILENCE + 1.0)
    assert "no step further" in patience.lost(SILENCE + 1.0)
    patience.forgive(30.0)
    assert not patience.lost(SILENCE + 1.0)
