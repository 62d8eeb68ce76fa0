"""Collect the texts of the core and of each plugin into their catalogues; called by `make translate`.

English texts stand in the code and are their own translation. Greek ones are written by people: new texts
come into the Greek catalogue empty, texts that nobody uses any more leave it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
KEYWORDS = DEFAULT_KEYWORDS | dict.fromkeys(("_l", "lazy_gettext", "lazy", "translate"))
COMMENT_TAGS = ("Translators:",)
HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: {project}\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def main() -> None:
    """Write all catalogues and tell what is left to translate."""
    update("thyrida", ROOT / "portal", ROOT / "translations")
    for package in sorted(ROOT.glob("plugins/*/portal_*")):
        update(package.name.removeprefix("portal_"), package, package / "translations")


def update(project: str, code: Path, catalogues: Path) -> None:
    """Bring the catalogues of one project up to its code."""
    template = collect(project, code)
    for language in ("el", "en"):
        file = catalogues / language / "LC_MESSAGES" / "messages.po"
        catalogue = read(file, language)
        catalogue.project = project
        catalogue.update(template, no_fuzzy_matching=True)
        if language == "en":
            fill_with_source(catalogue)
        write(catalogue, file)
        left = [message.id for message in catalogue if message.id and not is_translated(message)]
        print(f"{file.relative_to(ROOT)}: {len(catalogue)} texts, {len(left)} to translate")


def collect(project: str, code: Path) -> Catalog:
    """All texts in the code of one project."""
    with (ROOT / "translations" / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    template = Catalog(project=project)
    found = extract_from_dir(code, methods, options, KEYWORDS, COMMENT_TAGS, strip_comment_tags=True)
    for name, _line, message, comments, context in sorted(found, key=lambda item: (item[0], item[1])):
        template.add(message, None, [(name, None)], auto_comments=comments, context=context)
    return template


def read(file: Path, language: str) -> Catalog:
    """The catalogue as it is, or a new one."""
    if not file.is_file():
        return Catalog(locale=language)
    with file.open("rb") as stream:
        return read_po(stream, locale=language)


def fill_with_source(catalogue: Catalog) -> None:
    """The English text is the one in the code."""
    for message in catalogue:
        if message.id and not is_translated(message):
            message.string = message.id


def is_translated(message: object) -> bool:
    """True when every form of the text is there and no person has to look at it."""
    texts = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    return all(texts) and not message.fuzzy


def write(catalogue: Catalog, file: Path) -> None:
    """Write a catalogue that changes only where a text did: without dates and line numbers."""
    catalogue.obsolete.clear()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(HEADER.format(project=catalogue.project, language=catalogue.locale).encode())
        write_po(stream, catalogue, width=100, omit_header=True, sort_by_file=True, include_lineno=False)


if __name__ == "__main__":
    sys.exit(main())
