"""Encryption at rest, with keys derived from ``PORTAL_SECRET_KEY``.

Several keys may stand in that variable: the first encrypts, all decrypt, so a key can be changed
without losing what was written under the old one. Each key has a mark, eight digits that tell nothing of it;
what is written bears the mark of its key, so that the database alone can count what lies under an older one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, current_app

from portal.config import Config


def init_app(app: Flask, config: Config) -> None:
    """Derive the keys of this application."""
    app.extensions["portal.fernet"] = MultiFernet(
        [Fernet(_derived(key, b"thyrida at rest")) for key in config.secret_keys]
    )
    app.extensions["portal.key_marks"] = [_mark(key) for key in config.secret_keys]
    app.extensions["portal.lookup_keys"] = [_derived(key, b"thyrida look-up") for key in config.secret_keys]


def key_marks() -> list[str]:
    """The marks of today's keys, the one that encrypts first."""
    marks: list[str] = current_app.extensions["portal.key_marks"]
    return marks


def encrypt(content: bytes) -> bytes:
    """``content`` so that only this portal can read it."""
    token: bytes = current_app.extensions["portal.fernet"].encrypt(content)
    return token


def decrypt(token: bytes) -> bytes:
    """The content again. Raises cryptography.fernet.InvalidToken when no key of ours fits."""
    # Before a colon may stand the mark of the key; a token has none inside.
    content: bytes = current_app.extensions["portal.fernet"].decrypt(token.rpartition(b":")[2])
    return content


def sealed_text(text: str) -> str:
    """A text as it lies in a column, the mark of its key in front; an empty one stays empty."""
    return f"{key_marks()[0]}:{encrypt(text.encode()).decode()}" if text else ""


def read_text(token: str) -> str:
    """A text that lies encrypted in a column; empty where there is none, or no key of today opens it."""
    try:
        return decrypt(token.encode()).decode() if token else ""
    except InvalidToken:
        return ""


def lookup_hashes(value: str, *former: bytes) -> list[str]:
    """What ``value`` is found by where it lies encrypted: one hash for each key, the present one first.

    Without the key nobody can try out all nine-digit numbers until one fits. ``former`` are such keys that
    were kept when the secret they come from was removed.
    """
    return [hmac.digest(key, value.encode(), "sha256").hex() for key in [*lookup_keys(), *former]]


def lookup_keys() -> list[bytes]:
    """The keys of those hashes, the present one first."""
    keys: list[bytes] = current_app.extensions["portal.lookup_keys"]
    return keys


def _mark(secret: str) -> str:
    return hashlib.sha256(_derived(secret, b"thyrida mark of the key")).hexdigest()[:8]


def _derived(secret: str, purpose: bytes) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
    return base64.urlsafe_b64encode(key)
