"""The demo's letter box and the health page, as a browser and a machine see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from portal import clock as present
from portal import mailbox, outbox
from portal.db import db, transaction

MAIL = """\
From: portal@dimos.gr
To: maria@example.gr
Content-Language: el
Subject: =?utf-8?b?zqTOvyDPgc6xzr3PhM61zrLOv8+N?=
Date: Mon, 30 Nov 2026 06:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8

<script>alert(1)</script> https://kep.example/door/1
--inner
Content-Type: text/html; charset=utf-8

<p style="color:red" onclick="x()"><a href="https://kep.example/door/1">Go <b>in</b></a>
<a href="javascript:alert(1)">no</a></p>
--inner--
--outer
Content-Type: text/html
Content-Disposition: attachment; filename="a.html"

<script>alert(2)</script>
--outer--
"""


@pytest.fixture
def letter(app):
    """One mail in the letter box, with things in it that must not come alive."""
    mailbox.put(app.config["PORTAL"].instance / "mailbox", "abcdef0123456789", MAIL.encode())


def test_the_letter_box_is_empty_at_first(client):
    page = client.get("/demo/mailbox?lang=en", follow_redirects=True)
    assert page.status_code == 200
    assert "There is no mail yet" in page.text


def test_the_letter_box_lists_what_was_sent(client, letter):
    page = client.get("/demo/mailbox")
    assert "Το ραντεβού" in page.text
    assert "maria@example.gr" in page.text
    assert "/demo/mailbox/abcdef0123456789" in page.text


def test_a_mail_is_shown_without_anything_that_could_run(client, letter):
    page = client.get("/demo/mailbox/abcdef0123456789")
    assert page.status_code == 200
    assert "&lt;script&gt;alert(1)" in page.text
    assert '<a href="https://kep.example/door/1">Go in</a>' in page.text
    assert '<h1 lang="el">' in page.text
    assert "javascript:" not in page.text
    assert "onclick" not in page.text
    assert "style=" not in page.text


def test_an_attachment_is_kept_and_not_shown(client, letter):
    answer = client.get("/demo/mailbox/abcdef0123456789/attachments/0")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert client.get("/demo/mailbox/abcdef0123456789/attachments/1").status_code == 404


@pytest.mark.parametrize("name", ["nosuchmail12345", "..%2F..%2Fsecret_key", "../secret_key", "ABC"])
def test_no_other_file_can_be_read(client, letter, name):
    assert client.get(f"/demo/mailbox/{name}").status_code == 404


def test_a_portal_without_a_store_is_degraded_and_stays_open(client):
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json | {"version": "", "retried_transactions": 0} == {
        "status": "degraded",
        "version": "",
        "database": True,
        "store": False,
        "documents": "ok",
        "oldest_due_seconds": 0,
        "paused_providers": [],
        "retried_transactions": 0,
    }


@pytest.fixture
def with_store(app, tmp_path):
    from portal.testing.servers import store_server

    app.config["PORTAL"].instance.mkdir(exist_ok=True)
    with store_server(app.config["PORTAL"].instance):
        yield
        app.extensions["portal.store"].store.close()


def test_a_portal_with_everything_is_well(client, with_store):
    answer = client.get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "ok")


def test_work_left_lying_shows(client, with_store, clock):
    with transaction():
        outbox.post(
            "appointment.lapse",
            "appointment:1",
            {"appointment_id": 1},
            key="lapse",
            give_up_at=present.now() + timedelta(days=1),
        )
    clock.shift(600)
    answer = client.get("/health")
    assert (answer.json["status"], answer.json["oldest_due_seconds"]) == ("degraded", 600)


def test_a_portal_without_its_database_is_down(client):
    db.session.execute(text("DROP TABLE outbox"))
    db.session.commit()
    answer = client.get("/health")
    assert (answer.status_code, answer.json["status"]) == (503, "down")
