"""The documents of the demonstration's past: something lies on each tray of the desk.

Called by `portal.demo.bookings`. Nothing leaves the portal: what would be sent is called off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO

import pikepdf

from portal import clock, files, outbox, qr
from portal.appointments.links import page_address
from portal.appointments.models import Appointment
from portal.certificates import verification
from portal.db import Bilingual
from portal.demo import then
from portal.documents import lifecycle, states
from portal.documents.delivering import collecting
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.lifecycle import Way
from portal.documents.issuing import approval, finishing
from portal.documents.issuing.approval import Finished
from portal.documents.models import Delivery, DocumentRequest
from portal.documents.papers import lifecycle as papers
from portal.plugin_api import DeliveryProvider, Receipt, RecipientField
from portal.providers import current_providers

LATER = timedelta(minutes=30)
"""So long after the call the clerk issued."""
LETTERS = "AEHKMNPTXY"
"""Of these the last letter of a code, so that each document has its own."""
LEASE = Bilingual("Μισθωτήριο ή λογαριασμός ρεύματος", "Lease or electricity bill")


def samples(count: int) -> list[Finished]:
    """Files for so many documents, each with its code, stored before the transaction of their issue."""
    codes = [verification.new_code() for _ in range(count)]
    return [Finished(files.store_pdf("sample.pdf", sample_pdf(code)), code) for code in codes]


def issue_some(past: Sequence[Appointment], samples: list[Finished]) -> None:
    """Let each request of ``past`` appointments get as far as its scene; the older ones have arrived.

    Each takes one of the ``samples``, of which there must be enough.
    """
    wanted = [request for appointment in past if (request := lifecycle.request_of(appointment))]
    approved = [request for request in wanted if request.appointment.service.approval]
    others = [request for request in wanted if request not in approved]
    for request in approved:
        with then.at(_after(request, LATER)):
            _put_forward(request, samples.pop())
    for number, request in enumerate(reversed(others)):
        scene = SCENES[number] if number < len(SCENES) else _arrived
        scene(request, samples)
    for request in wanted:
        outbox.cancel(f"case:{request.id}")


def _arrived(request: DocumentRequest, samples: list[Finished]) -> None:
    delivery = issue(request, samples.pop())
    with then.at(_after(request, 2 * LATER)):
        arrive(delivery)


def _papers_missing(request: DocumentRequest, _samples: list[Finished]) -> None:
    _ask_for_papers(request)


def _papers_to_look_at(request: DocumentRequest, samples: list[Finished]) -> None:
    """The citizen has sent what was missing."""
    _ask_for_papers(request)
    citizen = request.appointment.citizen
    if citizen is not None:
        with then.at(_after(request, 2 * LATER)):
            papers.receive(request.papers[0], replace(samples.pop().stored, filename="paper.pdf"), citizen)


def _still_owed(_request: DocumentRequest, _samples: list[Finished]) -> None:
    """It waits on the clerk's desk as the call left it."""


def _ready(request: DocumentRequest, samples: list[Finished]) -> None:
    """The citizen is expected at the counter."""
    issue(request, samples.pop(), _way_where(lambda way: way.kept_for is not None))


def _not_collected(request: DocumentRequest, samples: list[Finished]) -> None:
    """He was expected, and did not come; the days are shortened, for the demonstration has but one week."""
    delivery = issue(request, samples.pop(), _way_where(lambda way: way.kept_for is not None))
    if delivery.state == "prepared" and delivery.kept_until:
        delivery.kept_until = clock.now().date() - timedelta(days=1)
        states.change_delivery(delivery, "run_out")


def _on_its_way(request: DocumentRequest, samples: list[Finished]) -> None:
    issue(request, samples.pop(), _way_where(lambda way: RecipientField.EMAIL in way.needs))


SCENES = (_papers_missing, _still_owed, _ready, _papers_to_look_at, _on_its_way, _not_collected)
"""What the newest requests stand at, from the newest on."""


def _way_where(fits: Callable[[DeliveryProvider], bool]) -> str:
    """The first such way; empty where none is enabled, and then it goes the way that was booked."""
    return next((name for name, way in current_providers().delivery.items() if fits(way)), "")


def _put_forward(request: DocumentRequest, sample: Finished, instead: Way | None = None) -> None:
    """It waits for a second person, or is issued at once, as the service wants it."""
    finished = replace(sample, stored=replace(sample.stored, filename=_filename(request)))
    approval.put_forward(request, finished, request.appointment.clerk, finishing.terms(), instead)


def issue(request: DocumentRequest, sample: Finished, way: str = "") -> Delivery:
    """Issue a sample half an hour after the call, and let it go its way as far as it gets by itself.

    Nothing is sent: the receipt is what the provider would have answered.
    """
    with then.at(_after(request, LATER)):
        _put_forward(request, sample, Way(way, {"email": request.appointment.email}) if way else None)
        delivery = request.deliveries[-1]
        outbox.cancel(f"delivery:{delivery.id}")
        provider = current_providers().delivery[delivery.provider]
        delivery.kept_until = collecting.last_day(delivery, provider)
        is_sent = provider.kept_in_portal or RecipientField.EMAIL in provider.needs
        code = _code(request) if provider.kept_for is not None else ""
        sent, ready = Receipt(delivery.key, "sent"), Receipt(delivery.key, "prepared", code=code)
        deliveries.receipt_arrived(delivery, sent if is_sent else ready)
    return delivery


def _after(request: DocumentRequest, pause: timedelta) -> datetime:
    """So long after the call, but never in the future."""
    return min(request.created_at + pause, clock.now())


def _code(request: DocumentRequest) -> str:
    return f"AK7M4{LETTERS[request.id % len(LETTERS)]}"


def _filename(request: DocumentRequest) -> str:
    return f"{request.appointment.service.name.el}.pdf"


def _ask_for_papers(request: DocumentRequest) -> None:
    """The clerk found after the call that something is missing."""
    listed = request.appointment.service.papers
    titles = [Bilingual(paper["el"], paper["en"]) for paper in listed] or [LEASE]
    with then.at(_after(request, LATER)):
        papers.ask_for(request, titles[-1:], request.appointment.clerk)
    outbox.cancel(f"case:{request.id}")


def arrive(delivery: Delivery) -> None:
    """The citizen opened the mail, or came to the counter."""
    appointment = delivery.request.appointment
    if delivery.state == "sent":
        lifecycle.opened(delivery.request, appointment.citizen)
    else:
        deliveries.handed_over(delivery, appointment.clerk, deliveries.Proof("id_card"))


def sample_pdf(code: str) -> bytes:
    """One page that says that it is a sample, with its code and QR. Drawn by hand: it takes milliseconds."""
    page_of_codes = page_address("verify.show")
    lines = (
        "BT /F1 36 Tf 220 520 Td (SAMPLE) Tj ET",
        f"BT /F1 10 Tf 190 150 Td (Check this document at {page_of_codes}) Tj ET",
        f"BT /F1 14 Tf 190 126 Td ({code}) Tj ET",
    )
    with pikepdf.new() as pdf, pikepdf.open(BytesIO(qr.as_pdf(f"{page_of_codes}/{code}"))) as picture:
        page = pdf.add_blank_page(page_size=(595, 842))
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        page.Contents = pdf.make_stream("\n".join(lines).encode())
        page.add_overlay(picture.pages[0], pikepdf.Rectangle(60, 80, 180, 200))
        whole = BytesIO()
        pdf.save(whole)
        return whole.getvalue()
