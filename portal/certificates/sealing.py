"""The seal put on a PDF by pyHanko: PAdES B-B, or B-T with a time stamp. Imported by `seal` when needed."""

from __future__ import annotations

from io import BytesIO

import httpx
from asn1crypto import tsp
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from portal.certificates.seal import Seal
from portal.plugin_api import PermanentFailure, TemporaryFailure

FIELD = "MunicipalSeal"
TIMEOUT = 20
KIND = {"Content-Type": "application/timestamp-query"}


class _TimeStamps(TimeStamper):
    """Asks the authority for time stamps as the rest of the portal asks outside systems."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """The authority's answer to one request."""
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            answer = await client.post(self._url, content=req.dump(), headers=KIND)
        answer.raise_for_status()
        return tsp.TimeStampResp.load(answer.content, strict=True)


def put_on(seal: Seal, content: bytes, reason: str) -> bytes:
    """``content`` with the seal, added behind it: what was signed before stays valid.

    Raises TemporaryFailure while no time stamp comes, PermanentFailure when this PDF cannot be sealed.
    """
    signer = signers.SimpleSigner.load_pkcs12_data(seal.archive, [], passphrase=seal.password or None)
    meta = signers.PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES, reason=reason
    )
    stamps = _TimeStamps(seal.tsa_url) if seal.tsa_url else None
    sealed = BytesIO()
    try:
        writer = IncrementalPdfFileWriter(BytesIO(content), strict=False)
        signers.sign_pdf(writer, meta, signer, timestamper=stamps, output=sealed)
    except (httpx.HTTPError, TimestampRequestError, ValueError) as error:
        if stamps is None:
            raise PermanentFailure(f"the PDF cannot be sealed ({type(error).__name__})") from None
        raise TemporaryFailure(f"no time stamp came ({type(error).__name__})") from None
    except (SigningError, PdfError) as error:
        raise PermanentFailure(f"the PDF cannot be sealed ({type(error).__name__})") from None
    return sealed.getvalue()
