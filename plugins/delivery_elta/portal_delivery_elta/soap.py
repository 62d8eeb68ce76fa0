"""The services of ELTA Courier: one call each, built and read with zeep, over a line that is ours.

zeep never sees the network: it builds the message from the WSDL and reads the answer by it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from lxml import etree
from zeep import Client
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault
from zeep.settings import Settings

from portal.plugin_api import ConfigurationFailure, PluginContext, ProviderFailure, TemporaryFailure

from .settings import VARIABLE, EltaSettings

OWN_FILES = Path(__file__).parent / "wsdl"
SERVICES = ("CREATEAWB02", "PELTT03", "PELB64VG", "GETPUDODETAILS")
LARGEST = 8 * 1024 * 1024
"""Bytes of one answer; the longest list of points takes about half of it."""
LONGEST_CALL = 20.0
LONGEST_CONNECT = 5.0
READING = Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
WRONG_ACCOUNT = {
    2: "does not know our user code; compare user_code",
    3: f"does not accept our password; compare {VARIABLE}",
    6: "does not know our customer code; compare sender_code and sender_sub_code",
}
"""Answers of every service that only a mended setting changes, by ``st_flag``."""


@dataclass(frozen=True)
class _Service:
    client: Client
    proxy: Any
    binding: Any
    fields: tuple[str, ...]


class EltaServices:
    """ELTA Courier as one provider sees it. Raises ConfigurationFailure for files that do not serve."""

    def __init__(self, context: PluginContext[EltaSettings]) -> None:
        settings = context.settings
        self.patience = LONGEST_CALL
        self._url = f"{settings.base_url}/"
        self._http = _line_with(settings.ca_bundle) if settings.ca_bundle else context.http
        folder = Path(settings.wsdl_dir) if settings.wsdl_dir else OWN_FILES
        self._services = {name: _load(folder, name) for name in SERVICES}

    def ask(self, name: str, values: Mapping[str, Any]) -> Any:
        """Call one service. Every field it has is sent, in its own order; what is not given is empty.

        Raises ConfigurationFailure when ELTA Courier does not accept our account, TemporaryFailure when
        no answer comes, or one that makes no sense.
        """
        service = self._services[name]
        filled = {field: values.get(field, "") for field in service.fields}
        message = service.client.create_message(service.proxy, "READ", **filled)
        # Its own prefix would be as good; this is how the answers of ELTA are written too.
        etree.cleanup_namespaces(message)
        content = etree.tostring(message, xml_declaration=True, encoding="utf-8")
        answer = _read(service, self._post(content))
        if answer.st_flag in WRONG_ACCOUNT:
            raise ConfigurationFailure(f"ELTA Courier {WRONG_ACCOUNT[answer.st_flag]}")
        return answer

    def _post(self, content: bytes) -> bytes:
        end = time.monotonic() + self.patience
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        timeout = httpx.Timeout(self.patience, connect=min(self.patience, LONGEST_CONNECT))
        request = self._http.build_request(
            "POST", self._url, content=content, headers=headers, timeout=timeout
        )
        request.headers.pop("Cookie", None)
        try:
            response = self._http.send(request, stream=True)
            try:
                _expect_xml(response)
                return _body(response, end)
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise _no_answer(error) from None


class _OnlyThisFolder:
    """Where zeep gets files from: the folder of the WSDL and nothing else, no address above all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def load(self, url: object) -> bytes:
        file = Path(str(url).removeprefix("file://")).resolve()
        if not file.is_relative_to(self._folder):
            raise OSError(f"{url} lies outside")
        return file.read_bytes()


def _load(folder: Path, name: str) -> _Service:
    file = folder / f"{name}.wsdl"
    if not file.is_file():
        raise ConfigurationFailure(f"[plugin.delivery_elta] wsdl_dir: has no {name}.wsdl; copy it there")
    try:
        client = Client(str(file), transport=_OnlyThisFolder(folder), settings=READING)
        binding = client.wsdl.bindings[f"{{/{name}}}{name}"]
        fields = tuple(field for field, _type in client.get_element(f"{{/{name}}}READ").type.elements)
        proxy = client.create_service(f"{{/{name}}}{name}", "")
    except (ZeepError, OSError, KeyError, ValueError, LookupError, etree.Error) as error:
        raise ConfigurationFailure(
            f"[plugin.delivery_elta] wsdl_dir: {name}.wsdl is not the file of ELTA Courier that is known "
            f"({type(error).__name__}); copy it again, or delete the setting"
        ) from None
    return _Service(client, proxy, binding, fields)


def _line_with(ca_bundle: str) -> httpx.Client:
    """A client that trusts these certificates; like the portal's own it keeps no connection."""
    transport = httpx.HTTPTransport(
        verify=ssl.create_default_context(cafile=ca_bundle), limits=httpx.Limits(max_keepalive_connections=0)
    )
    return httpx.Client(transport=transport, follow_redirects=False)


def _expect_xml(response: httpx.Response) -> None:
    """The service answers with 200, or with 500 and a fault; anything else does not come from it."""
    status = response.status_code
    if status in (401, 403):
        raise ConfigurationFailure(
            "ELTA Courier lets us call nothing there; compare base_url with its letter"
        )
    if status == 404 or 300 <= status < 400:
        raise ConfigurationFailure(f"the services are not at this address ({status}); check base_url")
    if status not in (200, 500):
        raise TemporaryFailure(f"ELTA Courier answers {status}", _named_pause(response))
    if "xml" not in response.headers.get("Content-Type", ""):
        raise TemporaryFailure(f"ELTA Courier answers with something that is no XML ({status})")


def _named_pause(response: httpx.Response) -> timedelta | None:
    told = response.headers.get("Retry-After", "")
    return timedelta(seconds=min(int(told), 3600)) if told.isdecimal() else None


def _body(response: httpx.Response, end: float) -> bytes:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if time.monotonic() > end:
            raise TemporaryFailure("ELTA Courier takes too long to answer")
        if len(body) > LARGEST:
            raise TemporaryFailure("ELTA Courier answers more than makes sense")
    return body


@dataclass(frozen=True)
class _Reply:
    """What zeep wants to see of an answer."""

    content: bytes
    status_code: int = 200
    encoding: str = "utf-8"

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "text/xml"}


def _read(service: _Service, content: bytes) -> Any:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise TemporaryFailure("ELTA Courier answers with definitions, which it has no need of")
    try:
        answer = service.binding.process_reply(service.client, service.binding.get("READ"), _Reply(content))
    except Fault:
        # Its words may quote what we sent.
        raise TemporaryFailure("ELTA Courier answers with a fault") from None
    except (ZeepError, etree.Error, ValueError, TypeError, AttributeError, LookupError) as error:
        raise TemporaryFailure(f"ELTA Courier's answer cannot be read ({type(error).__name__})") from None
    if not isinstance(getattr(answer, "st_flag", None), int):
        raise TemporaryFailure("ELTA Courier's answer has no result")
    return answer


def _no_answer(error: httpx.HTTPError) -> ProviderFailure:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return TemporaryFailure("the certificate at base_url is not trusted here; set ca_bundle")
    return TemporaryFailure(f"ELTA Courier does not answer ({type(error).__name__})")
