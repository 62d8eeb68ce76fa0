"""The pages that belong to no feature, and the pages that explain an error, in both languages."""

from __future__ import annotations

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from portal import security
from portal.testing.page_lint import lint

PAGES = ["/", "/manual", "/accessibility", "/privacy", "/nothing-is-recorded"]
LANGUAGES = ["el", "en"]


def read_in(client: FlaskClient, language: str) -> None:
    client.get(f"/manual?lang={language}")


def break_down(app: Flask, code: int) -> None:
    """Add an address that answers with this error."""

    @security.public
    def broken() -> None:
        if code == 500:
            raise RuntimeError("broken on purpose")
        abort(code)

    app.add_url_rule("/broken", "broken", broken)
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_in_order_in_each_language(client: FlaskClient, address: str, language: str) -> None:
    read_in(client, language)
    answer = client.get(address)
    assert answer.status_code == 200
    assert lint(answer.text, language) == []


def test_every_page_links_to_itself_in_the_other_language(client: FlaskClient) -> None:
    read_in(client, "en")
    assert 'href="/privacy?lang=el" lang="el" hreflang="el"' in client.get("/privacy").text


def test_the_switch_keeps_what_else_the_address_says(client: FlaskClient) -> None:
    read_in(client, "en")
    assert 'href="/manual?from=mail&amp;lang=el"' in client.get("/manual?from=mail").text


def test_the_colours_come_as_a_sheet_that_may_be_kept(client: FlaskClient) -> None:
    answer = client.get("/theme.css")
    assert answer.mimetype == "text/css"
    assert "--colour: #003375;" in answer.text
    assert "max-age" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [400, 403, 404, 405, 413, 429])
def test_an_error_page_says_what_to_do(app: Flask, client: FlaskClient, code: int, language: str) -> None:
    break_down(app, code)
    read_in(client, language)
    answer = client.get("/broken")
    assert answer.status_code == code
    assert lint(answer.text, language) == []
    assert "210 000 0000" in answer.text


@pytest.mark.parametrize("code", [500, 503])
def test_a_breakdown_is_told_in_both_languages_at_once(app: Flask, client: FlaskClient, code: int) -> None:
    break_down(app, code)
    answer = client.get("/broken")
    assert answer.status_code == code
    assert lint(answer.text, "el") == []
    assert "Something went wrong" in answer.text


def test_an_expired_form_is_explained(client: FlaskClient) -> None:
    read_in(client, "en")
    answer = client.post("/logout")
    assert answer.status_code == 400
    assert "This form has expired" in answer.text


def test_the_page_about_recording_says_what_the_chosen_video_systems_prevent(app: Flask) -> None:
    page = app.test_client().get("/nothing-is-recorded?lang=en", follow_redirects=True).text
    assert "The call goes from browser to browser" in page
