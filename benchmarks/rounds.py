"""Measuring side by side: A B A B …, so that whatever disturbs the machine disturbs both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from statistics import mean, median

Speed = Callable[[], float]


def interleaved(sides: Mapping[str, Speed], rounds: int, turns: int = 1) -> dict[str, float]:
    """Measure all sides in each round, in ``turns``; the answers are the medians of the rounds by name.

    Many short turns share out what disturbs the machine for a second or two.
    """
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(1, rounds + 1):
        taken = [{name: measure() for name, measure in sides.items()} for _turn in range(turns)]
        for name in sides:
            measured[name].append(mean(speeds[name] for speeds in taken))
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
