"""Measuring side by side: A B A B …, so that whatever disturbs the machine disturbs both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from statistics import median

Speed = Callable[[], float]


def interleaved(sides: Mapping[str, Speed], rounds: int) -> dict[str, float]:
    """Measure all sides once in each round; the answers are the medians by name."""
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(1, rounds + 1):
        for name, measure in sides.items():
            measured[name].append(measure())
        last = ", ".join(f"{name} {numbers[-1]:.4g}" for name, numbers in measured.items())
        say(f"  round {number} of {rounds}: {last}")
    return {name: median(numbers) for name, numbers in measured.items()}


def percentile(numbers: list[float], part: float) -> float:
    """The value below which ``part`` (0 to 1) of the numbers lie."""
    ordered = sorted(numbers)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def say(words: str) -> None:
    """Tell how far we are. Never on standard output, which belongs to the result."""
    print(words, file=sys.stderr, flush=True)
