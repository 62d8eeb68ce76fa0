"""The municipality's electronic seal: which certificate, is it in order, and putting it on a PDF.

Sealing is the last thing that happens to a file, in a worker: a time stamp is fetched from outside, and no
page waits for that. pyHanko is asked for only here, and only when a seal is configured.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from portal import clock
from portal.config import Config, ConfigProblems
from portal.plugin_api import PermanentFailure

PASSWORD = "PORTAL_SEAL_PASSWORD"  # noqa: S105 - the name of the variable


@dataclass(frozen=True)
class Seal:
    """What pyHanko needs: the opened file is in order, and in its time."""

    archive: bytes = field(repr=False)
    password: bytes = field(repr=False)
    tsa_url: str
    valid_until: datetime


class SealUnusable(Exception):
    """The certificate cannot seal; the text names the setting and the mend."""


def init_app(config: Config) -> None:
    """Refuse a start with a seal that would fail at the first document. Raises ConfigProblems."""
    if config.seal is None:
        return
    try:
        open_seal(config)
    except SealUnusable as problem:
        raise ConfigProblems([str(problem)]) from None


def open_seal(config: Config) -> Seal:
    """The configured seal. Raises SealUnusable."""
    assert config.seal is not None
    where = f"{config.source} seal.certificate:"
    if importlib.util.find_spec("pyhanko") is None:
        raise SealUnusable(f"{where} needs pyHanko; run pip install 'thyrida[seal]'")
    archive = _read(_path(config, config.seal.certificate), where)
    password = config.environment.get(PASSWORD, "").encode()
    valid_until = _check(_certificate(archive, password, where), where)
    return Seal(archive, password, config.seal.tsa_url, valid_until)


def put_on(seal: Seal, content: bytes, reason: str) -> bytes:
    """``content`` with the seal. Raises what a provider may raise."""
    from portal.certificates import sealing

    return sealing.put_on(seal, content, reason)


def open_now(config: Config) -> Seal:
    """The seal at the moment of sealing: it may have expired since the start. Raises PermanentFailure."""
    try:
        return open_seal(config)
    except SealUnusable as problem:
        raise PermanentFailure(str(problem)) from None


def _path(config: Config, name: str) -> Path:
    return (config.operator_folder or Path()) / name


def _read(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SealUnusable(
            f"{where} {path.name} cannot be read ({error.strerror}); mend name or rights"
        ) from None


def _certificate(archive: bytes, password: bytes, where: str) -> x509.Certificate:
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(archive, password or None)
    except ValueError:
        raise SealUnusable(
            f"{where} cannot be opened; set environment {PASSWORD}, or make the file anew as PKCS#12"
        ) from None
    if key is None or certificate is None:
        raise SealUnusable(f"{where} lacks the private key or its certificate; export both into one file")
    return certificate


def _check(certificate: x509.Certificate, where: str) -> datetime:
    if certificate.not_valid_before_utc > clock.now():
        raise SealUnusable(
            f"{where} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} on; wait or get another"
        )
    if certificate.not_valid_after_utc <= clock.now():
        raise SealUnusable(
            f"{where} expired on {certificate.not_valid_after_utc:%Y-%m-%d}; get a new certificate"
        )
    if not _may_sign(certificate):
        raise SealUnusable(
            f"{where} is not for signatures (key usage); ask for a certificate for electronic seals"
        )
    return certificate.not_valid_after_utc


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment
