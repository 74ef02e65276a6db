"""`acetate serve` as a process: how it starts, what it refuses, what it leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from acetate.protocol.version import PROTOCOL_VERSION, __version__
from acetate_engine.api.server import listen
from tests.engine.process import PATIENCE, EngineProcess, private_environment

pytestmark = pytest.mark.engine


def serve(root: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "acetate_engine", "serve", *options],
        env={**private_environment(root), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def seconds_of_importing_the_server() -> float:
    """CPU seconds of a Python that imports FastAPI and uvicorn: how fast this machine is right now."""
    before = os.times()
    subprocess.run([sys.executable, "-c", "import fastapi, uvicorn"], check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_small_answers_are_sent_at_once() -> None:
    """Nagle's algorithm would hold each body back until the headers before it are acknowledged, which takes 40 ms."""

    async def accepted() -> int:
        is_there: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            is_there.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = listen(0)
        async with await asyncio.start_server(look, sock=listener):
            with socket.create_connection(listener.getsockname()):
                return await is_there

    assert asyncio.run(accepted()) != 0


@pytest.mark.timed
def test_health_answers_before_a_server_could_be_imported_twice(own_engine: EngineProcess) -> None:
    """A second is what it may take on a quiet machine; on a busy one it is measured against another start."""
    starts, imports = [own_engine.cpu_seconds_to_health], [seconds_of_importing_the_server()]
    for _ in range(2):
        own_engine.stop()
        own_engine.start()
        starts.append(own_engine.cpu_seconds_to_health)
        imports.append(seconds_of_importing_the_server())
    wall = own_engine.seconds_to_health
    print(
        f"/health after {min(starts):.2f} s of CPU, {wall:.2f} s in all; importing FastAPI takes {min(imports):.2f} s"
    )
    assert min(starts) < 2 * min(imports)


def test_health_says_what_runs(engine: EngineProcess) -> None:
    health = engine.health()
    assert (health["version"], health["protocol"], health["pid"]) == (__version__, PROTOCOL_VERSION, engine.process.pid)


def test_the_token_is_for_the_user_only(engine: EngineProcess) -> None:
    assert stat.S_IMODE(engine.connection_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(engine.connection_file.parent.stat().st_mode) == 0o700
    assert len(engine.connection.token) >= 32
    assert engine.connection.host == "127.0.0.1"


def test_it_listens_on_loopback_only(engine: EngineProcess) -> None:
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = f"{engine.connection.port:04X}"
    assert [fields[1] for fields in listening if fields[1].endswith(f":{port}") and fields[3] == "0A"] == [
        f"0100007F:{port}"
    ]


def test_torch_stays_in_the_worker(engine: EngineProcess) -> None:
    worker = engine.wait_ready()
    for path in ("/openapi.json", "/v1/models", "/v1/jobs"):
        assert engine.http.get(path).status_code == 200
    assert "libtorch" in Path(f"/proc/{worker}/maps").read_text()
    assert "libtorch" not in Path(f"/proc/{engine.process.pid}/maps").read_text()


def test_the_worker_leaves_painting_the_right_of_way(engine: EngineProcess) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)  # whoever runs the tests may run them at low priority
    assert os.getpriority(os.PRIO_PROCESS, engine.process.pid) == own
    assert os.getpriority(os.PRIO_PROCESS, engine.wait_ready()) == min(own + 10, 19)


LIVE = """
import os, pathlib
from acetate_engine.jobs.worker import _live_under_the_engine
_live_under_the_engine()
print(os.nice(0), pathlib.Path("/proc/self/autogroup").read_text())
"""


def own_session_weighs() -> bool:
    """Not in a control group, as containers are: there the kernel weighs groups, and the file is empty."""
    weighed = Path("/proc/self/autogroup")
    return weighed.exists() and bool(weighed.read_text())


@pytest.mark.skipif(not own_session_weighs(), reason="the kernel does not share processors among sessions here")
@pytest.mark.parametrize("is_apart", [True, False])
def test_a_session_of_its_own_is_as_nice_as_the_worker(*, is_apart: bool) -> None:
    """Its niceness would count among the threads of the worker only; a terminal that it was started in stays quick."""
    before = Path("/proc/self/autogroup").read_text().split()
    command = [sys.executable, "-c", LIVE]
    said = subprocess.run(command, start_new_session=is_apart, capture_output=True, text=True, check=True).stdout
    niceness, *group = said.split()
    if is_apart:
        assert group[0] != before[0] and group[-1] == niceness != before[-1]
    else:
        assert group == before


def test_the_worker_has_a_session_of_its_own(engine: EngineProcess) -> None:
    """What answers is not slowed down with it."""
    assert os.getsid(engine.wait_ready()) == engine.worker != os.getsid(engine.process.pid)


def test_a_taken_port_is_named_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        result = serve(tmp_path, "--port", port)
    assert result.returncode == 1
    assert port in result.stderr and "--port" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_second_engine_on_the_same_data_is_refused(engine: EngineProcess) -> None:
    result = serve(engine.root)
    assert result.returncode == 1
    assert str(engine.process.pid) in result.stderr and engine.connection.url in result.stderr
    assert "Traceback" not in result.stderr
    assert engine.health()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    result = serve(tmp_path)
    assert result.returncode == 1
    assert str(tmp_path / "data") in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 500])
def test_a_broken_job_store_is_named(tmp_path: Path, content: bytes) -> None:
    store = tmp_path / "data" / "acetate" / "jobs.sqlite"
    store.parent.mkdir(parents=True)
    store.write_bytes(content)
    result = serve(tmp_path)
    assert result.returncode == 1
    assert str(store) in result.stderr
    assert "Traceback" not in result.stderr
    assert store.read_bytes() == content


@pytest.mark.parametrize("goodbye", [signal.SIGTERM, signal.SIGINT])
def test_it_takes_its_connection_file_and_worker_along(tmp_path: Path, goodbye: signal.Signals) -> None:
    engine = EngineProcess(tmp_path)
    worker = engine.worker
    engine.process.send_signal(goodbye)
    engine.stop()
    assert not engine.connection_file.exists()
    assert not Path(f"/proc/{worker}").exists()
    assert "engine stopped" in engine.log.read_text()


def test_another_engines_connection_file_is_left_alone(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path)
    changed = engine.connection_file.read_text().replace(engine.connection.token, "another")
    engine.connection_file.write_text(changed)
    engine.stop()
    assert engine.connection_file.read_text() == changed
