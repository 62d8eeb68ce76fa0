"""What a citizen sends is made harmless, or refused with a reason: real files, in a process of its own."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from struct import pack
from typing import Any

import pikepdf
import pillow_heif
import pytest
from flask import Flask
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageDraw

from portal.documents.papers import paper_check
from portal.documents.papers.paper_check import NotAcceptable, clean

GPS = 0x8825
ORIENTATION = 0x0112
PLACE = "Somewhere in Zografou"


@pytest.fixture(autouse=True)
def english(app: Flask) -> Iterator[None]:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        yield


def photo(size: tuple[int, int] = (400, 300), mode: str = "RGB") -> Image.Image:
    """A white paper with a black corner at its upper left."""
    image = Image.new(mode, size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 4, size[1] // 4), fill="black")
    return image


def exif(turned: int = 1) -> Image.Exif:
    """What a phone writes beside a picture."""
    notes = Image.Exif()
    notes[ORIENTATION] = turned
    notes[0x010E] = PLACE
    notes[GPS] = {1: "N", 2: (37.0, 58.0, 30.0), 3: "E", 4: (23.0, 46.0, 10.0)}
    return notes


def saved(image: Image.Image, form: str, **more: Any) -> bytes:
    whole = BytesIO()
    image.save(whole, form, **more)
    return whole.getvalue()


def heic(image: Image.Image, notes: Image.Exif) -> bytes:
    whole = BytesIO()
    pillow_heif.from_pillow(image).save(whole, exif=notes.tobytes())
    return whole.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def refusal(content: bytes) -> str:
    with pytest.raises(NotAcceptable) as refused:
        clean(content)
    return str(refused.value)


def bare(content: bytes) -> bool:
    """Nothing of the camera's notes is left."""
    return not dict(opened(content).getexif()) and PLACE.encode() not in content


def test_the_place_where_a_photo_was_taken_is_removed() -> None:
    sent = saved(photo(), "JPEG", exif=exif(), comment=PLACE.encode())
    assert not bare(sent)
    kept = clean(sent)
    assert kept.media_type == "image/jpeg"
    assert bare(kept.content)


def test_a_photo_that_lies_on_its_side_is_turned() -> None:
    kept = opened(clean(saved(photo(), "JPEG", exif=exif(turned=6))).content)
    assert kept.size == (300, 400)
    assert kept.getpixel((290, 10)) < (60, 60, 60)
    assert kept.getpixel((10, 10)) > (200, 200, 200)


def test_a_photo_of_an_iphone_becomes_a_jpeg() -> None:
    sent = heic(photo(), exif())
    assert PLACE.encode() in sent
    kept = clean(sent)
    assert kept.media_type == "image/jpeg"
    assert opened(kept.content).format == "JPEG"
    assert opened(kept.content).size == (400, 300)
    assert bare(kept.content)


def test_phones_may_name_the_general_brand_first() -> None:
    sent = heic(photo(), exif())
    assert clean(sent[:8] + b"mif1" + sent[12:16] + b"heic" + sent[20:]).media_type == "image/jpeg"


def test_a_film_is_refused() -> None:
    assert "something else" in refusal(pack(">I", 24) + b"ftypisom" + bytes(4) + b"isommp42" + bytes(400))


def test_a_png_stays_one_and_loses_what_stands_beside_the_picture() -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Comment", PLACE)
    kept = clean(saved(photo(mode="RGBA"), "PNG", pnginfo=notes) + b"<script>alert(1)</script>")
    assert kept.media_type == "image/png"
    assert opened(kept.content).mode == "RGB"
    assert bare(kept.content)
    assert b"script" not in kept.content


def test_a_large_photo_is_made_smaller_but_stays_readable() -> None:
    kept = opened(clean(saved(Image.new("L", (7000, 5000), 200), "JPEG")).content)
    assert kept.size == (4000, 2857)


def bomb(width: int, height: int) -> bytes:
    """A PNG of some kilobytes that says that it has so many pixels, all of them black."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return pack(">I", len(content)) + name + content + pack(">I", zlib.crc32(name + content))

    row = b"\x00" + bytes(width // 8)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_picture_of_a_hundred_megapixels_is_refused_before_it_is_read() -> None:
    sent = bomb(10_000, 10_000)
    assert len(sent) < 100_000
    assert "too large" in refusal(sent)


def test_what_does_not_fit_into_the_memory_ends_in_its_own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control of the limit: the same program with less memory gives up, and the portal goes on."""
    small = paper_check.CLEANING.read_text().replace("1024 * 1024 * 1024", "160 * 1024 * 1024", 1)
    asked: list[Any] = []
    real = paper_check.subprocess.run

    def run(command: list[str], **more: Any) -> Any:
        asked.append(command)
        return real([command[0], "-I", "-c", small], **more)

    monkeypatch.setattr(paper_check.subprocess, "run", run)
    assert "within the limits" in refusal(saved(Image.new("RGB", (7000, 7000), "white"), "PNG"))
    assert asked


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 500, b"GIF89a" + bytes(50)])
def test_what_is_neither_photo_nor_pdf_is_refused(content: bytes) -> None:
    assert "Choose a photo or a PDF" in refusal(content) or "something else" in refusal(content)


def test_a_zip_that_calls_itself_a_pdf_is_refused() -> None:
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as packed:
        packed.writestr("setup.exe", b"MZ")
    assert "something else" in refusal(whole.getvalue())
    assert "something else" in refusal(whole.getvalue() + b"%PDF-1.7\n%%EOF")


