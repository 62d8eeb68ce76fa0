"""The staff's door: who is known by what, and which codes may open it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portal_identity_gsis.provider import GsisLogin
from pydantic import SecretStr

from portal.plugin_api import Identity
from portal.testing import kit
from portal.testing.gsis import ELENI, OFFICIAL, GsisSimulator, Taxpayer

Enter = Callable[..., Identity]


def test_a_public_employee_comes_through_the_staffs_door_with_its_own_client(
    both_doors: GsisLogin, enter: Enter
) -> None:
    clerk = enter(both_doors, OFFICIAL, door="staff")
    assert (clerk.username, clerk.posts, clerk.logout_hint) == ("k.alexiou", None, "staff")
    assert enter(both_doors, ELENI).logout_hint == "citizens"


def test_a_user_name_that_gsis_gives_to_somebody_else_leads_to_nothing_of_the_former_one(
    both_doors: GsisLogin, gsis: GsisSimulator, enter: Enter
) -> None:
    former = enter(both_doors, OFFICIAL, door="staff")
    heir = Taxpayer("heir", {**ELENI.told, "userid": OFFICIAL.told["userid"]}, "heir", ("oauth2servergov",))
    gsis.taxpayers.append(heir)
    named_the_same = enter(both_doors, heir, door="staff")
    assert named_the_same.username == former.username
    assert named_the_same.subject != former.subject


def test_after_a_change_of_the_secret_key_a_public_employee_still_tells_his_former_subject(
    login_by: Callable[..., GsisLogin], enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = {"staff_client_id": "kep-staff", "staff_client_secret": SecretStr("kep-staff-secret")}
    before = enter(login_by(**client), OFFICIAL, door="staff").subject
    monkeypatch.setattr(kit, "SECRET_KEYS", ("a-new-secret-key-of-the-test-kit", *kit.SECRET_KEYS))
    after = enter(login_by(**client), OFFICIAL, door="staff")
    assert after.subject != before
    assert after.former_subjects[0] == before


def test_the_codes_of_citizens_name_nobody_of_the_catalogue(provider: GsisLogin, enter: Enter) -> None:
    assert enter(provider, ELENI).username == ""
    assert enter(provider, ELENI, door="staff").username == ""


@pytest.mark.parametrize(
    ("changed", "fit"),
    [
        ({}, False),
        ({"context": "oauth2serverotp"}, False),
        ({"context": "oauth2servergov"}, True),
        ({"staff_client_id": "kep-staff", "staff_client_secret": SecretStr("s")}, True),
        (
            {
                "staff_client_id": "kep-staff",
                "staff_client_secret": SecretStr("s"),
                "staff_context": "oauth2server",
            },
            False,
        ),
    ],
)
def test_staff_come_only_with_codes_of_public_administration(
    login_by: Callable[..., GsisLogin], changed: dict[str, Any], fit: bool
) -> None:
    provider = login_by(**changed)
    assert provider.unfit_for("citizens") == ""
    assert (provider.unfit_for("staff") == "") is fit
