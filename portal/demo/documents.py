"""The documents of the demonstration's past: some delivered, one on its way, the newest still owed.

Of those that are owed, one waits for papers of the citizen.

Called by `portal.demo.bookings`. Nothing leaves the portal: what would be sent is called off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pikepdf

from portal import clock, files, outbox
from portal.appointments.models import Appointment
from portal.config import Config
from portal.db import Bilingual
from portal.documents import lifecycle
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.models import Delivery, DocumentRequest
from portal.documents.papers import lifecycle as papers
from portal.files import StoredFile
from portal.plugin_api import Receipt, RecipientField
from portal.providers import current_providers

STILL_OWED = 2
"""The newest requests wait on the clerk's desk."""
LATER = timedelta(minutes=30)
"""So long after the call the clerk issued."""
CODE = "AK7M4X"
LEASE = Bilingual("Μισθωτήριο ή λογαριασμός ρεύματος", "Lease or electricity bill")


def samples(count: int) -> list[StoredFile]:
    """Files for so many documents, stored before the transaction in which they are issued."""
    return [files.store_pdf("sample.pdf", sample_pdf()) for _ in range(count)]


def issue_some(config: Config, past: Sequence[Appointment], samples: list[StoredFile]) -> None:
    """Issue what is owed for ``past`` appointments, oldest first, but the newest; the last is on its way.

    Each takes one of the ``samples``.
    """
    wanted = [request for appointment in past if (request := lifecycle.request_of(appointment))]
    issued = []
    for request in wanted[: min(len(wanted) - STILL_OWED, len(samples))]:
        with clock.pretend(min(request.created_at + LATER, clock.now())):
            issued.append(issue(config, request, samples.pop()))
    for delivery in issued[:-1]:
        arrive(delivery)
    for request in wanted:
        outbox.cancel(f"case:{request.id}")
    if wanted:
        _ask_for_papers(wanted[-1])


def issue(config: Config, request: DocumentRequest, sample: StoredFile) -> Delivery:
    """Issue a sample as the clerk does, and let it go its way as far as it gets by itself."""
    clerk = request.appointment.clerk
    stored = replace(sample, filename=f"{request.appointment.service.name.el}.pdf")
    delivery = lifecycle.issue(request, stored, clerk, config.portal.document_days)
    outbox.cancel(f"delivery:{delivery.id}")
    way = current_providers().delivery[delivery.provider]
    is_sent = way.kept_in_portal or RecipientField.EMAIL in way.needs
    deliveries.receipt_arrived(
        delivery,
        Receipt(delivery.key, "sent") if is_sent else Receipt(delivery.key, "prepared", code=CODE),
    )
    return delivery


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
        deliveries.handed_over(delivery, appointment.clerk)


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
