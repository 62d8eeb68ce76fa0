"""What `portal check` and `portal rotate-keys` say about secret keys and the place of documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portal import files, key_rotation
from portal.key_rotation import Report, Tell

Outcome = tuple[list[str], int]
"""Lines for an administrator, and the exit code."""


def troubles() -> Iterator[tuple[str, str]]:
    """What cannot be opened, and a disk that is nearly full; nothing is asked over a network."""
    if closed := key_rotation.closed():
        mend = "put the former key back, after the present one and a space"
        yield "environment PORTAL_SECRET_KEY", f"the key of {_counted(closed)} is missing; {mend}"
    if files.trouble():
        yield "documents", "the disk is full or fails; make room, docs/running.md tells how"


def waiting() -> str:
    """What a rotation would do, as a line; empty when there is nothing."""
    older = key_rotation.older()
    return (
        f"secret keys: under an older one lie {_counted(older)}; run `portal rotate-keys`\n" if older else ""
    )


def rotated(tell: Tell) -> Outcome:
    """Bring everything under the first key, and say what came of it."""
    try:
        report = key_rotation.rotate(tell)
    except key_rotation.AlreadyRunning:
        return ["another rotation is under way; wait until it has ended"], 1
    except files.StoreTrouble as trouble:
        return [f"not finished: {trouble}", "run it again when that is mended; it goes on where it ended"], 1
    return _outcome(report, key_rotation.older())


def _outcome(report: Report, left: Mapping[str, int]) -> Outcome:
    if report.closed:
        return [f"none of the keys opens {_counted(report.closed)}; put the former key back, at the end"], 1
    late = {what: count for what, count in left.items() if count > report.gone[what]}
    if late:
        restart = "restart all processes of the portal with the new key in front, and run it again"
        return [f"written with an older key meanwhile: {_counted(late)}", restart], 1
    lines = ["done: everything lies under the first key, and the older ones can be removed"]
    lines += ["links in mails and logins that an older one has signed end with it"]
    if report.gone:
        lines.append(f"their file is not there any more: {_counted(report.gone)}")
    return lines, 0


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())
