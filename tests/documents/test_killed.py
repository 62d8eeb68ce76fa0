"""Workers are ended with SIGKILL at every step of every way of delivery: one parcel, one mail, one state.

Each death is real: a forked child works on the outbox and dies at one of its steps, then others go on. The
mail server is real, ELTA Courier a strict stand-in; what they do wrong meanwhile is walked as well.
"""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID
from portal_delivery_elta.courier import EltaCourier
from time_machine import Traveller

from portal import files, mail, outbox
from portal.audit import AuditLine
from portal.certificates import seal
from portal.config import MailSettings, SealSettings
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.issuing import approval, finishing
from portal.documents.models import Delivery, DocumentRequest
from portal.documents.papers import kept_papers
from portal.testing.elta import EltaSimulator, faults
from tests.documents.conftest import make_pdf
from tests.documents.steps import LATER, LONGEST, Steps, Worker

STATES = {
    "email": "sent",
    "mailbox": "sent",
    "pickup": "prepared",
    "elta": "prepared",
    "elta_point": "prepared",
    "elta_registered": "prepared",
}
BY_COURIER = ("elta", "elta_point")
KINDS = ("delivery.send", "document.seal")
LEASE = timedelta(seconds=141)
"""Just longer than a claim of the queue of deliveries, and shorter than ELTA Courier needs to settle."""


EACH_DATABASE = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    on_postgresql = getattr(request, "param", "sqlite") == "postgresql"
    return str(request.getfixturevalue("postgres")) if on_postgresql else ""


@dataclass
class Relay:
    """A mail server. It answers the next mails as ``answers`` says, all others well."""

    taken: list[bytes] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer[0] == "2":
            self.taken.append(envelope.content)
        if answer.endswith("drop"):
            server.transport.abort()
        return answer

    def mails(self) -> dict[str, list[str]]:
        """What each message says, by its id: equal copies are one mail to whoever reads them."""
        told: dict[str, list[str]] = {}
        for content in self.taken:
            message: Any = message_from_bytes(content, policy=policy.default)
            told.setdefault(message["Message-ID"], []).append(message.get_body(("plain",)).get_content())
        return told


@pytest.fixture
def relay(app: Any, tmp_path: Path) -> Iterator[Relay]:
    """The portal sends by a real mail server, as it does where somebody real is served."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Relay()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    config = app.config["PORTAL"]
    settings = MailSettings(sender="portal@dimos.example", host="127.0.0.1", port=port, security="none")
    real = config.portal.model_copy(update={"demo": False})
    app.config["PORTAL"] = replace(config, portal=real, mail=settings)
    mail.init_app(app, app.config["PORTAL"])
    yield server
    controller.stop()


@pytest.fixture
def sealing(app: Any, tmp_path: Path) -> None:
    """The municipality has an electronic seal."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Δοκιμαστικός Δήμος")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.KeyUsage(True, True, *[False] * 7), critical=True)
        .sign(key, SHA256())
    )
    archive = pkcs12.serialize_key_and_certificates(
        b"seal", key, certificate, None, BestAvailableEncryption(b"s")
    )
    (tmp_path / "seal.p12").write_bytes(archive)
    app.config["PORTAL"] = replace(
        app.config["PORTAL"],
        operator_folder=tmp_path,
        seal=SealSettings(certificate="seal.p12"),
        environment={seal.PASSWORD: "s"},
    )


