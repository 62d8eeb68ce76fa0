"""What a benchmark tells: one `Figure` each, with the goal it is held against."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass

COMPARISONS = {">=": operator.ge, "<=": operator.le, "=": operator.eq}


@dataclass(frozen=True)
class Figure:
    """One measured number. Where something was measured ``beside`` it, the goal is about the ratio."""

    name: str
    value: float
    unit: str
    beside: float | None = None
    goal: str | None = None
    """Like ``>= 0.20``; None where a number is only told."""

    @property
    def ratio(self) -> float | None:
        return self.value / self.beside if self.beside else None

    @property
    def met(self) -> bool | None:
        """Is the goal reached? None without a goal."""
        if self.goal is None:
            return None
        sign, number = self.goal.split()
        judged = self.value if self.beside is None else self.ratio
        return judged is not None and COMPARISONS[sign](judged, float(number))

    def as_json(self) -> dict[str, object]:
        """The object that ``--json`` prints."""
        return {
            "name": self.name,
            "value": _short(self.value),
            "unit": self.unit,
            "beside": _short(self.beside),
            "ratio": _short(self.ratio),
            "goal": self.goal,
            "met": self.met,
        }


def table(figures: Iterable[Figure]) -> str:
    """The figures for people, one a line."""
    rows = [("figure", "value", "beside", "ratio", "goal", "met")]
    for figure in figures:
        told = figure.as_json()
        rows.append(
            (
                figure.name,
                f"{_words(told['value'])} {figure.unit}",
                _words(told["beside"]),
                _words(told["ratio"]),
                figure.goal or "",
                {True: "yes", False: "NO", None: ""}[figure.met],
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _short(number: float | None) -> float | None:
    """Four significant digits; more would pretend an exactness that no machine under load has."""
    if number is None or isinstance(number, int):
        return number
    return float(f"{number:.4g}")


def _words(number: object) -> str:
    return "" if number is None else f"{number:g}" if isinstance(number, float) else str(number)
