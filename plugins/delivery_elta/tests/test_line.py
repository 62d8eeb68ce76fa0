"""The line to ELTA Courier: nothing elsewhere is followed, nothing endless read, certificates checked."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from portal_delivery_elta.courier import EltaCourier

from portal.plugin_api import ConfigurationFailure, TemporaryFailure
from portal.testing.elta import EltaSimulator, faults
from portal.testing.remote import RemoteServer, Reply

TRACK = "PELTT03"


@pytest.mark.parametrize("status", [301, 302, 404])
def test_another_address_is_not_followed(
    courier_by: Callable[..., EltaCourier], remote: RemoteServer, status: int
) -> None:
    remote.script(Reply(status, headers={"Location": remote.url + "/elsewhere"}))
    with pytest.raises(ConfigurationFailure, match="base_url"):
        courier_by(base_url=remote.url).check()
    assert len(remote.asked) == 1


def test_a_pause_that_is_named_is_kept(courier_by: Callable[..., EltaCourier], remote: RemoteServer) -> None:
    remote.script(Reply(429, headers={"Retry-After": "120"}))
    with pytest.raises(TemporaryFailure) as failure:
        courier_by(base_url=remote.url).check()
    assert failure.value.retry_after is not None
    assert failure.value.retry_after.total_seconds() == 120


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        b"<x>" * 300,
        b"",
        b"<READResponse xmlns='/PELTT03'/>",
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>',
    ],
)
def test_an_answer_that_is_none_is_temporary(
    courier: EltaCourier, elta: EltaSimulator, content: bytes
) -> None:
    elta.faults[TRACK] = faults.body(content)
    with pytest.raises(TemporaryFailure):
        courier.check()


def test_an_answer_larger_than_makes_sense_is_not_read(
    courier: EltaCourier, elta: EltaSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal_delivery_elta.soap.LARGEST", 1000)
    elta.faults[TRACK] = faults.body(b" " * 5000)
    with pytest.raises(TemporaryFailure, match="more than makes sense"):
        courier.check()


# --- The certificate -------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that nobody but its maker trusts, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "ca.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


def test_certificates_are_checked_and_another_maker_can_be_trusted(
    courier_by: Callable[..., EltaCourier], certificate: Path
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    with closing(EltaSimulator(tls)) as elta:
        courier_by(base_url=elta.url, ca_bundle=str(certificate)).check()
        assert elta.calls() == ["PELTT03"]
        with pytest.raises(TemporaryFailure, match="not trusted here; set ca_bundle"):
            courier_by(base_url=elta.url).check()
        assert elta.calls() == ["PELTT03"]
