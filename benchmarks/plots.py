"""Draws a finished result as two pictures (SVG): the ratios beside their goals, and the day of the rush."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

GOALS, RUSH = "ratios.svg", "rush.svg"
MET, MISSED, INK, PALE = "#1b6e3c", "#b3261e", "#1f2933", "#d5dbe1"
LABELS, BARS, ROW, MARGIN = 640, 420, 26, 20
"""Widths of the two columns, the height of a line, and what is free around it all; pixels."""
DECADES = 2
"""Powers of ten that are shown on either side of the goal."""

_STEP = re.compile(r"^rush .*: (.+) p(50|95|99)$")

Told = Mapping[str, Any]


def draw(result: Sequence[Told], folder: Path) -> list[Path]:
    """Write the pictures for which there are figures into ``folder``, and give their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {GOALS: ratios(result), RUSH: rush(result)}
    paths = [folder / name for name, picture in pictures.items() if picture]
    for path in paths:
        path.write_text(pictures[path.name], encoding="utf-8")
    return paths


def ratios(result: Sequence[Told]) -> str:
    """Each ratio as a multiple of its goal, on a logarithmic scale; empty without any."""
    rows = [(told, reach(told)) for told in result if told["goal"] and told["ratio"]]
    if not rows:
        return ""
    width, middle = LABELS + BARS, LABELS + BARS / 2
    parts = [
        _text(
            MARGIN, ROW, "Measured beside something else in the same run, as a part of the goal", bold=True
        ),
        f'<line x1="{middle}" y1="{1.5 * ROW}" x2="{middle}" y2="{(len(rows) + 2) * ROW}" stroke="{INK}"/>',
        _text(middle, (len(rows) + 2.6) * ROW, "the goal", anchor="middle"),
        _text(LABELS, (len(rows) + 2.6) * ROW, f"1/{10**DECADES} of it"),
        _text(width, (len(rows) + 2.6) * ROW, f"{10**DECADES} times", anchor="end"),
    ]
    for number, (told, times) in enumerate(rows, 2):
        part = max(-1.0, min(1.0, math.log10(times) / DECADES)) * BARS / 2
        colour = MET if told["met"] else MISSED
        words = f"{told['name']}: {told['ratio']:g} (goal {told['goal']})"
        parts.append(_text(MARGIN, number * ROW + 14, words))
        parts.append(_bar(min(middle, middle + part), number * ROW + 3, abs(part), colour))
    return _picture(width, (len(rows) + 3) * ROW, parts)


def reach(told: Told) -> float:
    """How many times the goal is reached; where less is better, the other way round."""
    sign, number = told["goal"].split()
    times = told["ratio"] / float(number)
    return 1 / times if sign == "<=" else float(times)


def rush(result: Sequence[Told]) -> str:
    """How long each step took on the day of the rush: half, 95 and 99 of 100 citizens; empty without any."""
    rows = [
        (found[1], int(found[2]), told["value"]) for told in result if (found := _STEP.match(told["name"]))
    ]
    if not rows:
        return ""
    label, longest = 200, max(value for *_, value in rows)
    parts = [_text(MARGIN, ROW, "Day of the rush: how long citizens waited (ms)", bold=True)]
    for number, (step, part, value) in enumerate(rows, 2):
        length = value / longest * BARS
        parts.append(_text(MARGIN, number * ROW + 14, f"{step}, {part} of 100"))
        parts.append(
            _bar(label, number * ROW + 3, length, INK if part == 50 else MET if part == 95 else PALE)
        )
        parts.append(_text(label + length + 6, number * ROW + 14, f"{value:,.0f}"))
    return _picture(label + BARS + 80, (len(rows) + 2) * ROW, parts)


def _bar(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{ROW - 8}" fill="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'


def _picture(width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width + 2 * MARGIN:g}" height="{height + MARGIN:g}"'
    font = f'font-family="sans-serif" font-size="13" fill="{INK}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>\n"])
