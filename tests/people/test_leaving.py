"""The way from the portal to an identity server on another site, and to one of our own pages."""

from __future__ import annotations

import pytest

from portal.people import leaving
from portal.testing.page_lint import lint

ELSEWHERE = "https://login.example/authorize?a=1&b=%3C2%3E"


@pytest.mark.parametrize("language", ["el", "en"])
def test_a_page_leads_to_another_site_by_itself_and_by_a_button(app, language):
    with app.test_request_context(f"/login?lang={language}"):
        app.preprocess_request()
        page = leaving.lead_to(ELSEWHERE)
    assert page.status_code == 200
    assert page.headers["Refresh"] == f"0; url={ELSEWHERE}"
    assert 'href="https://login.example/authorize?a=1&amp;b=%3C2%3E"' in page.get_data(as_text=True)
    assert "login.example" in page.get_data(as_text=True)
    assert lint(page.get_data(as_text=True), language) == []


@pytest.mark.parametrize("address", ["/plugins/x/login?order=1", "http://localhost", "http://localhost/"])
def test_within_the_portal_no_page_is_needed(app, address):
    with app.test_request_context("/login"):
        assert leaving.lead_to(address).location == address


@pytest.mark.parametrize(
    "address", ["http://localhost.evil.example/", "http://localhost:1/", "//evil.example/"]
)
def test_another_site_is_not_taken_for_the_portal(app, address):
    with app.test_request_context("/login"):
        assert "Refresh" in leaving.lead_to(address).headers
