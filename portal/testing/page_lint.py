"""What every page must get right, checked on its HTML with the standard library alone.

Tests call `lint` on each page they fetch; plugin authors may do the same with theirs.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(
    {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
NEED_LABEL = frozenset({"input", "select", "textarea", "meter", "progress"})
UNLABELLED_INPUTS = frozenset({"hidden", "submit", "button", "reset", "image"})
POINTERS = ("aria-describedby", "aria-labelledby", "aria-controls", "for")
TITLE_BREAKS = re.compile(r"\s+[–|]\s+")
MARKERS = re.compile(r"%\(\w+\)[sd]|\{\{|\{%|\bTODO\b|\[untranslated\]")


@dataclass
class Element:
    """One element with its attributes and the text inside it."""

    tag: str
    attributes: dict[str, str]
    parents: tuple[Element, ...] = field(repr=False, default=())
    words: list[str] = field(default_factory=list)

    def get(self, name: str) -> str:
        """An attribute's value, or empty."""
        return self.attributes.get(name, "")

    @property
    def text(self) -> str:
        """The text with its spaces made single."""
        return " ".join("".join(self.words).split())

    def inside(self, tag: str) -> Element | None:
        """The nearest parent of that name."""
        return next((parent for parent in reversed(self.parents) if parent.tag == tag), None)


class Page(HTMLParser):
    """All elements of a page in their order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at].tag == tag:
                del self._open[at:]
                return

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.words.append(data)

    def all(self, *tags: str) -> list[Element]:
        """Elements of these names; all of them without a name."""
        return [element for element in self.elements if not tags or element.tag in tags]

    @property
    def ids(self) -> list[str]:
        """Every id that is given, in order."""
        return [element.get("id") for element in self.elements if "id" in element.attributes]


def lint(html: str, language: str) -> list[str]:
    """Problems of a page that should be in ``language``; an empty list when it is in order."""
    page = Page(html)
    checks = (_title, _ids, _headings, _labels, _names, _forms, _images, _scripts, _markers)
    return [*_language(page, language), *(problem for check in checks for problem in check(page))]


def _language(page: Page, language: str) -> list[str]:
    given = [element.get("lang") for element in page.all("html")]
    return [] if given == [language] else [f"html lang is {given}, expected {language}"]


def _title(page: Page) -> list[str]:
    titles = [element.text for element in page.all("title") if not element.inside("svg")]
    headings = [element.text for element in page.all("h1")]
    problems = []
    if len(headings) != 1:
        problems.append(f"{len(headings)} h1 instead of one: {headings}")
    if len(titles) != 1 or not titles[0]:
        return [*problems, f"title is missing or not single: {titles}"]
    gist = TITLE_BREAKS.split(titles[0])[0].split(": ")[-1]
    if headings and not _alike(gist, headings[0]):
        problems.append(f"title {titles[0]!r} does not tell the h1 {headings[0]!r}")
    return problems


def _alike(gist: str, heading: str) -> bool:
    """The title and the h1 share at least half of the shorter one's words."""
    one, other = ({word.casefold() for word in re.findall(r"\w+", text)} for text in (gist, heading))
    return 2 * len(one & other) >= min(len(one), len(other)) > 0


def _ids(page: Page) -> list[str]:
    repeated = [
        f"id {name!r} is used {count} times" for name, count in Counter(page.ids).items() if count > 1
    ]
    known = set(page.ids)
    missing = [
        f"{element.tag} {name} points to {target!r}, which is not on the page"
        for element in page.all()
        for name in POINTERS
        for target in element.get(name).split()
        if target not in known
    ]
    return repeated + missing


def _headings(page: Page) -> list[str]:
    problems, level = [], 0
    for heading in page.all("h1", "h2", "h3", "h4", "h5", "h6"):
        here = int(heading.tag[1])
        # What stands above the h1 (an error summary) may begin lower; going down, no level is skipped.
        if level and here > level + 1:
            problems.append(f"h{here} {heading.text!r} follows h{level}")
        if not heading.text:
            problems.append(f"empty {heading.tag}")
        level = here
    return problems


def _labels(page: Page) -> list[str]:
    labelled = {label.get("for") for label in page.all("label") if label.text}
    return [
        f"{element.tag} {element.get('name') or element.get('id')!r} has no label"
        for element in page.all(*NEED_LABEL)
        if element.get("type") not in UNLABELLED_INPUTS
        and element.get("id") not in labelled
        and not element.get("aria-label")
        and not element.get("aria-labelledby")
        and not element.inside("label")
    ]


def _names(page: Page) -> list[str]:
    """Links, buttons and groups must be called something."""
    problems = [
        f"{element.tag} without a name: {element.get('href') or element.get('class')!r}"
        for element in page.all("a", "button", "summary")
        if not element.text and not element.get("aria-label") and not _holds_described_image(page, element)
    ]
    legends = {id(legend.inside("fieldset")) for legend in page.all("legend") if legend.text}
    problems += [
        f"fieldset {fieldset.get('id')!r} has no legend"
        for fieldset in page.all("fieldset")
        if id(fieldset) not in legends and not fieldset.get("aria-labelledby")
    ]
    return problems


def _holds_described_image(page: Page, element: Element) -> bool:
    return any(image.get("alt") for image in page.all("img") if any(p is element for p in image.parents))


def _forms(page: Page) -> list[str]:
    guarded = {id(field.inside("form")) for field in page.all("input") if field.get("name") == "csrf_token"}
    return [
        f"form to {form.get('action') or 'itself'!r} is posted without csrf_token"
        for form in page.all("form")
        if form.get("method").lower() == "post" and id(form) not in guarded
    ]


def _images(page: Page) -> list[str]:
    problems = [f"img {e.get('src')!r} has no alt" for e in page.all("img") if "alt" not in e.attributes]
    return problems + [
        "svg is neither hidden from screen readers nor named"
        for svg in page.all("svg")
        if svg.get("aria-hidden") != "true" and not svg.get("aria-label")
    ]


def _scripts(page: Page) -> list[str]:
    problems = [f"inline {e.tag}" for e in page.all("script", "style") if "src" not in e.attributes]
    for element in page.all():
        for name, value in element.attributes.items():
            if name == "style" or name.startswith("on"):
                problems.append(f"{element.tag} has {name}={value!r}")
            if name in ("href", "action", "src") and value.strip().lower().startswith("javascript:"):
                problems.append(f"{element.tag} has {name}={value!r}")
    problems += [
        f"{element.tag} is loaded from a foreign server: {element.get('src') or element.get('href')}"
        for element in page.all("script", "img", "link", "video", "source")
        if (element.get("src") or element.get("href")).startswith(("http:", "https:", "//"))
    ]
    return problems


def _markers(page: Page) -> list[str]:
    body = next(iter(page.all("body")), None)
    found = MARKERS.findall(body.text) if body else []
    return [f"left-over of a template or an untranslated marker: {marker}" for marker in found]
