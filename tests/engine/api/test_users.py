"""Who uses the engine, and that it ends with the last of them."""

from __future__ import annotations

import asyncio

import pytest

from acetate_engine.api.leases import FIRST, LEASE, Leases
from tests.engine.process import EngineProcess, identity_request, wait_until

BY_A_PLUGIN = {"ACETATE_WHILE_USED": "1"}


def leases(is_followed: bool = False) -> Leases:
    return Leases(lambda: is_followed)


def test_a_word_holds_for_a_while() -> None:
    kept = leases()
    kept.hold("one")
    for _ in range(LEASE - 1):
        kept.look()
    kept.hold("two")
    kept.look()
    assert kept.is_used
    for _ in range(LEASE - 1):
        kept.look()
    assert not kept.is_used


def test_whoever_started_it_has_time_to_come() -> None:
    kept = leases()
    for _ in range(FIRST - 1):
        kept.look()
    assert kept.is_used
    kept.look()
    assert not kept.is_used


def test_the_last_one_out_ends_it() -> None:
    kept = leases()
    for user in ("one", "two"):
        kept.hold(user)
    kept.leave("one")
    kept.leave("nobody")
    assert kept.is_used
    kept.leave("two")
    assert not kept.is_used


def test_a_job_that_somebody_follows_is_a_use() -> None:
    kept = leases(is_followed=True)
    kept.hold("one")
    kept.leave("one")
    assert kept.is_used


def test_the_end_comes_at_once_when_the_last_one_leaves() -> None:
    async def go() -> None:
        kept = leases()
        kept.hold("one")
        waiting = asyncio.create_task(kept.wait_until_unused())
        await asyncio.sleep(0)
        kept.leave("one")
        await asyncio.wait_for(waiting, 60)

    asyncio.run(go())


@pytest.mark.engine
def test_an_engine_of_a_plugin_ends_with_its_users(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = EngineProcess(tmp_path_factory.mktemp("engine"), **BY_A_PLUGIN)
    try:
        for user in ("one", "two"):
            assert engine.http.put(f"/v1/users/{user}").json()["ends"] is False
        assert engine.http.delete("/v1/users/one").json()["ends"] is False
        assert engine.health()
        assert engine.http.delete("/v1/users/two").json()["ends"] is True
        wait_until(lambda: engine.process.poll() is not None, "the end of the engine")
        assert engine.process.returncode == 0
        assert not engine.connection_file.exists()
    finally:
        engine.stop()


@pytest.mark.engine
def test_whoever_follows_a_job_keeps_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = EngineProcess(tmp_path_factory.mktemp("engine"), **BY_A_PLUGIN)
    try:
        engine.pause_worker()
        engine.upload()
        job = engine.submit(identity_request())
        assert not engine.status(job).followed
        engine.http.put("/v1/users/one")
        with engine.http.stream("GET", f"/v1/jobs/{job}/events") as answer:
            assert answer.status_code == 200
            wait_until(lambda: engine.status(job).followed, "the follower")
            assert engine.http.delete("/v1/users/one").json()["ends"] is False
        wait_until(lambda: engine.process.poll() is not None, "the end of the engine")
    finally:
        engine.stop()


@pytest.mark.engine
def test_one_that_was_started_by_hand_goes_on(engine: EngineProcess) -> None:
    engine.http.put("/v1/users/one")
    assert engine.http.delete("/v1/users/one").json()["ends"] is False
    assert engine.health()


@pytest.mark.engine
@pytest.mark.parametrize("name", ["a" * 65, "a b", "%00", "ä"])
def test_a_user_has_a_plain_name(engine: EngineProcess, name: str) -> None:
    assert engine.http.put(f"/v1/users/{name}").status_code in (400, 422)