@dataclass
class Walk:
    """One way of delivery on its walk: begun anew for each step, and looked at afterwards."""

    case: Any
    clock: Traveller
    elta: EltaSimulator
    relay: Relay
    way: str = "email"
    sealed: bool = False
    trouble: Callable[[Walk], None] = lambda walk: None
    """What goes wrong outside while the worker lives that is killed."""
    number: int = 0
    workers: list[Worker] = field(default_factory=list)

    @property
    def request(self) -> DocumentRequest:
        return db.session.get_one(DocumentRequest, self.number)

    def begin(self) -> None:
        """A document that is to go this way: at first a new one, then the same once more."""
        if not self.number:
            self.number = self.case.owed(self.way, **self.case.needs[self.way]).id
        elif self.sealed:
            with transaction():
                former = lifecycle.take_back(self.request, self.request.appointment.clerk)
            files.forget(former)
        if self.request.state == "to_issue":
            self.put_forward()
        else:
            with transaction():
                way = deliveries.Way(self.way, self.request.deliveries[-1].recipient)
                deliveries.choose_other_way(self.request, way, self.request.appointment.clerk)
        self.leave_alone()

    def put_forward(self) -> None:
        finished = finishing.upload("βεβαίωση.pdf", make_pdf())
        terms, clerk = finishing.terms(), self.request.appointment.clerk
        with transaction():
            approval.put_forward(self.request, finished, clerk, terms, None)

    def leave_alone(self) -> None:
        """Nothing else is to be done: other work would only make the walk longer."""
        other = (outbox.OutboxRow.state == "waiting") & outbox.OutboxRow.kind.not_in(KINDS)
        with transaction():
            db.session.execute(sqlalchemy.update(outbox.OutboxRow).where(other).values(state="cancelled"))
            db.session.execute(sqlalchemy.delete(AuditLine))
        self.relay.taken.clear()

    def worker(self, chosen: int = 0, deed: signal.Signals = signal.SIGKILL) -> Worker:
        rounds = 1 if self.trouble is Walk.trouble else 2
        self.workers.append(Worker(self.case.app, self.clock, Steps(chosen, deed), rounds))
        return self.workers[-1]

    def steps(self) -> list[str]:
        """What a worker that nobody kills does, one after the other."""
        self.begin()
        self.trouble(self)
        code, names = self.worker().end()
        self.work_until_nothing_is_due()
        assert code == 0
        return names

    def killed_at(self, chosen: int) -> Delivery:
        """The same with a death at one step; others do what is left."""
        self.begin()
        self.trouble(self)
        code, _names = self.worker(chosen).end()
        assert code == -signal.SIGKILL, f"the worker outlived step {chosen}"
        self.work_until_nothing_is_due()
        return self.request.deliveries[-1]

    def work_until_nothing_is_due(self) -> None:
        """What is left is done by others, after the lease of the dead and all pauses; all is well again."""
        self.elta.faults.clear()
        self.elta.instead.clear()
        self.relay.answers.clear()
        for _round in range(3):
            self.clock.shift(LATER)
            self.case.work()

    def effects(self, delivery: Delivery) -> int:
        """How many parcels, or mails, somebody got because of this attempt."""
        if delivery.provider in BY_COURIER:
            own = delivery.data["sender_reference"]
            return len([one for one in self.elta.parcels if one.told["pel_ref_no"] == own])
        return 1 if delivery.provider == "elta_registered" else len(self.relay.mails())

    def doubled(self) -> bool:
        """True as soon as one death gives somebody a second parcel or mail."""
        steps = range(1, len(self.steps()) + 1)
        return any(self.effects(self.killed_at(chosen)) > 1 for chosen in steps)

    def expect_one_of_everything(self, delivery: Delivery, where: str) -> None:
        assert (delivery.request.state, delivery.state) == ("issued", STATES[self.way]), where
        assert self.effects(delivery) == 1, where
        assert all(delivery.code in text for told in self.relay.mails().values() for text in told), where
        if delivery.provider in BY_COURIER:
            assert delivery.number_missing != bool(delivery.label_file), where
        told = sorted(db.session.scalars(sqlalchemy.select(AuditLine.deed)))
        begun = ["delivery begun", "document issued"] if self.sealed else []
        assert told == sorted([*begun, "delivery on its way"]), where
        assert (outbox.due(), outbox.buried_rows(), self.elta.refused) == ([], [], []), where


@pytest.fixture
def walk(case: Any, clock: Traveller, elta: EltaSimulator, points: None, relay: Relay) -> Iterator[Walk]:
    walk = Walk(case, clock, elta, relay)
    yield walk
    for worker in walk.workers:
        worker.kill()


def voucher_made(fault: faults.Fault) -> Callable[[Walk], None]:
    """ELTA Courier makes the voucher, and its answer goes wrong."""
    return lambda walk: walk.elta.faults.update(CREATEAWB02=fault)


