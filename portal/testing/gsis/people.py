"""The invented people and the firm who have codes at the stand-in for GSIS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Taxpayer:
    """Somebody with codes, and the attributes that GSIS tells about him."""

    password: str
    told: Mapping[str, str] = field(repr=False)
    """Without padding. An attribute that is missing here is missing in the answer too."""
    username: str = ""
    contexts: tuple[str, ...] = ("oauth2server", "oauth2serverotp")
    one_time_code: str = "246810"

    def without(self, *attributes: str) -> Taxpayer:
        """The same one, of whom GSIS tells less."""
        told = {name: value for name, value in self.told.items() if name not in attributes}
        return Taxpayer(self.password, told, self.username, self.contexts, self.one_time_code)


def _taxpayer(number: str, last: str, first: str, father: str, born: str) -> Taxpayer:
    username = f"User{number}"
    told = {
        "userid": username,
        "taxid": number,
        "lastname": last,
        "firstname": first,
        "fathername": father,
        "mothername": "ΜΑΡΙΑ",
        "birthyear": born,
    }
    return Taxpayer(f"codes-{number}", told, username)


ELENI = _taxpayer("999100005", "ΔΟΚΙΜΑΣΤΙΚΟΥ", "ΕΛΕΝΗ", "ΓΕΩΡΓΙΟΣ", "1980")
ANNA = _taxpayer("999100017", "ΠΑΠΑΔΟΠΟΥΛΟΥ ΞΗΡΟΤΥΡΗ", "ΑΝΝΑ ΜΑΡΙΑ", "ΠΑΥΛΟΣ", "1991")
"""Two surnames and two first names."""
FATHERLESS = _taxpayer("023456780", "ΝΙΚΟΛΑΪΔΗΣ", "ΓΙΩΡΓΟΣ", "", "1975")
"""No father in the registry, and a tax number that begins with a zero."""
NEWCOMER = _taxpayer("999100029", "SUKARNO", "", "", "").without("fathername", "mothername")
"""One name only, and no year of birth."""
NUMBERLESS = _taxpayer("999100030", "ΧΩΡΙΣ", "ΑΡΙΘΜΟ", "ΠΕΤΡΟΣ", "1960").without("taxid")
FIRM = _taxpayer("999100042", "", "", "", "").without(
    "userid", "lastname", "firstname", "fathername", "mothername", "birthyear"
)
OFFICIAL = Taxpayer(
    "codes-of-the-clerk",
    {**_taxpayer("123456783", "ΑΛΕΞΙΟΥ", "ΚΩΝΣΤΑΝΤΙΝΟΣ", "ΙΩΑΝΝΗΣ", "1988").told, "userid": "k.alexiou"},
    "k.alexiou",
    ("oauth2servergov",),
)
"""A public employee, with codes of public administration."""

TAXPAYERS = (ELENI, ANNA, FATHERLESS, NEWCOMER, NUMBERLESS, FIRM, OFFICIAL)
