"""Which domain was probably meant; and no question about one that somebody really has."""

from __future__ import annotations

import pytest

from portal.mail_domains import MEANT, REAL, distance, meant_address, meant_domain


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gamil.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.gr", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("GMIAL.com", "gmail.com"),
        ("yaho.gr", "yahoo.gr"),
        ("yahoo.gt", "yahoo.gr"),
        ("hotmial.com", "hotmail.com"),
        ("hotmail.cm", "hotmail.com"),
        ("outlok.com", "outlook.com"),
        ("otenet.r", "otenet.gr"),
        ("otent.gr", "otenet.gr"),
        ("fortnet.gr", "forthnet.gr"),
        ("windowlive.com", "windowslive.com"),
        ("live.con", "live.com"),
        ("in.gt", "in.gr"),
        ("dimos-dokimis.gt", "dimos-dokimis.gr"),
        ("company.con", "company.com"),
    ],
)
def test_a_slip_is_seen(typed: str, meant: str) -> None:
    assert meant_address(f"maria@{typed}") == f"maria@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        "ymail.com",
        "mail.gr",
        "mail.com",
        "email.com",
        "gmx.gr",
        "gmx.de",
        "in.gr",
        "forthnet.gr",
        "windowslive.com",
        "yahoo.gr",
        "yahoo.fr",
        "yahoo.co.uk",
        "hotmail.gr",
        "live.com",
        "outlook.com.gr",
        "uoa.gr",
        "student.uoa.gr",
        "di.uoa.gr",
        "auth.gr",
        "ntua.gr",
        "mail.ntua.gr",
        "edu.hmu.gr",
        "upatras.gr",
        "aueb.gr",
        "uniwa.gr",
        "unipi.gr",
        "sch.gr",
        "hol.gr",
        "wind.gr",
        "cyta.com.cy",
        "zografou.gr",
        "athens.gr",
        "dimos.gov.gr",
        "tee.gr",
        "citizens.example",
        "proton.me",
        "company.co",
        "company.fr",
        "company.hr",
        "company.ge",
        "mail.ru",
        "aol.com",
        "me.com",
        "mac.com",
    ],
)
def test_a_domain_that_people_have_is_not_asked_about(domain: str) -> None:
    assert meant_domain(domain) == ""


def test_nothing_that_is_proposed_is_asked_about() -> None:
    assert [domain for domain in {*MEANT, *REAL} if meant_domain(domain)] == []


@pytest.mark.parametrize("address", ["", "maria", "maria@", "@"])
def test_what_is_no_address_has_no_proposal(address: str) -> None:
    assert meant_address(address) == ""


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [("", "", 0), ("a", "", 1), ("gmial", "gmail", 1), ("gmil", "gmail", 1), ("xmaul", "gmail", 2)],
)
def test_slips_are_counted(one: str, other: str, slips: int) -> None:
    assert distance(one, other) == distance(other, one) == slips