def nothing_made(fault: faults.Fault) -> Callable[[Walk], None]:
    return lambda walk: walk.elta.instead.update(CREATEAWB02=fault)


def mail_answered(answer: str) -> Callable[[Walk], None]:
    return lambda walk: walk.relay.answers.append(answer)


TROUBLES: dict[str, tuple[str, Callable[[Walk], None]]] = {
    "the voucher is made, and the line is cut": ("elta", voucher_made(faults.no_answer)),
    "the voucher is made, and an error follows": ("elta", voucher_made(faults.soap_fault)),
    "the answer comes twice": ("elta", voucher_made(faults.twice)),
    "ELTA Courier does not answer at all": ("elta", nothing_made(faults.no_answer)),
    "the look-up breaks": ("elta", lambda walk: walk.elta.faults.update(PELTT03=faults.once(faults.html))),
    "the mail is taken, and the line is cut": ("email", mail_answered("250 drop")),
    "the mail is refused for now": ("pickup", mail_answered("451 later")),
}


@pytest.mark.parametrize(
    ("way", "database_url"),
    [*((way, "sqlite") for way in STATES), ("elta", "postgresql")],
    indirect=["database_url"],
)
def test_a_worker_killed_at_any_step_leaves_one_parcel_and_one_state(walk: Walk, way: str) -> None:
    walk.way = way
    names = walk.steps()
    assert {"before commit", f"before {way}.send", f"after {way}.send"} <= {
        name.removeprefix("writing: ") for name in names
    }
    for chosen, name in enumerate(names, start=1):
        walk.expect_one_of_everything(walk.killed_at(chosen), f"killed {name} ({chosen})")


@pytest.mark.parametrize("trouble", TROUBLES)
def test_neither_does_one_that_is_killed_while_the_outside_fails(walk: Walk, trouble: str) -> None:
    """Until the trouble shows, each step is one of the walk above."""
    walk.way = TROUBLES[trouble][0]
    well = walk.steps()
    walk.trouble = TROUBLES[trouble][1]
    names = walk.steps()
    same = next(number for number, pair in enumerate(zip(names, well, strict=False)) if len({*pair}) == 2)
    for chosen, name in list(enumerate(names, start=1))[same - 1 :]:
        walk.expect_one_of_everything(walk.killed_at(chosen), f"killed {name} ({chosen})")


def test_a_worker_killed_while_sealing_leaves_one_issued_file(walk: Walk, sealing: None) -> None:
    walk.way, walk.sealed = "elta_registered", True
    names = walk.steps()
    assert {"before put_on", "after put_on", "before forget"} <= set(names)
    for chosen, name in enumerate(names, start=1):
        walk.expect_one_of_everything(walk.killed_at(chosen), f"killed {name} ({chosen})")
        assert walk.request.prepared is None
        kept_papers.sweep()
        folder = walk.case.app.config["PORTAL"].instance / "documents"
        assert [one.name for one in folder.iterdir()] == [walk.request.document.stored_as]


# --- Asleep for longer than its claim --------------------------------------------------------------------


@pytest.mark.parametrize("way", ["email", "elta"])
def test_a_worker_that_slept_and_wakes_up_again_does_no_second_deed(walk: Walk, way: str) -> None:
    """Another one took the work over. Inside a transaction nobody could, so it does not sleep there."""
    walk.way = way
    for chosen, name in enumerate(walk.steps(), start=1):
        if name.startswith("writing"):
            continue
        walk.begin()
        sleeper = walk.worker(chosen, signal.SIGSTOP)
        sleeper.fall_asleep()
        walk.clock.shift(LEASE)
        walk.case.work()
        sleeper.wake_up()
        assert sleeper.end()[0] == 0, name
        walk.work_until_nothing_is_due()
        walk.expect_one_of_everything(walk.request.deliveries[-1], f"asleep {name} ({chosen})")


