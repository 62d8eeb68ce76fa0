"""A small valid catalogue, and a database without a portal around it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from portal import db as database
from portal.appointments import models as _appointments  # noqa: F401  the tables that a post may be named in
from portal.db import Base, db

SMALL = """\
[[fields]]
key = "municipality"
name = { el = "Ο Δήμος σας", en = "Your municipality" }
summary = { el = "Βεβαιώσεις", en = "Certificates" }

[[services]]
key = "residence"
field = "municipality"
mitos = "080734"
name = { el = "Βεβαίωση μόνιμης κατοικίας", en = "Certificate of residence" }
summary = { el = "Για το έτος που ζητάτε", en = "For the year you name" }
papers = [
    { el = "Ταυτότητα", en = "Identity card" },
    { el = "Λογαριασμός", en = "A bill" },
]
minutes = 15
deliveries = ["email", "pickup"]

[[services]]
key = "advice"
field = "municipality"
name = { el = "Πληροφόρηση", en = "Information" }
summary = { el = "Δεν εκδίδεται έγγραφο", en = "Nothing is issued" }
minutes = 10
sample = true

[[offices]]
key = "central"
name = { el = "Κεντρικό", en = "Main office" }
address = { el = "Οδός 1", en = "Street 1" }
opening = { el = "08:00-15:00", en = "08:00-15:00" }
phone = "210 000 0001"
email = "central@town.example"

[[offices]]
key = "branch"
name = { el = "Παράρτημα", en = "Branch" }
address = { el = "Οδός 2", en = "Street 2" }
opening = { el = "08:00-14:00", en = "08:00-14:00" }
phone = "210 000 0002"
email = "branch@town.example"

[[staff]]
login = "k.alexiou"
first_name = "Κώστας"
last_name = "Αλεξίου"
office = "central"
role = "clerk"
languages = ["el", "en"]
skills = "all"
hours = ["Mon-Fri 08:00-14:00", "Tue 15:00-17:00"]

[[staff]]
login = "m.stathis"
first_name = "Μιχάλης"
last_name = "Στάθης"
office = "central"
role = "administrator"

[[closures]]
office = "branch"
first_day = 2026-12-24
reason = { el = "Παραμονή", en = "The eve" }
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """``write(("old", "new"), …)``: the small catalogue as a file, with these texts exchanged."""

    def write(*changes: tuple[str, str], more: str = "") -> Path:
        text = SMALL
        for old, new in changes:
            assert old in text, f"{old} is not in the small catalogue"
            text = text.replace(old, new, 1)
        file = tmp_path / "catalogue.toml"
        file.write_text(text + more, encoding="utf-8")
        return file

    return write


@pytest.fixture
def database_app(tmp_path: Path) -> Iterator[Flask]:
    """An application that has nothing but the tables."""
    app = Flask("tables")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    database.init_app(app)
    with app.app_context():
        Base.metadata.create_all(db.engine)
        yield app
        db.session.remove()
        db.engine.dispose()
