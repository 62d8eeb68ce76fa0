"""The exchange on Redis: short messages among the people of one room, kept only while the room lives.

Made once by the plugin loader and handed to plugins through their context. Every web and worker
process sees the same messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from redis import Redis, RedisError

from portal.plugin_api import Exchange, PermanentFailure, TemporaryFailure

LARGEST_MESSAGE = 64 * 1024
MOST_MESSAGES = 20_000
"""More than a long call among four needs; a page gone wild stops here instead of filling the store."""
KEPT_FOR = timedelta(hours=6)
"""Counted from the last message, should nobody close the room."""
REMEMBERED_CLOSED_FOR = timedelta(hours=24)

# One step, so that no message slips in between the question "is it closed?" and the append.
_POST = """
if redis.call('EXISTS', KEYS[2]) == 1 then return -1 end
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then return -2 end
local number = redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return number
"""


class RedisExchange(Exchange):
    """Messages as one Redis list per room: the position in the list is the message's number."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=3, socket_connect_timeout=2, health_check_interval=30, decode_responses=True
        )
        self._post = self._redis.register_script(_POST)

    def post(self, room: str, message: str) -> int:
        """Append ``message``; the answer is its number, counted from 1."""
        if len(message.encode()) > LARGEST_MESSAGE:
            raise PermanentFailure(f"a message may have {LARGEST_MESSAGE // 1024} KiB at most")
        arguments: list[str | int] = [message, MOST_MESSAGES, int(KEPT_FOR.total_seconds())]
        with _store_may_be_away():
            number = int(self._post(keys=[_messages(room), _closed(room)], args=arguments))
        if number == -1:
            raise PermanentFailure("the room is closed")
        if number == -2:
            raise PermanentFailure("the room has had too many messages")
        return number

    def read(self, room: str, after: int) -> list[tuple[int, str]]:
        """All messages with a number greater than ``after``, oldest first."""
        first = max(after, 0)
        with _store_may_be_away(), self._redis.pipeline(transaction=True) as both:
            both.exists(_closed(room))
            both.lrange(_messages(room), first, -1)
            closed, messages = both.execute()
        if closed:
            raise PermanentFailure("the room is closed")
        return list(enumerate(messages, start=first + 1))

    def close(self, room: str) -> None:
        """Forget the room's messages and refuse new ones. Closing twice is no error."""
        with _store_may_be_away(), self._redis.pipeline(transaction=True) as both:
            both.set(_closed(room), "1", ex=REMEMBERED_CLOSED_FOR)
            both.delete(_messages(room))
            both.execute()

    def disconnect(self) -> None:
        """Give the connections back; the next call opens new ones."""
        self._redis.close()


def _messages(room: str) -> str:
    return f"portal:exchange:{room}:messages"


def _closed(room: str) -> str:
    return f"portal:exchange:{room}:closed"


@contextmanager
def _store_may_be_away() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise TemporaryFailure(f"the store did not answer: {type(error).__name__}") from error