def two_that_found_nothing(walk: Walk) -> Delivery:
    """Both workers have looked the parcel up before either has ordered it; the first one sleeps through its
    claim, and wakes up when the second one is about to order."""
    walk.way = "elta"
    names = walk.steps()
    walk.begin()
    first = walk.worker(names.index("after elta.find") + 1, signal.SIGSTOP)
    first.fall_asleep()
    walk.clock.shift(LEASE)
    second = walk.worker(names.index("before elta.send") + 1, signal.SIGSTOP)
    second.fall_asleep()
    for worker in (first, second):
        worker.wake_up()
        worker.end()
    walk.work_until_nothing_is_due()
    return walk.request.deliveries[-1]


@EACH_DATABASE
def test_of_two_that_found_nothing_one_orders(walk: Walk) -> None:
    walk.expect_one_of_everything(two_that_found_nothing(walk), "two workers")


# --- Controls: what the walk would see if a guard were missing -------------------------------------------


@EACH_DATABASE
def test_without_telling_who_has_begun_both_would_order(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = deliveries.sending_begins
    monkeypatch.setattr(
        deliveries, "sending_begins", lambda one, known, *more: real(one, one.sending_since, *more)
    )
    # Their looking up again before the order would hide it: the portal does not count on that.
    monkeypatch.setattr(EltaCourier, "send", EltaCourier._create)
    assert walk.effects(two_that_found_nothing(walk)) == 2


def test_without_the_look_up_the_walk_would_see_two_parcels(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EltaCourier, "find", lambda self, key: None)
    walk.way = "elta"
    assert walk.doubled()


def test_without_names_for_messages_the_walk_would_see_two_mails(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "_digest", lambda key: secrets.token_hex(16))
    assert walk.doubled()


# --- Killed while ELTA Courier is still at work ----------------------------------------------------------


def killed_in_the_middle(walk: Walk) -> Callable[[], None]:
    """Issue, and kill the worker while ELTA Courier has the order and has not begun with it.

    The answer lets ELTA Courier go on, and comes back when it has finished.
    """
    begun, released, finished = threading.Event(), threading.Event(), threading.Event()
    create = walk.elta.services.createawb02

    def slowly(asked: Any) -> Any:
        if begun.is_set():
            return create(asked)
        begun.set()
        released.wait(LONGEST)
        try:
            return create(asked)
        finally:
            finished.set()

    walk.elta.services.createawb02 = slowly  # type: ignore[method-assign]
    walk.way = "elta"
    walk.begin()
    worker = walk.worker()
    assert begun.wait(LONGEST)
    worker.kill()
    worker.end()
    with transaction():
        for row_id in db.session.scalars(
            sqlalchemy.select(outbox.OutboxRow.id).filter_by(kind="delivery.send")
        ):
            outbox.release(row_id)  # as the worker does whose child has died

    def go_on() -> None:
        released.set()
        assert finished.wait(LONGEST)

    return go_on


def test_an_order_that_elta_is_still_at_work_on_is_not_sent_again(walk: Walk) -> None:
    go_on = killed_in_the_middle(walk)
    walk.worker().end()
    assert walk.request.deliveries[-1].state == "waiting"
    go_on()
    walk.work_until_nothing_is_due()
    delivery = walk.request.deliveries[-1]
    assert (delivery.state, delivery.number_missing) == ("prepared", True)
    assert len(walk.elta.parcels) == 1


def test_without_waiting_there_would_be_two_parcels(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: whoever asks at once finds nothing, and sends it again."""
    monkeypatch.setattr(EltaCourier, "settles_after", timedelta())
    go_on = killed_in_the_middle(walk)
    walk.worker().end()
    go_on()
    assert len(walk.elta.parcels) == 2


def test_news_asked_for_by_a_killed_worker_are_asked_for_again(walk: Walk) -> None:
    walk.way = "elta"
    walk.begin()
    walk.case.work()
    walk.elta.parcels[0].move("Άφιξη σε")
    walk.clock.shift(timedelta(hours=3))
    assert walk.worker(5).end() == (-signal.SIGKILL, [])
    walk.work_until_nothing_is_due()
    delivery = walk.request.deliveries[-1]
    assert (delivery.state, delivery.news) == ("sent", "Άφιξη σε, ΖΩΓΡΑΦΟΥ")
