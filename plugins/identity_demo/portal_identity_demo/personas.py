"""The invented people of the demonstration. Subjects of staff are the logins in its catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from portal.plugin_api import Door, Identity, LazyText, lazy


@dataclass(frozen=True)
class Persona:
    """Somebody who can be chosen on the login page."""

    door: Door
    identity: Identity
    about: LazyText


def _citizen(
    subject: str, first: str, last: str, father: str, born: int, tax_number: str, about: LazyText
) -> Persona:
    identity = Identity(
        subject=subject,
        first_name=first,
        last_name=last,
        fathers_name=father,
        birth_year=born,
        tax_number=tax_number,
        email=f"{subject}@citizens.example",
        phone=f"69000{tax_number[-5:]}",
    )
    return Persona("citizens", identity, about)


def _staff(subject: str, first: str, last: str, about: LazyText) -> Persona:
    identity = Identity(
        subject=subject,
        username=subject,
        first_name=first,
        last_name=last,
        email=f"{subject}@zografou.example",
    )
    return Persona("staff", identity, about)


_CLERK = lazy("Clerk")

PERSONAS = (
    _citizen(
        "maria.papadopoulou",
        "Μαρία",
        "Παπαδοπούλου",
        "Ιωάννης",
        1984,
        "999100005",
        lazy("Citizen of Zografou"),
    ),
    _citizen(
        "giorgos.nikolaidis",
        "Γιώργος",
        "Νικολαΐδης",
        "Παύλος",
        1991,
        "999100017",
        lazy("Self-employed, has two children"),
    ),
    _citizen(
        "anna.deligianni",
        "Άννα",
        "Δεληγιάννη",
        "Χρήστος",
        1989,
        "999100029",
        lazy("Deaf, uses Greek sign language"),
    ),
    _citizen(
        "eleftheria.stamou",
        "Ελευθερία",
        "Στάμου",
        "Θεόδωρος",
        1943,
        "999100030",
        lazy("Elderly, comes with her daughter"),
    ),
    _citizen(
        "john.miller", "John", "Miller", "Peter", 1978, "999100042", lazy("Lives in Zografou, speaks English")
    ),
    _staff("s.ioannou", "Σοφία", "Ιωάννου", lazy("Supervisor")),
    _staff("k.alexiou", "Κώστας", "Αλεξίου", _CLERK),
    _staff("e.markou", "Ελένη", "Μάρκου", _CLERK),
    _staff("d.vlachou", "Δήμητρα", "Βλάχου", _CLERK),
    _staff("n.georgiou", "Νίκος", "Γεωργίου", _CLERK),
    _staff("a.petrou", "Άννα", "Πέτρου", _CLERK),
    _staff("r.sideri", "Ρένα", "Σιδέρη", lazy("Sign language interpreter")),
    _staff("m.stathis", "Μιχάλης", "Στάθης", lazy("Administrator")),
)

BY_SUBJECT = {persona.identity.subject: persona for persona in PERSONAS}
