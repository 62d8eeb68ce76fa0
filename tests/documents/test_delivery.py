"""From the issued document to the citizen: the real jobs, the real plugins, and what goes wrong between."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask_babel import force_locale
from sqlalchemy import select
from time_machine import Traveller

from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.progress import reason_told
from portal.outbox import OutboxRow, buried_rows
from portal.plugin_api import DeliveryProvider, Parcel, PermanentFailure, Receipt, TemporaryFailure
from portal.providers import current_providers
from portal.testing.fakes import FakeDelivery, choose

LEASE = timedelta(minutes=5)


class Killed(BaseException):
    """Stands for the kill of a worker: nothing of the portal catches it."""


class DiesAfterSending(DeliveryProvider):
    """Lets a real provider do its work, and the worker die before the portal has written that down."""

    def __init__(self, real: DeliveryProvider) -> None:
        self.real, self.name, self.title, self.needs = real, real.name, real.title, real.needs
        self.deaths = 0

    def send(self, parcel: Parcel) -> Receipt:
        receipt = self.real.send(parcel)
        if not self.deaths:
            self.deaths += 1
            raise Killed
        return receipt

    def find(self, key: str) -> Receipt | None:
        return self.real.find(key)

    def check(self) -> None:
        self.real.check()


def use(case: Any, *ways: DeliveryProvider) -> None:
    choose(case.app, delivery=ways)


def letters_about_the_document(case: Any) -> list[Any]:
    return [letter for letter in case.letters() if "maria@citizens.example" in letter.recipient]


def test_a_mail_brings_the_link_in_the_citizens_language(case: Any) -> None:
    request = case.issued("email")
    case.work()
    (letter,) = letters_about_the_document(case)
    assert f"http://localhost/documents/{request.key}" in letter.text
    assert letter.language == "el"
    assert letter.attachments == []
    assert (request.state, request.deliveries[0].state) == ("issued", "sent")


def test_the_document_is_attached_only_if_the_citizen_asked_for_it(case: Any) -> None:
    case.issued("email", attachment_wish=True)
    case.work()
    (letter,) = letters_about_the_document(case)
    assert [part.get_filename() for part in letter.attachments] == ["Πιστοποιητικό γέννησης.pdf"]
    assert letter.attachments[0].get_content().startswith(b"%PDF-")


def test_collecting_brings_a_code(case: Any) -> None:
    request = case.issued("pickup")
    case.work()
    delivery = request.deliveries[0]
    assert (delivery.state, len(delivery.code)) == ("prepared", 6)
    assert delivery.code in letters_about_the_document(case)[0].text


@pytest.mark.parametrize("way", ["email", "pickup"])
def test_a_worker_killed_before_the_commit_leaves_one_effect(case: Any, clock: Traveller, way: str) -> None:
    mortal = DiesAfterSending(current_providers().delivery[way])
    use(case, mortal)
    request = case.issued(way)
    with pytest.raises(Killed):
        case.work()
    assert request.deliveries[0].state == "waiting"
    clock.shift(LEASE)
    case.work()
    assert mortal.deaths == 1
    assert request.deliveries[0].state in ("sent", "prepared")
    (letter,) = letters_about_the_document(case)
    assert request.deliveries[0].code in letter.text


def test_a_carrier_is_asked_for_the_parcel_before_it_gets_it_again(
    case: Any, clock: Traveller, tmp_path: Path
) -> None:
    carrier = FakeDelivery(tmp_path, "email")
    use(case, DiesAfterSending(carrier))
    request = case.issued("email")
    with pytest.raises(Killed):
        case.work()
    clock.shift(LEASE)
    case.work()
    assert carrier.calls == ["find", "send", "find"]
    assert len(carrier.parcels()) == 1
    assert request.deliveries[0].state == "sent"


def test_a_carrier_that_is_away_is_tried_again_with_the_same_key(
    case: Any, clock: Traveller, tmp_path: Path
) -> None:
    carrier = FakeDelivery(tmp_path, "email")
    carrier.failures = [TemporaryFailure("no answer")]
    use(case, carrier)
    request = case.issued("email")
    case.work()
    assert request.deliveries[0].state == "waiting"
    clock.shift(timedelta(hours=2))
    case.work()
    assert request.deliveries[0].state == "sent"
    assert len(carrier.parcels()) == 1


def test_a_carrier_that_refuses_is_recorded_with_its_reason_and_its_advice(case: Any, tmp_path: Path) -> None:
    carrier = FakeDelivery(tmp_path, "email")
    carrier.failures = [PermanentFailure("unknown postal code", "Γράψτε μας τον ταχυδρομικό κώδικα.")]
    use(case, carrier)
    request = case.issued("email")
    case.work()
    delivery = request.deliveries[0]
    assert (delivery.state, delivery.last_error) == ("failed", "unknown postal code")
    assert delivery.advice == "Γράψτε μας τον ταχυδρομικό κώδικα."
    assert buried_rows() == []


def test_a_carrier_that_stays_away_fails_after_five_days(case: Any, clock: Traveller, tmp_path: Path) -> None:
    carrier = FakeDelivery(tmp_path, "email")
    carrier.failures = [TemporaryFailure("no answer")] * 3
    use(case, carrier)
    request = case.issued("email")
    case.work()
    clock.shift(deliveries.GIVE_UP_AFTER)
    case.work()
    assert (request.state, request.deliveries[0].state) == ("issued", "failed")
    assert [row for row in buried_rows() if row.kind == "delivery.send"] == []


def test_a_way_that_was_switched_off_is_told_instead_of_forgotten(case: Any, tmp_path: Path) -> None:
    request = case.issued("pickup")
    use(case, FakeDelivery(tmp_path, "email"))
    case.work()
    delivery = request.deliveries[0]
    assert delivery.state == "failed"
    assert delivery.last_error == "this way of delivery is not offered any more"
    with case.app.test_request_context(), force_locale("el"):
        assert reason_told(delivery) == "αυτός ο τρόπος παράδοσης δεν προσφέρεται πια"


def test_an_attempt_that_was_called_off_is_not_sent(case: Any, tmp_path: Path) -> None:
    carrier = FakeDelivery(tmp_path, "email")
    use(case, carrier)
    request = case.issued("email")
    with transaction():
        lifecycle.take_back(request, request.appointment.clerk)
    case.work()
    assert carrier.parcels() == []


def test_what_a_carrier_keeps_is_forgotten_with_the_document(
    case: Any, clock: Traveller, tmp_path: Path
) -> None:
    carrier = FakeDelivery(tmp_path, "email")
    use(case, carrier)
    request = case.issued("email")
    case.work()
    assert len(carrier.parcels()) == 1
    clock.move_to(request.document.expires_at)
    case.work()
    assert carrier.parcels() == []


def test_the_work_carries_numbers_and_no_personal_data(case: Any) -> None:
    case.issued("email")
    case.work()
    rows = db.session.scalars(select(OutboxRow).where(OutboxRow.kind.startswith("delivery.")))
    assert [set(row.payload) for row in rows] == [{"delivery_id"}]


def test_the_log_tells_nothing_personal(case: Any, logged: Any) -> None:
    request = case.issued("pickup")
    case.work()
    personal = ("maria@citizens.example", "Μαρία", request.deliveries[0].code, request.document.filename)
    assert [text for text in personal if text in logged()] == []
