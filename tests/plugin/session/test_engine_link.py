"""The engine from the model's side: real processes, killed at the wrong moment."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from acetate.client import api
from acetate.client.http import Body, exchange
from acetate.client.launcher import Launcher
from acetate.protocol.connection import Connection, connection_file, write_connection
from acetate.protocol.errors import AccessError, EngineNotInstalled
from acetate.protocol.events import Health
from acetate.session.engine_link import EngineLink, EngineState
from acetate_engine.paths import data_dir, models_dir
from tests.engine.process import private_environment
from tests.plugin.client.test_launcher import install
from tests.plugin.gui_thread import EventLoop

pytestmark = pytest.mark.engine


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventLoop:
    for name, value in private_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return EventLoop()


@pytest.fixture
def engine(events: EventLoop) -> Iterator[EngineLink]:
    install([sys.executable, "-m", "acetate_engine", "serve"])
    engine = EngineLink(events.loop, Launcher())
    yield engine
    engine.stop()


def test_two_who_need_it_at_once_start_one_engine(events: EventLoop, engine: EngineLink) -> None:
    states: list[EngineState] = []
    engine.state.changed.connect(states.append)
    outcomes = [events.loop.run(engine.connection()) for _ in range(2)]
    events.run_until(lambda: all(outcome.is_settled for outcome in outcomes))
    assert outcomes[0].result() == outcomes[1].result()
    assert states == [EngineState.STARTING, EngineState.READY]


def test_a_connection_file_with_a_wrong_token_names_the_engine_to_end(events: EventLoop, engine: EngineLink) -> None:
    right = events.run(engine.connection())
    write_connection(connection_file(), dataclasses.replace(right, token="spoilt"))
    stranger = EngineLink(events.loop, Launcher())
    with pytest.raises(AccessError, match=f"process {right.pid}"):
        events.run(stranger.connection())
    write_connection(connection_file(), right)
    assert events.run(stranger.call(api.health)).pid == right.pid
    assert [model.name for model in stranger.models.value] == [
        model.name for model in api.models(right) if model.installed
    ]


def test_a_call_is_made_again_when_the_engine_dies_in_it(events: EventLoop, engine: EngineLink) -> None:
    first = events.run(engine.connection())
    asked: list[int] = []

    def ask(connection: Connection) -> Health:
        asked.append(connection.pid)
        if connection == first:
            os.kill(connection.pid, signal.SIGKILL)
            Launcher().wait_until_gone(connection)
        return api.health(connection)

    health = events.run(engine.call(ask))
    assert asked == [first.pid, health.pid]
    assert health.pid != first.pid


def test_an_engine_that_was_started_here_is_brought_back(events: EventLoop, engine: EngineLink) -> None:
    first = events.run(engine.connection())
    states: list[EngineState] = []
    engine.state.changed.connect(states.append)
    os.kill(first.pid, signal.SIGKILL)
    events.run_until(lambda: EngineState.READY in states)
    assert states == [EngineState.LOST, EngineState.STARTING, EngineState.READY]


def test_a_style_that_is_put_into_its_folder_meanwhile_is_listed(events: EventLoop, engine: EngineLink) -> None:
    events.run(engine.list_models())
    assert engine.models.value == ()  # it does not start one
    events.run(engine.connection())
    assert "late" not in engine.models.value[0].styles
    (models_dir() / "loras").mkdir(parents=True)
    name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
    save_file({name: torch.zeros(2, 384)}, models_dir() / "loras" / "late.safetensors")
    events.run(engine.list_models())
    assert "late" in engine.models.value[0].styles


def test_without_an_engine_the_error_says_how_to_get_one(events: EventLoop) -> None:
    engine = EngineLink(events.loop, Launcher())
    with pytest.raises(EngineNotInstalled, match="acetate install-plugin"):
        events.run(engine.connection())
    assert engine.state.value is EngineState.FAILED


def test_what_of_the_engine_does_not_work_is_told_until_it_works(events: EventLoop, engine: EngineLink) -> None:
    events.run(engine.connection())
    clock = data_dir() / "clock.json"
    events.run_until(clock.exists)
    clock.unlink()
    clock.mkdir()
    events.run(engine.call(look_at_storage))
    events.run_until(lambda: any("storage" in reason for reason in engine.troubles.value))
    clock.rmdir()
    events.run_until(lambda: engine.troubles.value == ())


def look_at_storage(connection: Connection) -> None:
    body = Body.of_json({"limit": 1 << 30, "days": 30.0})
    with exchange(connection, "PUT", "/v1/storage", body=body, timeout=api.ANSWER) as response:
        response.read()
