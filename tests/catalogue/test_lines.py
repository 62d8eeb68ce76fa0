"""The walk over a TOML text gives every table, key and element its line."""

import tomllib

import pytest

from portal.catalogue.lines import find_lines, line_of

TEXT = '''\
# [[services]] in a comment is no table
title = "[[services]]"
[[services]]
key = "a" # a remark
name = { el = "α}", en = "b]" }
papers = [
    # a remark
    { el = "1", en = "#2" },

    { el = "3", en = "4" },
]
text = """
[[services]]
"quoted" """

[[services]]
"odd key" = ['x', 'y',
    'z']
day = 2026-12-24 07:00:00
[other.table]
a.b = 1
[[services.posts]]
deep = [[1], [2]]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("services", 0), 3),
        (("services", 0, "name", "en"), 5),
        (("services", 0, "papers"), 6),
        (("services", 0, "papers", 0, "en"), 8),
        (("services", 0, "papers", 1), 10),
        (("services", 0, "text"), 12),
        (("services", 1), 16),
        (("services", 1, "odd key", 1), 17),
        (("services", 1, "odd key", 2), 18),
        (("services", 1, "day"), 19),
        (("other", "table"), 20),
        (("other", "table", "a", "b"), 21),
        (("services", 1, "posts", 0, "deep", 1, 0), 23),
    ],
)
def test_everything_has_its_line(path, line):
    tomllib.loads(TEXT)
    assert find_lines(TEXT)[path] == line


def test_lines_are_counted_in_files_from_other_systems():
    text = "[[services]]\r\nkey = 'a'\r\n\r\nminutes = 5\r\n"
    tomllib.loads(text)
    assert find_lines(text)[("services", 0, "minutes")] == 4


def test_what_is_missing_stands_where_it_should_have_been():
    places = find_lines("[[services]]\nkey = 'a'\n[[services]]\nkey = 'b'\n")
    assert line_of(places, ("services", 1, "minutes")) == 3
    assert line_of(places, ("nowhere",)) == 1
