"""Makes a harmless file of what a citizen sent. Runs as a program of its own, never inside the portal.

The content comes on standard input. The answer is one line of JSON, ``{"kind": …}`` or ``{"refused": …}``,
and after it the clean content. `paper_check` starts this program with no environment, and it limits itself
before it reads a byte: whatever is wrong with the file, or with a library that reads it, ends here.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf
import pillow_heif
import puremagic
from PIL import Image, ImageOps, UnidentifiedImageError

MEMORY = 1024 * 1024 * 1024
SECONDS = 20
MOST_PIXELS = 50_000_000
"""The largest cameras of phones make 48 or 50 million."""
LONGEST_SIDE = 4000
"""Pixels that are kept: an A4 page at 300 to the inch has 3,508."""
MOST_PAGES = 200
LARGEST = 10 * 1024 * 1024

IMAGES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/heic": "HEIF"}
"""What can be read, and the one reader that may try."""
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis"})
"""Phones write one of them first, or after the general ``mif1``; a film has none of them."""

LAUNCHES = frozenset(
    {"/JavaScript", "/Launch", "/SubmitForm", "/ResetForm", "/ImportData", "/RichMediaExecute", "/GoToE"}
    | {"/GoToR", "/Rendition", "/Movie", "/Sound", "/Hide", "/SetOCGState", "/Trans", "/GoTo3DView"}
)
"""Actions that do something, wherever they stand; what remains turns a page or is a link to be clicked."""
ALWAYS_GONE = ("/JS", "/JavaScript", "/AA", "/OpenAction", "/EF", "/RF", "/EmbeddedFiles", "/AF", "/XFA")
"""Scripts, what happens by itself, files inside, and forms that are programs."""
GONE_ANNOTATIONS = frozenset(
    {"/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D", "/Projection"}
)


class Refused(Exception):
    """The file is not taken; the text is a key of `paper_check.REASONS`."""


def main() -> None:
    """Read, clean, answer."""
    limit_myself()
    content = sys.stdin.buffer.read()
    try:
        kind, cleaned = clean(content)
    except Refused as refused:
        answer: dict[str, str] = {"refused": str(refused)}
        cleaned = b""
    else:
        answer = {"kind": kind}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + cleaned)


def limit_myself() -> None:
    """So much memory and time, and no file written."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def clean(content: bytes) -> tuple[str, bytes]:
    """The kind of the file and its harmless content. Raises Refused."""
    kind = kind_of(content)
    if kind == "application/pdf":
        return kind, clean_pdf(content)
    return clean_image(content, IMAGES[kind])


def kind_of(content: bytes) -> str:
    """What the content is, whatever the file is called."""
    if HEIC_BRANDS & _brands(content):
        return "image/heic"
    try:
        found = {match.mime_type for match in puremagic.magic_string(content)}
    except (puremagic.PureError, ValueError):
        found = set()
    if "application/pdf" in found and content.startswith(b"%PDF-"):
        return "application/pdf"
    for kind in IMAGES:
        if kind in found:
            return kind
    raise Refused("kind")


def _brands(content: bytes) -> set[bytes]:
    """What a file of the family of MP4 says that it is; empty for all others."""
    if content[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(content[:4]), 256)
    return {content[8:12], *(content[start : start + 4] for start in range(16, end, 4))}


def clean_image(content: bytes, reader: str) -> tuple[str, bytes]:
    """The picture alone, drawn anew: upright, not too large, without what the camera wrote beside it."""
    pillow_heif.register_heif_opener(thumbnails=False)
    Image.MAX_IMAGE_PIXELS = None  # counted below, with a reason of ours
    try:
        with Image.open(BytesIO(content), formats=[reader]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Refused("pixels")
            _make_smaller(image)
            return _drawn_anew(ImageOps.exif_transpose(image), "PNG" if reader == "PNG" else "JPEG")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        raise Refused("damaged") from None
    except MemoryError:
        raise Refused("heavy") from None


def _make_smaller(image: Image.Image) -> None:
    """A JPEG is read at half of its size where that is enough, in a quarter of the memory."""
    share = min(1.0, LONGEST_SIDE / max(image.size))
    image.draft("RGB", (int(image.width * share), int(image.height * share)))
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=2.0)


