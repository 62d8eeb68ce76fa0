"""The page lint finds what it promises to find, and leaves a good page alone."""

from __future__ import annotations

import pytest

from portal.testing.page_lint import lint

GOOD = """<!doctype html><html lang="en"><head><title>Your details – Municipality of Zografou</title></head>
<body><main id="main"><h1>Your details</h1><h2>How we reach you</h2>
<form method="post"><input type="hidden" name="csrf_token" value="x">
<label for="email">E-mail</label><input id="email" name="email" aria-describedby="email-hint">
<p id="email-hint">The link is sent here.</p>
<fieldset><legend>Paper</legend><input type="radio" id="paper-0" name="paper">
<label for="paper-0">Passport</label>
</fieldset><button>Go on</button></form>
<a href="/"><img src="/static/counter.svg" alt="Home"></a></main></body></html>"""


def test_a_good_page_has_no_problems() -> None:
    assert lint(GOOD, "en") == []


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ('lang="en"', 'lang="el"', "html lang"),
        ("<h1>Your details</h1>", "<h1>Your details</h1><h1>Again</h1>", "2 h1"),
        ("<h1>Your details</h1>", "<h1>Free times</h1>", "does not tell the h1"),
        ("<title>Your details – Municipality of Zografou</title>", "<title></title>", "title is missing"),
        ('id="email-hint"', 'id="email"', "id 'email' is used 2 times"),
        ('aria-describedby="email-hint"', 'aria-describedby="nowhere"', "points to 'nowhere'"),
        ("<h2>How we reach you</h2>", "<h3>How we reach you</h3>", "h3 'How we reach you' follows h1"),
        ('<label for="email">E-mail</label>', "", "input 'email' has no label"),
        ("<legend>Paper</legend>", "", "has no legend"),
        ("<button>Go on</button>", "<button></button>", "button without a name"),
        ('<input type="hidden" name="csrf_token" value="x">', "", "without csrf_token"),
        (' alt="Home"', "", "has no alt"),
        ("<h2>", '<h2 style="color: red">', "h2 has style"),
        ("<button>", '<button onclick="go()">', "button has onclick"),
        ('<a href="/">', '<a href="javascript:go()">', "a has href"),
        ("</main>", "</main><script>go()</script>", "inline script"),
        ("</main>", '</main><script src="https://elsewhere.example/x.js"></script>', "foreign server"),
        ("The link is sent here.", "The link is sent to %(email)s.", "left-over"),
    ],
)
def test_a_spoilt_page_is_told(good: str, bad: str, told: str) -> None:
    assert good in GOOD
    problems = lint(GOOD.replace(good, bad), "en")
    assert any(told in problem for problem in problems), problems
