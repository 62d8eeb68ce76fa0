"""Offices, staff and citizens of the national demonstration, as rows. Called by `portal.demo.national`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from portal.db import Bilingual
from portal.demo.bulk import Row
from portal.demo.places import MUNICIPALITIES
from portal.offices.models import Service
from portal.offices.search import searchable

KEY = "kep-national-"
"""Keys of the offices begin so; nothing else in the demonstration does."""
LARGE = 10
"""Clerks of a large office; the others have as many as are left for them, mostly two."""
CITIZENS_PER_CLERK = 50
FIRST_NAMES = (
    (
        "Αντώνης",
        "Βασίλης",
        "Γιάννης",
        "Δημήτρης",
        "Κωνσταντίνος",
        "Μιχάλης",
        "Νίκος",
        "Παναγιώτης",
        "Στέφανος",
    ),
    (
        "Αγγελική",
        "Βασιλική",
        "Γεωργία",
        "Δήμητρα",
        "Ελένη",
        "Ιωάννα",
        "Κατερίνα",
        "Μαρία",
        "Σοφία",
        "Χριστίνα",
    ),
)
LAST_NAMES = (
    ("Αλεξίου", "Βλάχος", "Γεωργίου", "Δημητρίου", "Ζήσης", "Καραμάνος", "Λαζάρου", "Μακρής", "Νικολάου",
     "Οικονόμου", "Παππάς", "Ρήγας", "Σταθόπουλος", "Τσάκωνας", "Φωτίου", "Χατζής"),
    ("Αλεξίου", "Βλάχου", "Γεωργίου", "Δημητρίου", "Ζήση", "Καραμάνου", "Λαζάρου", "Μακρή", "Νικολάου",
     "Οικονόμου", "Παππά", "Ρήγα", "Σταθοπούλου", "Τσάκωνα", "Φωτίου", "Χατζή"),
)  # fmt: skip
FATHERS = ("Αθανάσιος", "Γεώργιος", "Δημήτριος", "Ηλίας", "Ιωάννης", "Κωνσταντίνος", "Νικόλαος", "Σπυρίδων")

Spells = tuple[tuple[int, int], ...]
PLANS: tuple[Spells, ...] = (((480, 840),), ((510, 870),), ((480, 660), (690, 840)), ((540, 900),))
"""Spells of a working day in minutes after midnight; Monday to Friday are alike."""


@dataclass(frozen=True)
class Clerk:
    """Somebody who serves in an office."""

    person: int
    post: int
    name: tuple[str, str]
    login: str
    role: str
    services: Sequence[Service]
    plan: Spells


@dataclass(frozen=True)
class Counter:
    """An office with everybody who has to do with it."""

    number: int
    """1 is the first national office."""
    id: int
    zone: str
    clerks: Sequence[Clerk]
    first_citizen: int
    places: int
    """Calls by video that the office can have at once; 0 is no limit."""

    @property
    def citizens(self) -> int:
        """How many citizens come here; their ids follow one another."""
        return len(self.clerks) * CITIZENS_PER_CLERK


def staffing(offices: int, clerks: int) -> list[int]:
    """How many clerks each office has: the same small number, and some large ones in between."""
    if offices < 1 or clerks < offices:
        raise ValueError("there must be a clerk for every office")
    small = min(clerks // offices, LARGE)
    numbers = [small] * offices
    left = clerks - small * offices
    large = -(-left // max(LARGE - small, 1))
    for turn in range(large):
        more = min(LARGE - small, left) if small < LARGE else left
        numbers[turn * offices // large] += more
        left -= more
    return numbers


def counter(
    number: int, clerks: int, office: int, first_person: int, zone: str, services: Sequence[Service]
) -> Counter:
    """The office ``number`` with its staff. Its people have the ids from ``first_person`` on.

    Posts have the ids of their persons: there are more persons than posts.
    """
    dice = random.Random(f"office {number}")  # noqa: S311 - invented data, the same in each run
    staff = [
        Clerk(
            person=first_person + seat,
            post=first_person + seat,
            name=_name(dice),
            login=f"{KEY}{number}-{seat + 1}",
            role="supervisor" if seat == 0 and clerks > 1 else "clerk",
            services=services if seat == 0 else _some(dice, services),
            plan=dice.choice(PLANS),
        )
        for seat in range(clerks)
    ]
    places = clerks if number % 4 == 0 else 0
    return Counter(number, office, zone, staff, first_person + clerks, places)


def office_row(counter: Counter) -> Row:
    """The office itself."""
    turn, place = divmod(counter.number - 1, len(MUNICIPALITIES))
    greek, english = MUNICIPALITIES[place]
    key = f"{KEY}{counter.number}"
    name = Bilingual(f"Κ.Ε.Π. Δήμου {greek} {turn + 1}", f"{english} Citizens' Service Centre {turn + 1}")
    address = Bilingual(
        f"Οδός Δείγματος {counter.number}, {greek} (δείγμα)",
        f"Deigmatos {counter.number}, {english} (sample)",
    )
    return {
        "id": counter.id,
        "key": key,
        "name": name,
        "address": address,
        "opening": Bilingual("Δευτέρα έως Παρασκευή 08:00–15:00", "Monday to Friday 08:00–15:00"),
        "phone": f"210 000 {counter.number:04}",
        "email": f"{key}@counters.example",
        "time_zone": counter.zone,
        "capacity": {"video": counter.places} if counter.places else {},
        "search_text": searchable(" ".join((key, name.el, name.en, address.el, address.en))),
        "active": True,
    }


def staff_rows(counter: Counter) -> list[Row]:
    """The persons who serve here."""
    return [
        _person(clerk.person, clerk.login, clerk.name, f"{clerk.login}@counters.example")
        for clerk in counter.clerks
    ]


def citizen_rows(counter: Counter) -> list[Row]:
    """The persons who come here."""
    dice = random.Random(f"citizens {counter.number}")  # noqa: S311 - invented data
    rows = []
    for turn in range(counter.citizens):
        person = counter.first_citizen + turn
        email = f"national-{counter.number}-{turn + 1}@citizens.example"
        rows.append(_person(person, None, _name(dice), email))
        rows[-1] |= {"fathers_name": dice.choice(FATHERS), "birth_year": dice.randrange(1940, 2005)}
    return list(rows)


def post_rows(counter: Counter) -> list[Row]:
    """Who serves in the office."""
    return [
        {"id": clerk.post, "person_id": clerk.person, "office_id": counter.id, "role": clerk.role}
        | {"languages": ["el", "en"] if clerk.post % 3 == 0 else ["el"], "active": True}
        for clerk in counter.clerks
    ]


def skill_rows(counter: Counter) -> list[Row]:
    """What they can give."""
    return [
        {"membership_id": clerk.post, "service_id": service.id}
        for clerk in counter.clerks
        for service in clerk.services
    ]


def hours_rows(counter: Counter) -> list[Row]:
    """When they serve."""
    return [
        {"membership_id": clerk.post, "weekday": weekday, "from_minute": begin, "to_minute": end}
        for clerk in counter.clerks
        for weekday in range(5)
        for begin, end in clerk.plan
    ]


def _person(number: int, login: str | None, name: tuple[str, str], email: str) -> dict[str, Any]:
    first, last = name
    return {
        "id": number,
        "login": login,
        "first_name": first,
        "last_name": last,
        "email": email,
        "phone": f"+3069{number % 10**8:08}",
    }


def _name(dice: random.Random) -> tuple[str, str]:
    gender = dice.randrange(2)
    return dice.choice(FIRST_NAMES[gender]), dice.choice(LAST_NAMES[gender])


def _some(dice: random.Random, services: Sequence[Service]) -> Sequence[Service]:
    """Half of the services or more, in their order."""
    chosen = set(dice.sample(range(len(services)), dice.randint(-(-len(services) // 2), len(services))))
    return [service for number, service in enumerate(services) if number in chosen]