def test_a_page_that_calls_itself_a_picture_is_refused() -> None:
    assert "something else" in refusal(b"<html><script>alert(1)</script></html>")
    assert "something else" in refusal(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")


def test_a_broken_photo_is_refused_as_such() -> None:
    sent = saved(photo((2000, 1500)), "JPEG")
    assert "damaged" in refusal(sent[: len(sent) // 2])


def test_of_a_photo_that_is_a_zip_too_only_the_photo_stays(make_pdf: Callable[..., bytes]) -> None:
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as packed:
        packed.writestr("run.js", "alert(1)")
    sent = saved(photo(), "JPEG") + whole.getvalue() + make_pdf()
    assert zipfile.is_zipfile(BytesIO(saved(photo(), "JPEG") + whole.getvalue()))
    kept = clean(sent)
    assert kept.media_type == "image/jpeg"
    assert b"run.js" not in kept.content
    assert b"%PDF" not in kept.content


def malicious(pdf: pikepdf.Pdf) -> None:
    """Everything at once that a PDF can do."""
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert('bad')"))
    pdf.Root.OpenAction = script
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), pdf.make_indirect(script)])))
    pdf.attachments["setup.exe"] = b"MZ bad"
    page = pdf.pages[0]
    page.AA = Dictionary(O=script)
    launch = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]))
    launch.A = Dictionary(S=Name.Launch, F=String("bad.exe"))
    turn = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]))
    turn.A = Dictionary(S=Name.GoTo, D=Array([page.obj, Name.Fit]), Next=Dictionary(S=Name.Launch))
    film = Dictionary(Type=Name.Annot, Subtype=Name.RichMedia, Rect=Array([0, 0, 9, 9]))
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Btn, T=String("send"))
    field.A = Dictionary(S=Name.SubmitForm, F=String("https://bad.example"))
    field.AA = Dictionary(K=script)
    page.Annots = Array([pdf.make_indirect(one) for one in (launch, turn, film, field)])
    pdf.Root.AcroForm = Dictionary(Fields=Array([page.Annots[3]]), XFA=String("<bad/>"))


def test_a_pdf_loses_everything_that_acts_and_keeps_its_pages(make_pdf: Callable[..., bytes]) -> None:
    kept = clean(make_pdf(malicious))
    assert kept.media_type == "application/pdf"
    with pikepdf.open(BytesIO(kept.content)) as pdf:
        told = "\n".join(repr(one) for one in pdf.objects) + repr(pdf.Root)
        streams = [one.read_bytes() for one in pdf.objects if isinstance(one, pikepdf.Stream)]
        assert len(pdf.pages) == 1
        assert len(pdf.pages[0].Annots) == 3, "the link that turns a page, and harmless boxes, stay"
        assert not pdf.attachments
    for active in ("JavaScript", "Launch", "SubmitForm", "RichMedia", "OpenAction", "/AA", "XFA", "EF", "JS"):
        assert active not in told, active
    assert not any(b"bad" in stream for stream in streams)
    assert clean(kept.content).content, "what was cleaned is taken again"


def test_what_hangs_on_a_pdf_is_not_kept(make_pdf: Callable[..., bytes]) -> None:
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as packed:
        packed.writestr("run.js", "alert(1)")
    kept = clean(make_pdf() + whole.getvalue())
    assert b"run.js" not in kept.content


def sealed(content: bytes, change: Callable[[pikepdf.Pdf], None] | None = None) -> bytes:
    """A PDF that says that it is signed to its last byte."""

    def sign(pdf: pikepdf.Pdf) -> None:
        if change:
            change(pdf)
        pdf.Root.Seal = Dictionary(
            Type=Name.Sig, Contents=String("x"), ByteRange=Array([0, 10, 20, 99990000])
        )

    with pikepdf.open(BytesIO(content)) as pdf:
        sign(pdf)
        whole = BytesIO()
        pdf.save(whole, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    made = whole.getvalue()
    return made.replace(b"99990000", b"%08d" % (len(made) - 20))


def test_a_sealed_pdf_in_which_nothing_acts_stays_as_it_is(make_pdf: Callable[..., bytes]) -> None:
    sent = sealed(make_pdf())
    assert clean(sent).content == sent
    assert clean(sent + b"PK trailing").content != sent + b"PK trailing"


def test_a_seal_does_not_protect_a_script(make_pdf: Callable[..., bytes]) -> None:
    kept = clean(sealed(make_pdf(), malicious))
    assert b"JavaScript" not in kept.content


@pytest.mark.parametrize("password", ["secret", ""])
def test_a_protected_pdf_is_refused(make_pdf: Callable[..., bytes], password: str) -> None:
    content = make_pdf(encryption=pikepdf.Encryption(owner="owner", user=password))
    assert "password" in refusal(content)


def test_a_damaged_pdf_is_refused() -> None:
    assert "damaged" in refusal(b"%PDF-1.7\nand then nothing")


def test_a_file_that_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_check, "_ask", lambda content: pytest.fail("it was read"))
    assert "larger than 10 MB" in refusal(b"%PDF-1.7\n" + bytes(10 * 1024 * 1024))


def test_whoever_waits_too_long_for_his_turn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_check, "PATIENCE", 0)
    with paper_check._turns, paper_check._turns:
        assert "in a minute" in refusal(b"%PDF-1.7")


def test_the_program_gets_nothing_of_the_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SECRET_KEY", "s" * 40)
    given: list[Any] = []
    real = paper_check.subprocess.run

    def run(command: list[str], **more: Any) -> Any:
        given.append(more["env"])
        return real(command, **more)

    monkeypatch.setattr(paper_check.subprocess, "run", run)
    clean(saved(photo(), "PNG"))
    assert given == [{}]
