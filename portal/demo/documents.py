"""The documents of the demonstration's past: something lies on each tray of the desk.

Called by `portal.demo.bookings`. Nothing leaves the portal: what would be sent is called off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pikepdf

from portal import clock, files, outbox
from portal.appointments.models import Appointment
from portal.config import Config
from portal.db import Bilingual
from portal.documents import lifecycle, states
from portal.documents.delivering import collecting
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.lifecycle import Way
from portal.documents.issuing import approval, finishing
from portal.documents.models import Delivery, DocumentRequest
from portal.documents.papers import lifecycle as papers
from portal.files import StoredFile
from portal.plugin_api import DeliveryProvider, Receipt, RecipientField
from portal.providers import current_providers

LATER = timedelta(minutes=30)
"""So long after the call the clerk issued."""
LETTERS = "AEHKMNPTXY"
"""Of these the last letter of a code, so that each document has its own."""
LEASE = Bilingual("Μισθωτήριο ή λογαριασμός ρεύματος", "Lease or electricity bill")


def samples(count: int) -> list[StoredFile]:
    """Files for so many documents, stored before the transaction in which they are issued."""
    return [files.store_pdf("sample.pdf", sample_pdf()) for _ in range(count)]


def issue_some(config: Config, past: Sequence[Appointment], samples: list[StoredFile]) -> None:
    """Let each request of ``past`` appointments get as far as its scene; the older ones have arrived.

    Each takes one of the ``samples``, of which there must be enough.
    """
    wanted = [request for appointment in past if (request := lifecycle.request_of(appointment))]
    approved = [request for request in wanted if request.appointment.service.approval]
    others = [request for request in wanted if request not in approved]
    for request in approved:
        _put_forward(request, samples.pop())
    for number, request in enumerate(reversed(others)):
        scene = SCENES[number] if number < len(SCENES) else _arrived
        scene(config, request, samples)
    for request in wanted:
        outbox.cancel(f"case:{request.id}")


def _arrived(config: Config, request: DocumentRequest, samples: list[StoredFile]) -> None:
    arrive(issue(config, request, samples.pop()))


def _papers_missing(_config: Config, request: DocumentRequest, _samples: list[StoredFile]) -> None:
    _ask_for_papers(request)


def _papers_to_look_at(_config: Config, request: DocumentRequest, samples: list[StoredFile]) -> None:
    """The citizen has sent what was missing."""
    _ask_for_papers(request)
    citizen = request.appointment.citizen
    if citizen is not None:
        papers.receive(request.papers[0], replace(samples.pop(), filename="paper.pdf"), citizen)


def _still_owed(_config: Config, _request: DocumentRequest, _samples: list[StoredFile]) -> None:
    """It waits on the clerk's desk as the call left it."""


def _ready(config: Config, request: DocumentRequest, samples: list[StoredFile]) -> None:
    """The citizen is expected at the counter."""
    issue(config, request, samples.pop(), _way_where(lambda way: way.kept_for is not None))


def _not_collected(config: Config, request: DocumentRequest, samples: list[StoredFile]) -> None:
    """He was expected, and did not come; the days are shortened, for the demonstration has but one week."""
    delivery = issue(config, request, samples.pop(), _way_where(lambda way: way.kept_for is not None))
    if delivery.state == "prepared" and delivery.kept_until:
        delivery.kept_until = clock.now().date() - timedelta(days=1)
        states.change_delivery(delivery, "run_out")


def _on_its_way(config: Config, request: DocumentRequest, samples: list[StoredFile]) -> None:
    issue(config, request, samples.pop(), _way_where(lambda way: RecipientField.EMAIL in way.needs))


SCENES = (_papers_missing, _still_owed, _ready, _papers_to_look_at, _on_its_way, _not_collected)
"""What the newest requests stand at, from the newest on."""


def _way_where(fits: Callable[[DeliveryProvider], bool]) -> str:
    """The first such way; empty where none is enabled, and then it goes the way that was booked."""
    return next((name for name, way in current_providers().delivery.items() if fits(way)), "")


def _put_forward(request: DocumentRequest, sample: StoredFile) -> None:
    """It waits for a second person."""
    finished = approval.Finished(replace(sample, filename=_filename(request)))
    approval.put_forward(request, finished, request.appointment.clerk, finishing.terms(), None)


def issue(config: Config, request: DocumentRequest, sample: StoredFile, way: str = "") -> Delivery:
    """Issue a sample half an hour after the call, and let it go its way as far as it gets by itself.

    Nothing is sent: the receipt is what the provider would have answered.
    """
    with clock.pretend(min(request.created_at + LATER, clock.now())):
        stored = replace(sample, filename=_filename(request))
        appointment = request.appointment
        instead = Way(way, {"email": appointment.email}) if way else None
        days = config.portal.document_days
        delivery = lifecycle.issue(request, stored, appointment.clerk, days, instead)
        outbox.cancel(f"delivery:{delivery.id}")
        provider = current_providers().delivery[delivery.provider]
        delivery.kept_until = collecting.last_day(delivery, provider)
        is_sent = provider.kept_in_portal or RecipientField.EMAIL in provider.needs
        sent, ready = Receipt(delivery.key, "sent"), Receipt(delivery.key, "prepared", code=_code(request))
        deliveries.receipt_arrived(delivery, sent if is_sent else ready)
    return delivery


def _code(request: DocumentRequest) -> str:
    return f"AK7M4{LETTERS[request.id % len(LETTERS)]}"


def _filename(request: DocumentRequest) -> str:
    return f"{request.appointment.service.name.el}.pdf"


def _ask_for_papers(request: DocumentRequest) -> None:
    """The clerk found after the call that something is missing."""
    listed = request.appointment.service.papers
    titles = [Bilingual(paper["el"], paper["en"]) for paper in listed] or [LEASE]
    papers.ask_for(request, titles[-1:], request.appointment.clerk)
    outbox.cancel(f"case:{request.id}")


def arrive(delivery: Delivery) -> None:
    """The citizen opened the mail, or came to the counter."""
    appointment = delivery.request.appointment
    if delivery.state == "sent":
        lifecycle.opened(delivery.request, appointment.citizen)
    else:
        deliveries.handed_over(delivery, appointment.clerk, deliveries.Proof("id_card"))


def sample_pdf() -> bytes:
    """One page that says that it is a sample."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(595, 842))
        page.Resources = pikepdf.Dictionary(
            Font=pikepdf.Dictionary(
                F1=pikepdf.Dictionary(
                    Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
                )
            )
        )
        page.Contents = pdf.make_stream(b"BT /F1 36 Tf 220 420 Td (SAMPLE) Tj ET")
        whole = BytesIO()
        pdf.save(whole)
        return whole.getvalue()
