"""A clerk's upload, or a template filled in, made into the file that is issued: with its code, and stored.

Everything is drawn before anybody approves, so that the second person sees what the citizen will get. Only
the seal comes later, since it says that the office has issued it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from portal import files
from portal.appointments.links import page_address
from portal.certificates import drawing, marking, values, verification
from portal.certificates.drawing import NotInstalled
from portal.certificates.forms import TemplateProblem
from portal.certificates.verification_block import SAMPLE, Block
from portal.config import Config
from portal.documents.issuing.approval import Finished, Terms
from portal.documents.issuing.pdf_check import check_pdf
from portal.documents.models import DocumentRequest
from portal.files import NotAcceptable
from portal.people.models import Person


def terms() -> Terms:
    """What the municipality's settings say about issuing."""
    config: Config = current_app.config["PORTAL"]
    return Terms(config.portal.document_days, config.certificates.verification_days, config.seal is not None)


def upload(filename: str, content: bytes) -> Finished:
    """The clerk's own PDF; a signed one stays as it is. Raises NotAcceptable."""
    check_pdf(content)
    block = Block("" if marking.is_signed(content) else _new_code(), _page())
    if block:
        content = marking.with_page(content, _drawn(lambda: drawing.page_with(block)))
    return Finished(files.store_pdf(filename, content), block.code)


def from_template(
    request: DocumentRequest, name: str, title: str, answers: Mapping[str, Any], clerk: Person
) -> Finished:
    """The template filled from the case. Raises NotAcceptable."""
    block = Block(_new_code(), _page())
    given = values.of_case(request.appointment, request.protocol, clerk, answers)
    content = _drawn(lambda: drawing.certificate(name, given, block))
    if block and not block.drawn:
        content = marking.with_page(content, _drawn(lambda: drawing.page_with(block)))
    return Finished(files.store_pdf(f"{title}.pdf", content), block.code)


def preview(request: DocumentRequest, name: str, answers: Mapping[str, Any], clerk: Person) -> bytes:
    """The same to look at, marked as a draft, without a code that works. Raises NotAcceptable."""
    block = Block(SAMPLE if _codes_wanted() else "", _page())
    given = values.of_case(request.appointment, request.protocol, clerk, answers)
    return _drawn(lambda: drawing.certificate(name, given, block, draft=True))


def _drawn(draw: Callable[[], bytes]) -> bytes:
    """What ``draw`` gives; what hinders it in words for the clerk, who tells the administrator."""
    try:
        return draw()
    except NotInstalled as missing:
        raise NotAcceptable(
            _("PDFs cannot be made on this server. Tell the administrator: %(missing)s", missing=missing)
        ) from None
    except TemplateProblem as problem:
        raise NotAcceptable(
            _("The template has a mistake. Tell the administrator: %(problem)s", problem=problem)
        ) from None


def _codes_wanted() -> bool:
    """A demonstration needs nothing but Python: where no PDF can be drawn it issues without codes."""
    config: Config = current_app.config["PORTAL"]
    return config.certificates.verification and not (config.demo and drawing.ready())


def _new_code() -> str:
    return verification.new_code() if _codes_wanted() else ""


def _page() -> str:
    return page_address("verify.show")
