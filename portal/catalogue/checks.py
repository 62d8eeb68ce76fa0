"""Checks that need more than one entry: keys used twice, names of things that are not there."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence

from portal.catalogue.entries import (
    ALL_SERVICES,
    INTERPRETER,
    SIGN_LANGUAGES,
    Catalogue,
    ServiceEntry,
    StaffEntry,
)
from portal.catalogue.hours import first_overlap, first_shared_time, in_words
from portal.catalogue.lines import Path
from portal.offices.holidays import holiday_name

Problem = tuple[Path, str]

MOST_NAMES = 30
"""Names that are listed to choose from; nobody reads more."""


def problems(
    catalogue: Catalogue,
    numbers: Mapping[str, Sequence[int]],
    keys: Mapping[str, Sequence[str]],
    deliveries: Collection[str],
) -> Iterator[Problem]:
    """Every problem between entries.

    ``numbers`` are the places of the catalogue's entries in the file, by table; ``keys`` are the keys of
    all entries of the file, wrong ones too: what refers to a wrong entry is not wrong for that.
    """
    yield from _repeated_keys(keys)
    yield from _services(catalogue, numbers["services"], keys, deliveries)
    yield from _series(catalogue, numbers["offices"])
    yield from _staff(catalogue, numbers["staff"], keys)
    yield from _closures(catalogue, numbers["closures"], keys)
    yield from _open_days(catalogue, numbers["open_days"], keys)


def _repeated_keys(keys: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    for table, names in keys.items():
        for number, name in enumerate(names):
            if name and name in names[:number]:
                yield (table, number, "key"), "is used twice; give each its own"


def _services(
    catalogue: Catalogue,
    numbers: Sequence[int],
    keys: Mapping[str, Sequence[str]],
    deliveries: Collection[str],
) -> Iterator[Problem]:
    for number, service in zip(numbers, catalogue.services, strict=True):
        place: Path = ("services", number)
        if service.key == ALL_SERVICES:
            yield (*place, "key"), f'"{ALL_SERVICES}" means every service; choose another key'
        if service.field not in keys["fields"]:
            yield (*place, "field"), no_such("field", service.field, keys["fields"])
        for index, name in enumerate(service.deliveries):
            if name not in deliveries:
                yield (*place, "deliveries", index), no_such("way of delivery", name, deliveries)
        yield from _phone_for_papers(place, service)


def _phone_for_papers(place: Path, service: ServiceEntry) -> Iterator[Problem]:
    if service.deliveries and "phone" in service.channels:
        message = "phone is only for services that issue nothing: identification needs a picture"
        yield (*place, "channels", service.channels.index("phone")), message


def _series(catalogue: Catalogue, numbers: Sequence[int]) -> Iterator[Problem]:
    """Each office counts for itself, so one series in two offices would give each number twice."""
    owners: dict[str, str] = {}
    for number, office in zip(numbers, catalogue.offices, strict=True):
        owner = owners.setdefault(office.series, office.key)
        if owner != office.key:
            message = f"the series {office.series} is that of the office {owner}; give each its own"
            yield ("offices", number, "protocol"), message


def _staff(
    catalogue: Catalogue, numbers: Sequence[int], keys: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    posts = list(zip(numbers, catalogue.staff, strict=True))
    for number, post in posts:
        place: Path = ("staff", number)
        if post.office not in keys["offices"]:
            yield (*place, "office"), no_such("office", post.office, keys["offices"])
        for index, name in enumerate(post.skills):
            if name != ALL_SERVICES and name not in keys["services"]:
                yield (*place, "skills", index), no_such("service", name, keys["services"])
        yield from _interpreter(place, post) if post.role == INTERPRETER else _skills(place, post)
        yield from _overlap_in(place, post)
    yield from _several_posts(posts)


def _skills(place: Path, post: StaffEntry) -> Iterator[Problem]:
    if post.hours and not post.skills:
        yield (*place, "skills"), 'are missing for somebody with hours; list services or write "all"'


def _interpreter(place: Path, post: StaffEntry) -> Iterator[Problem]:
    if not SIGN_LANGUAGES & set(post.languages):
        yield (*place, "languages"), 'name no sign language; write its code, "gss" for the Greek one'
    if not post.hours:
        yield (*place, "hours"), "are missing: nobody could ask for this interpreter"
    if post.skills:
        yield (*place, "skills"), "are for clerks; leave them out, an interpreter serves every service"
    for index, line in enumerate(post.hours):
        if any(spell.channels or spell.released_minutes is not None for spell in line):
            message = "an interpreter is asked for video only and by everybody; write the hours alone"
            yield (*place, "hours", index), message


def _overlap_in(place: Path, post: StaffEntry) -> Iterator[Problem]:
    spells = [(index, spell) for index, line in enumerate(post.hours) for spell in line]
    if found := first_overlap(spells):
        index, one, other = found
        off = one.from_minute == one.to_minute or other.from_minute == other.to_minute
        clash = ("contradicts", "keep one of them") if off else ("overlaps", "join or part them")
        message = f"{in_words(other)} {clash[0]} {in_words(one)}; {clash[1]}"
        yield (*place, "hours", index), message


def _several_posts(posts: Sequence[tuple[int, StaffEntry]]) -> Iterator[Problem]:
    """One person in two offices is one person: same name, and never in both at once."""
    by_login: dict[str, list[tuple[int, StaffEntry]]] = {}
    for number, post in posts:
        for _, earlier in by_login.setdefault(post.login, []):
            yield from _between(("staff", number), earlier, post)
        by_login[post.login].append((number, post))


def _between(place: Path, earlier: StaffEntry, post: StaffEntry) -> Iterator[Problem]:
    if earlier.office == post.office:
        yield (*place, "login"), f"has two posts in {post.office}; write one entry"
        return
    if (earlier.first_name, earlier.last_name) != (post.first_name, post.last_name):
        yield (*place, "login"), "belongs to two different names; give each person his own"
    if found := first_shared_time(earlier.spells, post.spells):
        message = f"{in_words(found[1])} is already given to the office {earlier.office}"
        yield (*place, "hours"), message


def _closures(
    catalogue: Catalogue, numbers: Sequence[int], keys: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    seen = set()
    for number, closure in zip(numbers, catalogue.closures, strict=True):
        place: Path = ("closures", number)
        if closure.office is not None and closure.office not in keys["offices"]:
            yield (*place, "office"), no_such("office", closure.office, keys["offices"])
        if closure.until < closure.first_day:
            yield (*place, "last_day"), "is before first_day"
        same = (closure.office, closure.first_day, closure.until)
        if same in seen:
            yield place, "is written twice; write it once"
        seen.add(same)


def _open_days(
    catalogue: Catalogue, numbers: Sequence[int], keys: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    seen = set()
    for number, open_day in zip(numbers, catalogue.open_days, strict=True):
        place: Path = ("open_days", number)
        if open_day.office is not None and open_day.office not in keys["offices"]:
            yield (*place, "office"), no_such("office", open_day.office, keys["offices"])
        if holiday_name(open_day.day, "en") is None:
            yield (*place, "day"), f"{open_day.day} is no public holiday; the office works then anyway"
        if (open_day.office, open_day.day) in seen:
            yield place, "is written twice; write it once"
        seen.add((open_day.office, open_day.day))


def no_such(what: str, name: str, known: Collection[str]) -> str:
    """That ``name`` is unknown, with the name that is probably meant, or all that there are."""
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f'there is no {what} "{name}"; did you mean {near[0]}?'
    names = sorted(set(filter(None, known)))
    if len(names) > MOST_NAMES:
        return f'there is no {what} "{name}"'
    return f'there is no {what} "{name}"; there are: {", ".join(names) or "none"}'
