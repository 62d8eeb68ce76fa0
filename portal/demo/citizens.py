"""The invented citizens who have booked in the demonstration."""

from __future__ import annotations

from dataclasses import dataclass

from portal.appointments.on_behalf import Served


@dataclass(frozen=True)
class Invented:
    """Somebody who does not exist."""

    subject: str
    first_name: str
    last_name: str
    fathers_name: str
    birth_year: int
    phone: str
    language: str = "el"
    needs: tuple[str, ...] = ()
    remark: str = ""
    served: Served | None = None
    """For whom he books, if not for himself."""


_NAMES = (
    ("Αικατερίνη", "Αναγνώστου", "Σπύρος", 1972),
    ("Δημήτρης", "Καραγιάννης", "Νικόλαος", 1965),
    ("Βασιλική", "Λάμπρου", "Γεώργιος", 1990),
    ("Παναγιώτης", "Σωτηρίου", "Αθανάσιος", 1958),
    ("Ιωάννα", "Κωνσταντίνου", "Μιχαήλ", 1996),
    ("Χρήστος", "Μανωλάκης", "Εμμανουήλ", 1981),
    ("Σταυρούλα", "Δημητρίου", "Ηλίας", 1949),
    ("Αλέξανδρος", "Ζαχαρίου", "Πέτρος", 1999),
    ("Φωτεινή", "Ραφτοπούλου", "Ανδρέας", 1977),
    ("Θανάσης", "Τριανταφύλλου", "Κωνσταντίνος", 1986),
    ("Ευαγγελία", "Μπακάλη", "Δημήτριος", 1968),
    ("Στέλιος", "Χατζής", "Παύλος", 1993),
    ("Μαργαρίτα", "Ξενάκη", "Στυλιανός", 1984),
    ("Γρηγόρης", "Φραγκούλης", "Ιωάννης", 1954),
    ("Όλγα", "Τσίρου", "Βασίλειος", 1991),
    ("Απόστολος", "Κυριακίδης", "Λάζαρος", 1970),
    ("Ειρήνη", "Σταθοπούλου", "Χαράλαμπος", 1988),
    ("Λεωνίδας", "Πανταζής", "Θεόδωρος", 1962),
    ("Δέσποινα", "Αρβανίτη", "Ευάγγελος", 1979),
    ("Μανώλης", "Βερνάρδος", "Αντώνιος", 1995),
    ("Αγγελική", "Ρήγα", "Σωτήριος", 1974),
    ("Σάββας", "Ιωαννίδης", "Κυριάκος", 1983),
)

_PARTICULAR = (
    Invented(
        "sample-23",
        "Νεφέλη",
        "Ορφανού",
        "Λουκάς",
        1987,
        "+306900000023",
        needs=("sign_language",),
        remark="Είμαι κωφή και επικοινωνώ στην Ελληνική Νοηματική Γλώσσα.",
    ),
    Invented(
        "sample-24",
        "Emily",
        "Clarke",
        "Robert",
        1985,
        "+306900000024",
        language="en",
        remark="I speak little Greek.",
    ),
    Invented(
        "sample-25", "Ανδρέας", "Κοσμάς", "Γεώργιος", 1940, "+306900000025", needs=("lip_reading", "written")
    ),
)

_ACT_FOR = {
    3: Served("person", "child", "Γεώργιος", "Λάμπρου", declared=True),
    11: Served(
        "person",
        "parent",
        "Δημήτριος",
        "Μπακάλης",
        email="sample-11-served@citizens.example",
        phone="+306900000111",
        declared=True,
    ),
    14: Served("business", "representative", business_name="Δείγμα Φραγκούλης ΕΕ", tax_number="999100005"),
}
"""Some of them book for others."""

INVENTED = _PARTICULAR + tuple(
    Invented(
        f"sample-{number:02}",
        first,
        last,
        father,
        born,
        f"+3069000000{number:02}",
        served=_ACT_FOR.get(number),
    )
    for number, (first, last, father, born) in enumerate(_NAMES, 1)
)
