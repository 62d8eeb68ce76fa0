"""The order of the whole suite: quick tests first, then those with servers, at last those in a browser."""

from __future__ import annotations

import pytest

SERVERS = {"postgres", "store", "open_store", "house", "empty_app", "keycloak"}
BROWSER = {"chromium"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_slowness)


def _slowness(item: pytest.Item) -> int:
    names = set(getattr(item, "fixturenames", ()))
    if names & BROWSER or "journeys" in item.path.parts:
        return 2
    return int(bool(names & SERVERS))
