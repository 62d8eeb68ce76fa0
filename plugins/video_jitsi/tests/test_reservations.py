"""Prosody asks before it opens a room: only rooms of calls that are held now, only with the proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from portal_video_jitsi.provider import JitsiRooms
from pydantic import SecretStr

from portal.plugin_api import PluginContext, Room
from portal.testing import kit
from portal.testing.contracts.video import CITIZEN, CLERK, an_order
from portal.testing.jitsi import JitsiSimulator, ReservationClient
from portal.testing.jitsi.rooms import JoinRefused
from portal.testing.serving import Place

from .conftest import PROOF, token_of

PREFIX = "/plugins/video_jitsi/reservations"
PROVED = {"Authorization": f"Bearer {PROOF}"}


@pytest.fixture
def context(contexts_of: Callable[..., PluginContext[Any]], jitsi: JitsiSimulator) -> PluginContext[Any]:
    return contexts_of(jitsi.url, reservations=True, reservations_secret=SecretStr(PROOF))


@pytest.fixture
def room(context: PluginContext[Any], clock: time_machine.Traveller) -> Room:
    """A room in which a call is held now."""
    opened = JitsiRooms(context).open_room(an_order())
    context.open_rooms.rooms.append(opened)  # type: ignore[attr-defined]
    return opened


@pytest.fixture
def prosody(context: PluginContext[Any]) -> FlaskClient:
    return kit.browser(context)


def ask(prosody: FlaskClient, name: str, headers: dict[str, str] = PROVED) -> Any:
    form = {"name": name, "start_time": "2026-11-30T06:00:00.000Z", "mail_owner": "x@auth"}
    return prosody.post(f"{PREFIX}/conference", data=form, headers=headers)


def test_a_room_of_a_call_is_granted_until_its_end(
    prosody: FlaskClient, room: Room, clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(minutes=20))
    name = room.data["name"]
    answer = ask(prosody, name)
    assert answer.status_code == 200
    assert answer.json == {
        "id": name,
        "name": name,
        "mail_owner": "x@auth",
        "start_time": "2026-11-30T06:20:00.000Z",
        "duration": 40 * 60,
        "max_occupants": 6,
    }
    assert prosody.get(f"{PREFIX}/conference/{name}", headers=PROVED).json == {
        **answer.json,
        "mail_owner": "portal",
    }
    assert prosody.delete(f"{PREFIX}/conference/{name}", headers=PROVED).status_code == 204


def test_a_room_of_nobody_is_refused_in_words(prosody: FlaskClient, room: Room) -> None:
    for name in ("", "elsewhere", room.key, room.data["name"][:-1]):
        answer = ask(prosody, name)
        assert (answer.status_code, answer.json) == (403, {"message": "No call is held in this room now."})
    assert prosody.get(f"{PREFIX}/conference/elsewhere", headers=PROVED).status_code == 404


@pytest.mark.parametrize("proof", [{}, {"Authorization": PROOF}, {"Authorization": f"Bearer {PROOF}x"}])
def test_without_the_proof_nothing_is_told(prosody: FlaskClient, room: Room, proof: dict[str, str]) -> None:
    name = room.data["name"]
    answers = [
        ask(prosody, name, proof),
        prosody.get(f"{PREFIX}/conference/{name}", headers=proof),
        prosody.delete(f"{PREFIX}/conference/{name}", headers=proof),
    ]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert all(name not in answer.text for answer in answers)


def test_where_prosody_does_not_ask_there_is_nothing_to_ask(
    contexts_of: Callable[..., PluginContext[Any]], jitsi: JitsiSimulator
) -> None:
    assert ask(kit.browser(contexts_of(jitsi.url)), "any").status_code == 404


@pytest.fixture
def asking(context: PluginContext[Any], jitsi: JitsiSimulator) -> Iterator[JitsiSimulator]:
    """The server, which asks the portal over a real line."""
    place = Place()
    place.serve(kit.browser(context).application)
    jitsi.rooms.reservations = ReservationClient(f"http://127.0.0.1:{place.port}{PREFIX}", PROVED)
    yield jitsi
    place.close()


def test_the_server_opens_the_rooms_of_calls_and_ends_them_at_their_time(
    asking: JitsiSimulator, context: PluginContext[Any], room: Room, clock: time_machine.Traveller
) -> None:
    provider = JitsiRooms(context)
    clerk = asking.rooms.join(room.data["name"], token_of(provider, room, CLERK))
    asking.rooms.join(room.data["name"], token_of(provider, room, CITIZEN))
    clock.move_to(room.closes_at)
    assert asking.rooms.find(clerk.id)
    clock.shift(timedelta(seconds=1))
    assert asking.rooms.find(clerk.id) is None


def test_the_server_opens_no_room_after_the_call(
    asking: JitsiSimulator, context: PluginContext[Any], room: Room
) -> None:
    """The token still holds for minutes; the room does not."""
    token = token_of(JitsiRooms(context), room, CITIZEN)
    context.open_rooms.rooms.clear()  # type: ignore[attr-defined]
    with pytest.raises(JoinRefused, match="No call is held in this room now"):
        asking.rooms.join(room.data["name"], token)


def test_a_server_without_the_proof_opens_no_room(
    asking: JitsiSimulator, context: PluginContext[Any], room: Room
) -> None:
    client = asking.rooms.reservations
    assert client is not None
    asking.rooms.reservations = replace(client, headers={})
    with pytest.raises(JoinRefused, match="Authorization is missing or wrong"):
        asking.rooms.join(room.data["name"], token_of(JitsiRooms(context), room, CITIZEN))
