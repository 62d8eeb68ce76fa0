"""A catalogue is read as a whole; each problem names its line, its entry and the mend."""

import pytest

from portal.catalogue import CatalogueProblems, read
from portal.demo import CATALOGUE

WAYS = ("email", "pickup")

SECOND_POST = """
[[staff]]
login = "k.alexiou"
first_name = "Κώστας"
last_name = "Αλεξίου"
office = "branch"
role = "clerk"
skills = ["advice"]
hours = ["Sat 09:00-12:00"]
"""


def problems_of(file):
    with pytest.raises(CatalogueProblems) as caught:
        read(file, WAYS)
    return caught.value.problems


INTERPRETER = """
[[staff]]
login = "i.nika"
first_name = "Ίριδα"
last_name = "Νίκα"
office = "central"
role = "interpreter"
languages = ["el", "gss"]
hours = ["Mon-Fri 08:00-13:00"]
"""

OPEN_DAY = """
[[open_days]]
office = "branch"
day = 2026-12-26
reason = { el = "Ουρές", en = "Queues" }
"""


def test_a_valid_catalogue_is_read(write):
    catalogue = read(write(), WAYS)
    assert [service.mitos for service in catalogue.services] == ["080734", None]
    assert catalogue.services[0].papers[1].en == "A bill"
    assert catalogue.skills_of(catalogue.staff[0]) == {"residence", "advice"}
    assert catalogue.skills_of(catalogue.staff[1]) == set()
    assert len(catalogue.staff[0].spells) == 6
    assert catalogue.closures[0].until == catalogue.closures[0].first_day


def test_one_person_may_hold_posts_in_two_offices(write):
    assert len(read(write(more=SECOND_POST), WAYS).staff) == 3


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('field = "municipality"', 'feild = "x"', "line 6: service residence: field: is missing; add it"),
        (
            'field = "municipality"',
            'field = "municipality"\nminuts = 5',
            "line 9: service residence: minuts: there is no such key; did you mean minutes?",
        ),
        (
            'field = "municipality"',
            'field = "municipal"',
            'line 8: service residence: field: there is no field "municipal"; did you mean municipality?',
        ),
        (
            'mitos = "080734"',
            "mitos = 80734",
            "line 9: service residence: mitos: write a text in quotes",
        ),
        (
            'mitos = "080734"',
            'mitos = "80734"',
            'line 9: service residence: mitos: "80734" is no ΜΙΤΟΣ code; '
            "write its six digits in quotes, leading zeros too",
        ),
        (
            '{ el = "Λογαριασμός", en = "A bill" }',
            '{ el = "Λογαριασμός" }',
            "line 14: service residence: papers.2.en: is missing; add it",
        ),
        (
            'name = { el = "Πληροφόρηση", en = "Information" }',
            'name = "Information"',
            'line 22: service advice: name: write both languages: { el = "…", en = "…" }',
        ),
        (
            "minutes = 15",
            "minutes = 12",
            "line 16: service residence: minutes: 12 is not a multiple of 5; "
            "the portal counts in steps of 5 minutes",
        ),
        ("minutes = 15", 'minutes = "15"', "line 16: service residence: minutes: write a whole number"),
        (
            '["email", "pickup"]',
            '["email", "pigeon"]',
            'line 17: service residence: deliveries.2: there is no way of delivery "pigeon"; '
            "there are: email, pickup",
        ),
        ('["email", "pickup"]', '"email"', "line 17: service residence: deliveries: write a list: [ … ]"),
        ("sample = true", 'sample = "yes"', "line 25: service advice: sample: write true or false"),
        (
            'key = "advice"',
            'key = "residence"',
            "line 20: service residence: key: is used twice; give each its own",
        ),
        (
            'key = "advice"',
            'key = "all"',
            'line 20: service all: key: "all" means every service; choose another key',
        ),
        (
            'key = "advice"',
            'key = "Συμβουλή 1"',
            'line 20: service Συμβουλή 1: key: "Συμβουλή 1" is no key; '
            "use small Latin letters, digits and hyphens",
        ),
        (
            '"central@town.example"',
            '"central"',
            'line 33: office central: email: "central" is no e-mail address',
        ),
        (
            'email = "central@town.example"',
            'email = "central@town.example"\ntime_zone = "Athens"',
            'line 34: office central: time_zone: "Athens" is no time zone; write one like Europe/Athens',
        ),
        (
            'office = "central"\nrole = "clerk"',
            'office = "centre"\nrole = "clerk"',
            'line 47: staff k.alexiou: office: there is no office "centre"; did you mean central?',
        ),
        (
            'role = "clerk"',
            'role = "chief"',
            "line 48: staff k.alexiou: role: "
            "input should be 'clerk', 'supervisor', 'administrator' or 'interpreter'",
        ),
        (
            '["el", "en"]',
            '["el", "English"]',
            'line 49: staff k.alexiou: languages.2: "English" is no language; write its code, like el or en',
        ),
        (
            'skills = "all"',
            'skills = ["advise"]',
            'line 50: staff k.alexiou: skills.1: there is no service "advise"; did you mean advice?',
        ),
        (
            'skills = "all"\n',
            "",
            "line 43: staff k.alexiou: skills: are missing for somebody with hours; "
            'list services or write "all"',
        ),
        (
            '"Tue 15:00-17:00"',
            '"Tue 13:00-17:00"',
            "line 51: staff k.alexiou: hours.2: Tue 13:00-17:00 overlaps Tue 08:00-14:00; join or part them",
        ),
        (
            "first_day = 2026-12-24",
            'first_day = "24/12/2026"',
            "line 62: closure number 1: first_day: write a day without quotes, like 2026-12-24",
        ),
        (
            "first_day = 2026-12-24",
            "first_day = 2026-12-24\nlast_day = 2026-12-23",
            "line 63: closure number 1: last_day: is before first_day",
        ),
        (
            'office = "branch"',
            'office = "brunch"',
            'line 61: closure number 1: office: there is no office "brunch"; did you mean branch?',
        ),
        ("[[closures]]", "[[closure]]", "line 60: closure: there is no such table; did you mean closures?"),
        ("[[closures]]", "[closures]", "line 60: closures: write each entry below a line [[closures]]"),
    ],
)
def test_a_problem_names_line_entry_and_mend(write, old, new, problem):
    assert f"catalogue.toml {problem}" in problems_of(write((old, new)))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            ('"Sat 09:00-12:00"', '"Fri 13:00-15:00"'),
            "hours: Fri 13:00-15:00 is already given to the office central",
        ),
        (('office = "branch"', 'office = "central"'), "login: has two posts in central; write one entry"),
        (('"Αλεξίου"', '"Μάρκου"'), "login: belongs to two different names; give each person his own"),
    ],
)
def test_two_posts_of_one_person_must_agree(write, changes, problem):
    found = problems_of(write(more=SECOND_POST.replace(*changes)))
    assert len(found) == 1
    assert found[0].endswith(f"staff k.alexiou: {problem}")