def _drawn_anew(image: Image.Image, form: str) -> tuple[str, bytes]:
    """Only the pixels go into the new file."""
    flat = _on_white(image)
    whole = BytesIO()
    if form == "PNG":
        flat.save(whole, "PNG", optimize=False)
        if whole.tell() <= LARGEST:
            return "image/png", whole.getvalue()
        whole = BytesIO()
    flat.save(whole, "JPEG", quality=85)
    return "image/jpeg", whole.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    """Without transparency, in which something could be hidden, and without notes of the former file."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layers = image.convert("RGBA")
        flat = Image.new("RGB", image.size, "white")
        flat.paste(layers, mask=layers.getchannel("A"))
        return flat
    flat = image if image.mode in ("RGB", "L") else image.convert("RGB")
    bare = Image.new(flat.mode, flat.size)
    bare.paste(flat)
    return bare


def clean_pdf(content: bytes) -> bytes:
    """The pages, without anything that acts. A sealed PDF in which nothing acts stays as it is."""
    try:
        with pikepdf.open(BytesIO(content)) as pdf:
            if pdf.is_encrypted:
                raise Refused("protected")
            if not 0 < len(pdf.pages) <= MOST_PAGES:
                raise Refused("pages" if len(pdf.pages) else "damaged")
            changed = _strip(pdf)
            if not changed and _is_sealed(pdf, content):
                return content
            whole = BytesIO()
            pdf.save(whole)
            return whole.getvalue()
    except pikepdf.PasswordError:
        raise Refused("protected") from None
    except (pikepdf.PdfError, ValueError, TypeError, RecursionError):
        raise Refused("damaged") from None
    except MemoryError:
        raise Refused("heavy") from None


def _strip(pdf: pikepdf.Pdf) -> bool:
    """Take out what acts; True when there was something."""
    changed = False
    for part in list(_dictionaries(pdf)):
        changed = _strip_part(part) or changed
    if changed:
        pdf.remove_unreferenced_resources()
    return changed


def _strip_part(part: Any) -> bool:
    gone = [key for key in ALWAYS_GONE if key in part]
    gone += [key for key in ("/A", "/PA", "/Next") if key in part and _acts(part[key])]
    if _acts(part):
        gone += [key for key in part if key not in gone]
    for key in gone:
        del part[key]
    return _strip_annotations(part) or bool(gone)


def _acts(action: Any) -> bool:
    """True for an action that does something, and for a list in which one does."""
    if isinstance(action, pikepdf.Array):
        return any(_acts(one) for one in action)
    return isinstance(action, pikepdf.Dictionary) and str(action.get("/S", "")) in LAUNCHES


def _strip_annotations(part: Any) -> bool:
    notes = part.get("/Annots")
    if not isinstance(notes, pikepdf.Array):
        return False
    kept = [note for note in notes if str(_subtype(note)) not in GONE_ANNOTATIONS]
    if len(kept) == len(notes):
        return False
    part["/Annots"] = pikepdf.Array(kept)
    return True


def _subtype(note: Any) -> Any:
    return note.get("/Subtype", "") if isinstance(note, pikepdf.Dictionary) else ""


def _is_sealed(pdf: pikepdf.Pdf, content: bytes) -> bool:
    """Signed to its last byte: a changed file would not pass as genuine any more."""
    for part in _dictionaries(pdf):
        reach = part.get("/ByteRange")
        if isinstance(reach, pikepdf.Array) and len(reach) == 4 and "/Contents" in part:
            start, end = int(reach[0]), int(reach[2]) + int(reach[3])
            if start == 0 and end == len(content):
                return True
    return False


def _dictionaries(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary of the file, however deep it stands."""
    for whole in [pdf.trailer, *pdf.objects]:
        waiting: list[Any] = [whole]
        while waiting:
            part = waiting.pop()
            if isinstance(part, (pikepdf.Dictionary, pikepdf.Stream)):
                yield part
                waiting += [value for value in part.values() if _stands_inside(value)]
            elif isinstance(part, pikepdf.Array):
                waiting += [value for value in part if _stands_inside(value)]


def _stands_inside(value: Any) -> bool:
    return isinstance(value, pikepdf.Object) and not value.is_indirect


if __name__ == "__main__":
    main()
