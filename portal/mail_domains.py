"""Slips of the keyboard in the part of an e-mail address after the @: which domain was probably meant?

Pure, and without a look at the network: it knows the providers that people in Greece use, and compares.
Whoever asks shows the answer as a question, for every odd domain is somebody's real one.
"""

from __future__ import annotations

MEANT = [
    "gmail.com",
    "yahoo.gr",
    "yahoo.com",
    "hotmail.com",
    "hotmail.gr",
    "outlook.com",
    "windowslive.com",
    "icloud.com",
    "protonmail.com",
    "otenet.gr",
    "forthnet.gr",
    "cosmotemail.gr",
    "vivodinet.gr",
    "hellasonline.gr",
    "tellas.gr",
    "pathfinder.gr",
    "freemail.gr",
    "mycosmos.gr",
    "internet.gr",
]
"""What is proposed. Short names, like in.gr, are left out: too much is one letter away from them."""

BRANCHES = {
    "com": "yahoo ymail rocketmail hotmail outlook live msn gmx aol mail email fastmail hushmail zoho me mac",
    "gr": "yahoo hotmail live outlook gmx mail in hol wind nova cyta ath.forthnet the.forthnet",
    "fr": "yahoo hotmail live outlook",
    "de": "yahoo hotmail live outlook gmx web",
    "it": "yahoo hotmail live outlook",
    "es": "yahoo hotmail outlook",
    "ca": "yahoo hotmail live",
    "nl": "hotmail live",
    "be": "hotmail live outlook",
    "se": "yahoo hotmail live",
    "ro": "yahoo",
    "bg": "mail",
    "ru": "mail inbox",
    "in": "yahoo",
    "me": "proton pm",
    "ch": "gmx",
    "at": "gmx",
    "net": "gmx",
}
REAL = frozenset(MEANT) | {f"{name}.{end}" for end, names in BRANCHES.items() for name in names.split()}
"""Never asked about, however near to another one."""

ENDINGS = {
    **dict.fromkeys(
        ["con", "cmo", "ocm", "comm", "coom", "cpm", "cim", "vom", "xom", "dom", "cm", "om", "co", "c"], "com"
    ),
    **dict.fromkeys(["r", "g", "rg", "grr", "ggr", "gf", "gt", "ge", "hr", "fr", "gre", "gree"], "gr"),
}
"""Slips of the two endings that nearly everybody here has. Some are real endings, of far countries."""
NO_ENDINGS = frozenset(
    [
        "con",
        "cmo",
        "ocm",
        "comm",
        "coom",
        "cpm",
        "cim",
        "vom",
        "xom",
        "c",
        "r",
        "g",
        "rg",
        "grr",
        "ggr",
        "gt",
        "gre",
        "gree",
    ]
)
"""Those that are taken for a slip behind any name; of all others only behind a name that is known."""
ELSEWHERE = {"gmail.gr": "gmail.com", "gmail.co": "gmail.com", "icloud.gr": "icloud.com"}
"""These providers have one ending only."""
SHORTEST = 5
"""Letters of a name in which one slip is looked for."""
LONG = 8
"""Letters of a name in which two are."""


def meant_address(address: str) -> str:
    """The address that was probably meant; empty when it looks right."""
    local, _, domain = address.rpartition("@")
    meant = meant_domain(domain.lower())
    return f"{local}@{meant}" if local and meant else ""


def meant_domain(domain: str) -> str:
    """The domain that was probably meant; empty when it looks right."""
    if domain in REAL:
        return ""
    if domain in ELSEWHERE:
        return ELSEWHERE[domain]
    name, _, ending = domain.rpartition(".")
    mended = f"{name}.{ENDINGS[ending]}" if ending in ENDINGS else ""
    if mended in REAL:
        return mended
    near = _nearest(mended or domain)
    if near or ending not in NO_ENDINGS:
        return near
    return mended


def _nearest(domain: str) -> str:
    """The known domain with this ending whose name is a slip or two away."""
    name, _, ending = domain.rpartition(".")
    near = {}
    for known in MEANT:
        meant, _, its_ending = known.rpartition(".")
        slips = distance(name, meant)
        if ending == its_ending and 0 < slips <= _allowed(meant):
            near[known] = slips
    return min(near, key=near.__getitem__, default="")


def _allowed(name: str) -> int:
    return (len(name) >= SHORTEST) + (len(name) >= LONG)


def distance(one: str, other: str) -> int:
    """How many letters are missing, too many, wrong, or changed with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        further, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            least = min(row[-1] + 1, before[j] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], wanted):
                least = min(least, further[j - 2] + 1)
            row.append(least)
    return row[-1]
