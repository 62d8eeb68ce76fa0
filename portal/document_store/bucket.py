"""Documents as objects of a bucket, on any service that speaks S3. botocore signs and retries.

Objects are private, as a bucket makes them unless it is told otherwise; their type says nothing, and so do
their names. Every wait has an end: a page must not hang, and a job comes back by itself.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from portal import clock
from portal.config import Config, ConfigProblems
from portal.document_settings import BUCKET_KEYS, DocumentSettings
from portal.document_store import PAGE, StoreAway, StoreFull, StoreMisconfigured

CONNECT, ANSWER = 3.0, 10.0
"""Seconds to wait for a connection, and for each piece of an answer."""
TRIES = 3
READ_TRIES = 2
"""An answer that breaks off in its middle is asked for once more."""
OPAQUE = "application/octet-stream"

GONE = {"NoSuchKey", "404", "NotFound"}
FULL = {"QuotaExceeded", "InsufficientStorage", "EntityTooLarge", "507"}
MENDS = {
    "NoSuchBucket": ("{source} documents.bucket", "there is no bucket {bucket}; make it, or mend the name"),
    "InvalidAccessKeyId": ("environment {access}", "the service does not know this key; mend it"),
    "SignatureDoesNotMatch": ("environment {secret}", "does not belong to the access key; mend it"),
    "RequestTimeTooSkewed": ("{source} documents.endpoint", "its clock differs from ours; set both right"),
    "PermanentRedirect": ("{source} documents.region", "the bucket lies elsewhere; mend region or endpoint"),
    "AuthorizationHeaderMalformed": ("{source} documents.region", "the service expects another; mend it"),
    "AccessDenied": (
        "{source} documents.bucket",
        "the key may not read, write, remove and list in {bucket}, or there is none; give it these rights",
    ),
}
"""What an administrator reads, by the service's word for what is wrong: the setting, and the mend."""
SAME = {"403": "AccessDenied", "Forbidden": "AccessDenied", "301": "PermanentRedirect"}


@dataclass(frozen=True)
class Bucket:
    """One bucket, and in it all that stands behind the prefix."""

    settings: DocumentSettings
    keys: tuple[str, str] = field(repr=False)
    source: str
    """The configuration's file, for messages."""
    clients: dict[int, Any] = field(default_factory=dict, repr=False)
    """By process: connections must not be shared with a child."""
    is_far = True

    @classmethod
    def configured(cls, config: Config) -> Bucket:
        """The bucket of the file. Raises ConfigProblems without the library that speaks to it."""
        if importlib.util.find_spec("botocore") is None:
            mend = "needs botocore; run pip install 'thyrida[s3]'"
            raise ConfigProblems([f"{config.source} documents.store: {mend}"])
        return cls(config.documents, config.bucket_keys, config.source)

    def write(self, name: str, content: bytes) -> None:
        """A service keeps all of an object or nothing; an answer that was lost is asked for again."""
        with self._troubles_told():
            self.client().put_object(**self._object(name), Body=content, ContentType=OPAQUE)

    def read(self, name: str) -> bytes:
        """The whole object."""
        for _number in range(READ_TRIES - 1):
            try:
                return self._read(name)
            except StoreAway:
                continue
        return self._read(name)

    def exists(self, name: str) -> bool:
        """True when the object is there."""
        try:
            with self._troubles_told():
                self.client().head_object(**self._object(name))
        except FileNotFoundError:
            return False
        return True

    def remove(self, name: str) -> None:
        """For good; a bucket that keeps versions must forget them by a rule of its own."""
        with self._troubles_told():
            self.client().delete_object(**self._object(name))

    def pages(self, older_than: datetime, after: str = "") -> Iterator[list[str]]:
        """In the order of their names, as services list them."""
        prefix = self.settings.prefix
        begin = {"StartAfter": f"{prefix}{after}"} if after else {}
        more: dict[str, str] = {}
        while True:
            with self._troubles_told():
                listed = self.client().list_objects_v2(
                    Bucket=self.settings.bucket, Prefix=prefix, MaxKeys=PAGE, **begin, **more
                )
            yield [
                one["Key"].removeprefix(prefix)
                for one in listed.get("Contents", [])
                if one["LastModified"] < older_than
            ]
            if not listed.get("IsTruncated"):
                return
            more = {"ContinuationToken": listed["NextContinuationToken"]}

    def check(self) -> None:
        """Write an object, read, list and remove it; a stranger must not be able to read it."""
        name = f"check-{secrets.token_hex(8)}"
        self.write(name, b"check")
        try:
            if self._read(name) != b"check" or not self.exists(name):
                raise StoreAway("the service gives back something else than it got")
            next(self.pages(clock.now()))
            self._refuses_strangers(name)
        finally:
            self.remove(name)

    def trouble_nearby(self) -> str:
        """Nothing is known without asking."""
        return ""

    def _read(self, name: str) -> bytes:
        with self._troubles_told():
            content: bytes = self.client().get_object(**self._object(name))["Body"].read()
            return content

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self.settings.bucket, "Key": f"{self.settings.prefix}{name}"}

    def client(self) -> Any:
        """The client of this process; it connects when it is first used."""
        return self.clients.get(os.getpid()) or self.clients.setdefault(os.getpid(), self._new_client())

    def _new_client(self) -> Any:
        """Nothing of the environment or of the home folder changes whom it asks, and with which keys."""
        import botocore.session
        from botocore.config import Config as ClientConfig

        config = ClientConfig(
            signature_version="s3v4",
            connect_timeout=CONNECT,
            read_timeout=ANSWER,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            proxies={},
            # Not every service knows the newer check sums; the encryption proves the content anyway.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
        )
        session = botocore.session.Session(profile=None)
        session.set_config_variable("config_file", os.devnull)
        session.set_config_variable("credentials_file", os.devnull)
        access, secret = self.keys
        return session.create_client(
            "s3",
            region_name=self.settings.region,
            endpoint_url=self.settings.endpoint,
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            verify=True,
            config=config,
        )

    def _refuses_strangers(self, name: str) -> None:
        address = f"{self.settings.endpoint}/{self.settings.bucket}/{self.settings.prefix}{name}"
        try:
            status = httpx.get(address, timeout=ANSWER, trust_env=False).status_code
        except httpx.HTTPError as error:
            raise StoreAway(f"does not answer ({type(error).__name__})") from None
        if status == httpx.codes.OK:
            raise StoreMisconfigured(
                f"{self.source} documents.bucket: anybody can read {self.settings.bucket}; make it private"
            )

    @contextmanager
    def _troubles_told(self) -> Iterator[None]:
        """Errors of botocore in our words; theirs can quote addresses and keys."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            yield
        except ClientError as error:
            raise self._in_our_words(str(error.response.get("Error", {}).get("Code", ""))) from None
        except (BotoCoreError, HTTPClientError) as error:
            raise StoreAway(f"the document store does not answer ({type(error).__name__})") from None

    def _in_our_words(self, code: str) -> Exception:
        code = SAME.get(code, code)
        if code in GONE:
            return FileNotFoundError("there is no such object")
        if code in FULL:
            return StoreFull(f"the document store has no room left ({code})")
        if code in MENDS:
            setting, mend = MENDS[code]
            access, secret = BUCKET_KEYS
            known = {
                "source": self.source,
                "bucket": self.settings.bucket,
                "access": access,
                "secret": secret,
            }
            return StoreMisconfigured(f"{setting}: {mend}".format(**known))
        return StoreAway(f"the document store does not answer in order ({code or 'no reason'})")