def test_two_posts_may_share_a_day_that_an_exception_frees(write):
    hours = '"Fri 13:00-15:00 from 2026-12-04 until 2026-12-04"'
    post = SECOND_POST.replace('"Sat 09:00-12:00"', hours)
    assert "is already given" in problems_of(write(more=post))[0]
    single = SECOND_POST.replace('"Sat 09:00-12:00"', '"2026-12-04 13:00-15:00"')
    assert "2026-12-04 13:00-15:00 is already given" in problems_of(write(more=single))[0]
    freed = ('"Tue 15:00-17:00"', '"Tue 15:00-17:00", "2026-12-04 off"')
    assert len(read(write(freed, more=single), WAYS).staff) == 3


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("minutes = 10", 'minutes = 10\nchannels = ["phone", "video"]', None),
        (
            "minutes = 15",
            'minutes = 15\nchannels = ["video", "phone"]',
            "line 17: service residence: channels.2: phone is only for services that issue nothing: "
            "identification needs a picture",
        ),
        (
            "minutes = 10",
            'minutes = 10\nchannels = ["fax"]',
            'line 25: service advice: channels.1: "fax" is no channel; there are video, phone, in_person',
        ),
        (
            "minutes = 10",
            'minutes = 10\nchannels = ["video", "video"]',
            "line 25: service advice: channels: names a channel twice",
        ),
        (
            "minutes = 10",
            "minutes = 10\nchannels = []",
            "line 25: service advice: channels: name at least one",
        ),
        (
            "minutes = 10",
            'minutes = 10\nsecond_clerk = "yes"',
            "line 25: service advice: second_clerk: write true or false",
        ),
        (
            'email = "central@town.example"',
            'email = "central@town.example"\ncapacity = { vidoe = 4 }',
            "line 34: office central: capacity.vidoe: there is no such key; did you mean video?",
        ),
        (
            'email = "central@town.example"',
            'email = "central@town.example"\ncapacity = { video = 201 }',
            "line 34: office central: capacity.video: input should be less than or equal to 200",
        ),
        (
            'email = "central@town.example"',
            'email = "central@town.example"\ncapacity = 4',
            "line 34: office central: capacity: write how many at once: { video = 4, in_person = 2 }",
        ),
        (
            '"Tue 15:00-17:00"',
            '"2026-12-03 off", "2026-12-03 10:00-12:00"',
            "line 51: staff k.alexiou: hours.3: 2026-12-03 10:00-12:00 contradicts 2026-12-03 off; "
            "keep one of them",
        ),
        (
            '"Tue 15:00-17:00"',
            '"Tue 13:00-15:00 phone staff"',
            "line 51: staff k.alexiou: hours.2: Tue 13:00-15:00 phone staff overlaps Tue 08:00-14:00; "
            "join or part them",
        ),
    ],
)
def test_the_rules_of_offering_are_checked(write, old, new, problem):
    if problem is None:
        assert read(write((old, new)), WAYS).services[1].channels == ("phone", "video")
    else:
        assert problems_of(write((old, new))) == [f"catalogue.toml {problem}"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            '["el", "gss"]',
            '["el"]',
            'languages: name no sign language; write its code, "gss" for the Greek one',
        ),
        (
            'hours = ["Mon-Fri 08:00-13:00"]',
            "",
            "hours: are missing: nobody could ask for this interpreter",
        ),
        (
            'languages = ["el", "gss"]',
            'languages = ["el", "gss"]\nskills = "all"',
            "skills: are for clerks; leave them out, an interpreter serves every service",
        ),
        (
            "08:00-13:00",
            "08:00-13:00 phone",
            "hours.1: an interpreter is asked for video only and by everybody; write the hours alone",
        ),
    ],
)
def test_an_interpreter_needs_a_sign_language_and_hours(write, old, new, problem):
    assert read(write(more=INTERPRETER), WAYS).staff[2].role == "interpreter"
    (found,) = problems_of(write(more=INTERPRETER.replace(old, new)))
    assert found.endswith(f"staff i.nika: {problem}")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("12-26", "12-28", "day: 2026-12-28 is no public holiday; the office works then anyway"),
        ('"branch"', '"brunch"', 'office: there is no office "brunch"; did you mean branch?'),
    ],
)
def test_an_open_day_is_a_public_holiday_of_a_known_office(write, old, new, problem):
    assert read(write(more=OPEN_DAY), WAYS).open_days[0].office == "branch"
    (found,) = problems_of(write(more=OPEN_DAY.replace(old, new)))
    assert found.endswith(f"open day number 1: {problem}")


