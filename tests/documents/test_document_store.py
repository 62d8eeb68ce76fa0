"""What every place of documents promises, tried on a real disk and on a real S3 service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import time_machine
from flask import Flask

from portal import encryption, files
from portal.document_settings import DocumentSettings
from portal.document_store import StoreAway, StoreMisconfigured, StoreTrouble, bucket
from portal.document_store.bucket import Bucket
from portal.document_store.disk import Disk
from portal.testing import bucket as testing

NAME = "0123456789abcdef0123456789abcdef.01234567"
LATER = timedelta(minutes=1)


def bucket_at(endpoint: str, name: str = testing.BUCKET, **keys: str) -> Bucket:
    settings = DocumentSettings(store="s3", endpoint=endpoint, bucket=name, prefix=keys.pop("prefix", ""))
    pair = (keys.get("access", testing.ACCESS), keys.get("secret", testing.SECRET))
    return Bucket(settings, pair, "town.toml")


@pytest.fixture
def line(bucket_service: str) -> Iterator[tuple[str, testing.Line]]:
    with testing.line_to(bucket_service) as opened:
        yield opened


@pytest.fixture(params=["disk", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Disk | Bucket:
    if request.param == "disk":
        return Disk(tmp_path / "documents")
    # A prefix of its own for each test, since the service is the same.
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", request.node.name) + "/"
    return bucket_at(request.getfixturevalue("bucket_service"), prefix=prefix)


def names_in(place: Disk | Bucket, older_than: datetime | None = None, after: str = "") -> list[str]:
    return sorted(n for page in place.pages(older_than or datetime.now(UTC) + LATER, after) for n in page)


def test_what_was_written_is_read_again_and_can_be_written_once_more(place: Disk | Bucket) -> None:
    for content in (b"one" * 100_000, b"another"):
        place.write(NAME, content)
        assert place.read(NAME) == content and place.exists(NAME)
    assert names_in(place) == [NAME]


def test_what_is_not_there_is_told_and_may_be_removed_twice(place: Disk | Bucket) -> None:
    assert not place.exists(NAME)
    with pytest.raises(FileNotFoundError):
        place.read(NAME)
    place.write(NAME, b"x")
    for _twice in range(2):
        place.remove(NAME)
    assert not place.exists(NAME) and names_in(place) == []


def test_names_are_told_in_pages_and_fresh_ones_are_left_out(
    place: Disk | Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("portal.document_store.disk", "portal.document_store.bucket"):
        monkeypatch.setattr(f"{module}.PAGE", 2)
    wanted = [f"{number:032x}" for number in range(5)]
    for name in wanted:
        place.write(name, b"x")
    pages = list(place.pages(datetime.now(UTC) + LATER))
    assert [len(page) for page in pages] == [2, 2, 1] and sorted(n for page in pages for n in page) == wanted
    assert names_in(place, datetime.now(UTC) - LATER) == []


def test_a_check_leaves_nothing_behind(place: Disk | Bucket) -> None:
    place.check()
    assert names_in(place) == []


def test_a_bucket_goes_on_after_a_name_and_keeps_to_its_prefix(bucket_service: str) -> None:
    ours, theirs = (bucket_at(bucket_service, prefix=f"order-{who}/") for who in ("ours", "theirs"))
    for place in (ours, theirs):
        for first in "37b":
            place.write(first * 32, b"x")
    assert names_in(ours, after="5" * 32) == ["7" * 32, "b" * 32]


def test_an_object_tells_nothing_and_is_private(line: tuple[str, testing.Line], bucket_service: str) -> None:
    address, seen = line
    place = bucket_at(address, prefix="opaque/")
    place.write(NAME, b"sealed")
    ((method, path, headers),) = seen.passed
    assert (method, path) == ("PUT", f"/{testing.BUCKET}/opaque/{NAME}")
    assert headers["Content-Type"] == "application/octet-stream"
    assert not [name for name in headers if re.match("x-amz-(acl|meta|grant)", name, re.I)]
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        httpx.get(f"{bucket_service}{path}").raise_for_status()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"access": "stranger"}, "environment PORTAL_S3_ACCESS_KEY: the service does not know this key"),
        ({"secret": "wrong"}, "environment PORTAL_S3_SECRET_KEY: does not belong to the access key"),
        ({"name": "no-such-bucket"}, "town.toml documents.bucket: .*no-such-bucket"),
        ({"name": testing.PUBLIC}, "documents.bucket: anybody can read open-to-all; make it private"),
    ],
)
def test_a_wrong_setting_of_a_bucket_is_told_with_its_mend(
    bucket_service: str, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(StoreMisconfigured, match=said) as told:
        bucket_at(bucket_service, **wrong).check()
    assert testing.SECRET not in str(told.value) and "wrong" not in str(told.value)


def test_a_clock_that_is_wrong_is_told(bucket_service: str) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)), pytest.raises(StoreTrouble) as told:
        bucket_at(bucket_service).read(NAME)
    assert "clock" in str(told.value)


@pytest.mark.parametrize("fault", ["error", "slow_down", "answer_lost"])
def test_a_fault_that_passes_is_not_noticed(line: tuple[str, testing.Line], fault: testing.Fault) -> None:
    address, spoiled = line
    place = bucket_at(address, prefix=f"{fault}/")
    spoiled.spoil(fault)
    place.write(NAME, b"kept once")
    spoiled.spoil("cut", only="GET")
    assert place.read(NAME) == b"kept once"
    assert names_in(place) == [NAME]


@pytest.mark.parametrize("fault", ["error", "slow_down", "cut", "refused_forever"])
def test_a_fault_that_stays_ends_in_words_and_gives_no_piece(
    line: tuple[str, testing.Line], fault: testing.Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, spoiled = line
    monkeypatch.setattr(bucket, "TRIES", 2)
    place = bucket_at(address, prefix=f"stays-{fault}/")
    place.write(NAME, b"whole" * 1000)
    spoiled.spoil(fault, times=99)
    with pytest.raises(StoreAway) as told:
        place.read(NAME)
    assert address not in str(told.value)
    assert len(spoiled.passed) <= 1 + 2 * 2


def test_a_service_that_is_not_there_is_told(bucket_service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.testing.servers import free_port

    monkeypatch.setattr(bucket, "TRIES", 1)
    with pytest.raises(StoreAway):
        bucket_at(f"http://127.0.0.1:{free_port()}").write(NAME, b"x")


def test_its_secret_does_not_show() -> None:
    assert testing.SECRET not in repr(bucket_at("https://s3.example.gr"))
    assert testing.SECRET not in repr(replace(bucket_at("https://s3.example.gr"), source="x"))


def test_files_in_a_bucket_are_renewed_found_by_either_name_forgotten_and_swept(
    app: Flask, bucket_service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = bucket_at(bucket_service, prefix="files/")
    app.extensions["portal.document_store"] = place
    old, new = "o" * 40, "n" * 40
    encryption.init_app(app, replace(app.config["PORTAL"], secret_keys=(old,)))
    first, second = (files.store("a.png", content, "image/png").stored_as for content in (b"one", b"two"))
    encryption.init_app(app, replace(app.config["PORTAL"], secret_keys=(new, old)))
    files.forget_former(files.renew(first))
    encryption.init_app(app, replace(app.config["PORTAL"], secret_keys=(new,)))
    assert files.open_document(first).read() == b"one"
    assert names_in(place) == sorted([files.under_present_key(first), second])
    monkeypatch.setattr(files, "ORPHANED_AFTER", -LATER)
    assert files.sweep(lambda names: {first.partition(".")[0]} & set(names)) == 1
    assert names_in(place) == [files.under_present_key(first)]
    files.forget(first)
    assert names_in(place) == []
