"""How a provider that talks to an outside system over HTTP behaves when that system does not."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import pytest

from portal.plugin_api import ConfigurationFailure, TemporaryFailure
from portal.testing.remote import RemoteServer, Reply

NOT_NOW = {
    "an error of the server": Reply(status=500),
    "a closed counter": Reply(status=503),
    "too many calls": Reply(status=429, headers={"Retry-After": "120"}),
    "a page instead of data": Reply(body=b"<html>maintenance</html>", media_type="text/html"),
    "a dropped line": Reply(dropped=True),
}


class OutsideFailures:
    """Inherit from it beside the contract. Define `exercise`; the fixture ``provider`` calls ``remote``."""

    @abstractmethod
    def exercise(self, provider: Any) -> None:
        """Call the method of ``provider`` that talks to the outside system."""

    @pytest.mark.parametrize("reply", NOT_NOW.values(), ids=NOT_NOW.keys())
    def test_trouble_outside_is_temporary(self, provider: Any, remote: RemoteServer, reply: Reply) -> None:
        remote.script(reply)
        with pytest.raises(TemporaryFailure):
            self.exercise(provider)

    def test_a_server_that_is_away_is_temporary(self, provider: Any, remote: RemoteServer) -> None:
        remote.refuse()
        with pytest.raises(TemporaryFailure):
            self.exercise(provider)

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_account_is_a_matter_of_configuration(
        self, provider: Any, remote: RemoteServer, status: int
    ) -> None:
        remote.script(Reply(status=status))
        with pytest.raises(ConfigurationFailure):
            self.exercise(provider)