def test_an_open_day_written_twice_is_a_problem(write):
    (found,) = problems_of(write(more=OPEN_DAY + OPEN_DAY))
    assert found.endswith("open day number 2: is written twice; write it once")


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(write):
    found = problems_of(
        write(
            ('role = "clerk"', 'role = "chief"'),
            ("minutes = 15", "minutes = 12"),
            ('["email", "pickup"]', '["email", 7]'),
            ('field = "municipality"\nname', 'field = "none"\nname'),
        )
    )
    assert [line.split(":")[0].rsplit(" ", 1)[-1] for line in found] == ["16", "17", "21", "48"]


def test_a_reference_to_a_wrong_entry_is_no_second_problem(write):
    assert len(problems_of(write(("minutes = 10", "minutes = 11")))) == 1


def test_a_closure_written_twice_is_a_problem(write):
    again = '[[closures]]\noffice = "branch"\nfirst_day = 2026-12-24\nreason = { el = "α", en = "a" }\n'
    assert problems_of(write(more=again)) == [
        "catalogue.toml line 64: closure number 2: is written twice; write it once"
    ]


def test_what_is_no_toml_is_reported_with_its_line(write):
    (problem,) = problems_of(write(('key = "advice"', "key = advice")))
    assert problem.startswith("catalogue.toml: is not valid TOML: ")
    assert "line 20" in problem


def test_a_missing_file_and_a_wrong_encoding_are_reported(tmp_path):
    assert problems_of(tmp_path / "none.toml") == ["none.toml: cannot be read: No such file or directory"]
    file = tmp_path / "old.toml"
    file.write_bytes("# Δήμος".encode("iso8859-7"))
    assert problems_of(file) == ["old.toml: is not UTF-8; save it with that encoding"]


def test_the_catalogue_of_the_demonstration_is_valid():
    catalogue = read(CATALOGUE, (*WAYS, "mailbox"))
    assert len(catalogue.fields) == 4
    assert len(catalogue.services) >= 12
    assert len(catalogue.offices) == 2
    assert len([post for post in catalogue.staff if post.hours and post.skills]) == 6
    assert len([post for post in catalogue.staff if post.role == "interpreter"]) == 2
    assert {service.mitos for service in catalogue.services if not service.sample} == {"080734", "001311"}
    assert all(service.sample for service in catalogue.services if service.mitos is None)
    served = set().union(*(catalogue.skills_of(post) for post in catalogue.staff if post.hours))
    assert served == {service.key for service in catalogue.services}
