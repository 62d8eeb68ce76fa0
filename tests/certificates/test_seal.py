"""The electronic seal: a certificate in order or no start, a seal that holds, a changed byte that breaks it.

The authority is made anew for each run; the hour is the one of the tests' clock.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from flask import Flask
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from sqlalchemy import select

from portal import files
from portal.certificates import marking, seal
from portal.config import ConfigProblems, SealSettings
from portal.db import db, transaction
from portal.documents.issuing import approval, finishing
from portal.documents.jobs import seal_document
from portal.outbox import OutboxRow, run_due
from portal.plugin_api import PermanentFailure, TemporaryFailure
from portal.testing.fixtures import A_MONDAY
from tests.certificates.conftest import make_pdf

PASSWORD = "σφραγίδα του δήμου"
NOW = A_MONDAY


@dataclasses.dataclass
class Authority:
    """An authority for certificates, made for one test run."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    def issue(self, name: str, until: datetime, *, signs: bool = True, stamps: bool = False) -> Any:
        key = rsa.generate_private_key(65537, 2048)
        made = _builder(name, key, self.certificate.subject, until).add_extension(
            x509.KeyUsage(signs, signs, not signs, *[False] * 6), critical=True
        )
        if stamps:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            made = made.add_extension(usage, critical=True)
        return key, made.sign(self.key, SHA256())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(name: str, key: Any, issuer: x509.Name, until: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(until)
    )


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


@pytest.fixture(scope="module")
def authority() -> Authority:
    key = rsa.generate_private_key(65537, 2048)
    made = _builder("Δοκιμαστική αρχή", key, _name("Δοκιμαστική αρχή"), NOW + timedelta(days=9000))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(x509.KeyUsage(*[False] * 5, True, True, False, False), critical=True)
    return Authority(key, made.sign(key, SHA256()))


@pytest.fixture
def with_seal(
    authority: Authority, settings: Callable[..., None], app: Flask, tmp_path: Path
) -> Callable[..., None]:
    """``with_seal()``: the portal with a certificate of the authority; what is wrong with it is told."""

    def give(until: datetime = NOW + timedelta(days=365), tsa_url: str = "", **kind: Any) -> None:
        key, certificate = authority.issue("Δήμος Ζωγράφου", until, **kind)
        encryption = BestAvailableEncryption(PASSWORD.encode())
        archive = pkcs12.serialize_key_and_certificates(
            b"seal", key, certificate, [authority.certificate], encryption
        )
        (tmp_path / "seal.p12").write_bytes(archive)
        settings(
            operator_folder=tmp_path,
            seal=SealSettings(certificate="seal.p12", tsa_url=tsa_url),
            environment={seal.PASSWORD: PASSWORD},
        )

    return give


class _Stamps(BaseHTTPRequestHandler):
    """A time stamp authority as RFC 3161 wants it: the right kind of question, nothing else."""

    stamper: DummyTimeStamper

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] != "application/timestamp-query":
            self.send_error(415)
            return
        question = tsp.TimeStampReq.load(asked, strict=True)
        answer = asyncio.run(self.stamper.async_request_tsa_response(question)).dump()
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *about: Any) -> None:
        """Tests are quiet."""


@pytest.fixture
def tsa_url(authority: Authority) -> Iterator[str]:
    key, certificate = authority.issue("Χρονοσήμανση", NOW + timedelta(days=365), stamps=True)
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    stamper = DummyTimeStamper(_asn1(certificate), keys.PrivateKeyInfo.load(plain), fixed_dt=NOW)
    handler = type("Stamps", (_Stamps,), {"stamper": stamper})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/tsr"
        server.shutdown()
        thread.join()


def verdict(content: bytes, authority: Authority) -> Any:
    """What pyHanko says of the seal, trusting the authority alone."""
    trust = ValidationContext(trust_roots=[_asn1(authority.certificate)], moment=NOW)
    (found,) = PdfFileReader(BytesIO(content)).embedded_signatures
    return validate_pdf_signature(found, trust, trust)


def sealed(app: Flask) -> bytes:
    return seal.put_on(seal.open_now(app.config["PORTAL"]), make_pdf(), "Βεβαίωση")


def test_a_sealed_pdf_is_valid_and_names_the_municipality(
    app: Flask, with_seal: Callable[..., None], authority: Authority, clock: Any
) -> None:
    with_seal()
    status = verdict(sealed(app), authority)
    assert (status.intact, status.valid, status.trusted) == (True, True, True)
    assert status.signing_cert.subject.native["common_name"] == "Δήμος Ζωγράφου"
    assert status.timestamp_validity is None


def test_a_changed_byte_breaks_the_seal(
    app: Flask, with_seal: Callable[..., None], authority: Authority, clock: Any
) -> None:
    with_seal()
    content = sealed(app)
    changed = content.replace(b"/MediaBox", b"/MediaBoX", 1)
    assert changed != content
    assert verdict(changed, authority).intact is False


def test_another_authority_does_not_vouch_for_it(
    app: Flask, with_seal: Callable[..., None], authority: Authority, clock: Any
) -> None:
    with_seal()
    key = rsa.generate_private_key(65537, 2048)
    stranger = _builder("Άλλη", key, _name("Άλλη"), NOW + timedelta(days=9)).sign(key, SHA256())
    assert verdict(sealed(app), Authority(key, stranger)).trusted is False


