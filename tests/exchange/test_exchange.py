"""The exchange keeps a room's messages on a real store, numbered, and forgets them with the room."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from portal.exchange import KEPT_FOR, LARGEST_MESSAGE, RedisExchange
from portal.plugin_api import PermanentFailure, TemporaryFailure
from portal.testing.servers import store_server


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with store_server(tmp_path_factory.mktemp("store")) as url:
        yield url


@pytest.fixture
def exchange(store: str) -> Iterator[RedisExchange]:
    with Redis.from_url(store) as redis:
        redis.flushall()
    exchange = RedisExchange(store)
    yield exchange
    exchange.disconnect()


def test_messages_are_numbered_from_one_and_read_in_order(exchange: RedisExchange) -> None:
    assert [exchange.post("room", text) for text in ("a", "β", "c")] == [1, 2, 3]
    assert exchange.read("room", 0) == [(1, "a"), (2, "β"), (3, "c")]
    assert exchange.read("room", 2) == [(3, "c")]
    assert exchange.read("room", 3) == []


def test_rooms_do_not_hear_each_other(exchange: RedisExchange) -> None:
    exchange.post("here", "secret")
    assert exchange.read("there", 0) == []


def test_nothing_is_lost_when_many_post_at_once(exchange: RedisExchange) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda text: exchange.post("room", str(text)), range(200)))
    assert sorted(numbers) == list(range(1, 201))
    assert {text for _, text in exchange.read("room", 0)} == {str(text) for text in range(200)}


def test_a_closed_room_forgets_and_refuses(exchange: RedisExchange, store: str) -> None:
    exchange.post("room", "hello")
    exchange.close("room")
    exchange.close("room")
    with pytest.raises(PermanentFailure):
        exchange.post("room", "anybody?")
    with pytest.raises(PermanentFailure):
        exchange.read("room", 0)
    with Redis.from_url(store) as redis:
        assert redis.keys("*messages*") == []


def test_a_room_that_nobody_closes_is_forgotten_by_itself(exchange: RedisExchange, store: str) -> None:
    exchange.post("room", "hello")
    with Redis.from_url(store) as redis:
        (key,) = redis.keys("*:room:messages")
        assert 0 < redis.ttl(key) <= KEPT_FOR.total_seconds()


def test_a_message_that_is_too_long_is_refused(exchange: RedisExchange) -> None:
    assert exchange.post("room", "x" * LARGEST_MESSAGE) == 1
    with pytest.raises(PermanentFailure):
        exchange.post("room", "Ω" * LARGEST_MESSAGE)


def test_a_store_that_is_away_is_a_temporary_failure(tmp_path: Path) -> None:
    with store_server(tmp_path) as url:
        exchange = RedisExchange(url)
        exchange.post("room", "hello")
    for attempt in (lambda: exchange.post("room", "hello"), lambda: exchange.read("room", 0)):
        with pytest.raises(TemporaryFailure):
            attempt()
    with pytest.raises(TemporaryFailure):
        exchange.close("room")
    exchange.disconnect()