def test_a_time_stamp_is_fetched_where_an_authority_is_set(
    app: Flask, with_seal: Callable[..., None], authority: Authority, tsa_url: str, clock: Any
) -> None:
    with_seal(tsa_url=tsa_url)
    status = verdict(sealed(app), authority)
    assert status.timestamp_validity.valid and status.timestamp_validity.trusted


def test_without_its_time_stamp_nothing_is_sealed_yet(
    app: Flask, with_seal: Callable[..., None], clock: Any
) -> None:
    with_seal(tsa_url="http://127.0.0.1:9/tsr")
    with pytest.raises(TemporaryFailure, match="no time stamp came"):
        sealed(app)


def test_a_document_leaves_the_office_sealed_and_its_fingerprint_is_that_of_the_sealed_file(
    app: Flask, with_seal: Callable[..., None], authority: Authority, owed: Any, with_codes: None
) -> None:
    with_seal()
    request = owed.request()
    finished = finishing.upload("a.pdf", make_pdf())
    with transaction():
        approval.put_forward(request, finished, request.appointment.clerk, finishing.terms(), None)
    assert (request.state, request.document) == ("to_seal", None)
    run_due(app)
    db.session.rollback()
    assert (request.state, request.prepared) == ("issued", None)
    content = files.open_document(request.document.stored_as).read()
    assert verdict(content, authority).trusted
    assert request.document.sha256 == hashlib.sha256(content).hexdigest()
    assert request.document.verification.sha256 == request.document.sha256
    with pytest.raises(FileNotFoundError):
        files.open_document(finished.stored.stored_as)


def test_what_was_called_back_meanwhile_is_not_issued(
    app: Flask, with_seal: Callable[..., None], owed: Any
) -> None:
    with_seal()
    request = owed.request()
    finished = finishing.upload("a.pdf", make_pdf())
    with transaction():
        approval.put_forward(request, finished, request.appointment.clerk, finishing.terms(), None)
    key = request.prepared.key
    with transaction():
        approval.call_back(request, request.appointment.clerk)
    seal_document(request.id, key)
    assert (request.state, request.document) == ("to_issue", None)


def test_without_a_time_stamp_the_document_waits(
    app: Flask, with_seal: Callable[..., None], owed: Any
) -> None:
    with_seal(tsa_url="http://127.0.0.1:9/tsr")
    request = owed.request()
    finished = finishing.upload("a.pdf", make_pdf())
    with transaction():
        approval.put_forward(request, finished, request.appointment.clerk, finishing.terms(), None)
    run_due(app)
    db.session.rollback()
    row = db.session.scalars(select(OutboxRow).filter_by(kind="document.seal")).one()
    assert (request.state, row.state, row.attempts) == ("to_seal", "waiting", 1)


def test_what_somebody_signed_already_gets_the_seal_and_no_page(
    app: Flask, with_seal: Callable[..., None], authority: Authority, owed: Any, with_codes: None
) -> None:
    with_seal()
    signed = sealed(app)
    finished = finishing.upload("a.pdf", signed)
    assert finished.code == ""
    assert files.open_document(finished.stored.stored_as).read() == signed
    assert marking.is_signed(signed) and not marking.is_signed(make_pdf())


def test_a_seal_in_order_lets_the_portal_start(
    app: Flask, with_seal: Callable[..., None], clock: Any
) -> None:
    with_seal()
    seal.init_app(app.config["PORTAL"])


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ({"until": NOW - timedelta(days=1)}, "expired on 2026-11-29; get a new certificate"),
        ({"signs": False}, "is not for signatures"),
    ],
)
def test_a_certificate_that_cannot_seal_stops_the_start(
    app: Flask, with_seal: Callable[..., None], kind: dict[str, Any], told: str, clock: Any
) -> None:
    with_seal(**kind)
    with pytest.raises(ConfigProblems, match="1 problem") as refused:
        seal.init_app(app.config["PORTAL"])
    assert "seal.certificate:" in str(refused.value) and told in str(refused.value)


def test_a_wrong_password_stops_the_start_and_is_not_told(
    app: Flask, with_seal: Callable[..., None], settings: Callable[..., None], clock: Any
) -> None:
    with_seal()
    settings(environment={seal.PASSWORD: "wrong-password"})
    with pytest.raises(ConfigProblems, match=f"set environment {seal.PASSWORD}") as refused:
        seal.init_app(app.config["PORTAL"])
    assert "wrong-password" not in str(refused.value)


def test_a_missing_file_stops_the_start(app: Flask, settings: Callable[..., None], tmp_path: Path) -> None:
    settings(operator_folder=tmp_path, seal=SealSettings(certificate="gone.p12"))
    with pytest.raises(ConfigProblems, match=r"gone\.p12 cannot be read"):
        seal.init_app(app.config["PORTAL"])


def test_a_certificate_that_expired_since_the_start_seals_nothing(
    app: Flask, with_seal: Callable[..., None], clock: Any
) -> None:
    with_seal(until=NOW + timedelta(hours=1))
    clock.shift(7200)
    with pytest.raises(PermanentFailure, match="expired"):
        sealed(app)


def test_password_and_key_are_not_in_what_is_logged(
    app: Flask, with_seal: Callable[..., None], clock: Any
) -> None:
    with_seal()
    shown = repr(seal.open_now(app.config["PORTAL"])) + repr(app.config["PORTAL"])
    assert PASSWORD not in shown and "archive" not in shown
