"""Random histories of holding, booking, moving, cancelling and falling ill, on both databases.

The controls take one guard away and expect that the histories find out.
"""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import bindparam, text

from portal.appointments import busy_days, choosing, occupancy
from portal.db import UtcDateTime

from . import town
from .history import History

EXAMPLES = os.environ.get("PORTAL_TEST_EXAMPLES")
"""Whoever asks for many histories gets others each time, and the shortest that fails."""
PHASES = (Phase.generate, Phase.shrink) if EXAMPLES else (Phase.generate,)


def live_through(counter, histories, always_the_same=False):
    """Try random histories in a new town."""
    limits = {"open_appointments": 100, "open_per_service": 100}
    place = town.build(counter.booking.model_copy(update=limits))
    run_state_machine_as_test(
        lambda: History(place),
        settings=settings(
            max_examples=histories,
            stateful_step_count=30,
            deadline=None,
            database=None,
            derandomize=always_the_same,
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
            report_multiple_bugs=False,
        ),
    )


def test_no_history_sells_a_time_twice_or_loses_a_minute(each_counter):
    live_through(each_counter, int(EXAMPLES or 24), always_the_same=not EXAMPLES)


# --- Controls ------------------------------------------------------------------------------------------


def insertion_where(condition):
    """The statement that takes time, with another condition for what somebody has already."""

    def insertion(count):
        rows = ", ".join(f"(:resource_{n}, :quantum_{n}, :appointment_id, :expires_at)" for n in range(count))
        return text(
            f"INSERT INTO claim (resource, quantum, appointment_id, expires_at) VALUES {rows} "
            "ON CONFLICT (resource, quantum) DO UPDATE "
            "SET appointment_id = excluded.appointment_id, expires_at = excluded.expires_at "
            f"WHERE :now = :now AND {condition} RETURNING resource, quantum"
        ).bindparams(bindparam("expires_at", type_=UtcDateTime), bindparam("now", type_=UtcDateTime))

    return insertion


def nothing(*_arguments, **_words):
    """Does not do what it should."""


def take_without_interpreter(appointment, booking):
    """The interpreter's time is forgotten."""
    interpreter, appointment.interpreter_id = appointment.interpreter_id, None
    try:
        return PIECES_OF(appointment, booking)
    finally:
        appointment.interpreter_id = interpreter


def grant_everything(_appointment_id, wanted, _expires_at):
    """Nothing is written, and nobody refused."""
    return set(wanted)


PIECES_OF = occupancy.pieces_of
BREAKS = {
    "who comes later takes what others have": (
        occupancy,
        "_insertion",
        insertion_where("true"),
        "no claim|is sold",
    ),
    "nothing is claimed": (
        occupancy,
        "_insert",
        lambda _id, wanted, _ends: set(wanted),
        "no claim|twice|times",
    ),
    "lapsed holds stay": (
        occupancy,
        "_insertion",
        insertion_where("claim.appointment_id = :appointment_id"),
        "was offered and not won",
    ),
    "moved appointments keep the old time": (
        occupancy,
        "_give_back",
        nothing,
        "return|for nobody",
    ),
    "busy days are not marked": (busy_days, "mark", nothing, "busy days differ"),
    "busy days are not cleared": (busy_days, "clear", nothing, "busy days differ"),
    "no interpreter is asked": (choosing, "_interpreters", lambda _week: [None], "without its interpreter"),
    "the interpreter's time is not taken": (occupancy, "pieces_of", take_without_interpreter, "no claim"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_the_histories_find_out_when(counter, monkeypatch, broken):
    module, name, instead, complaint = BREAKS[broken]
    monkeypatch.setattr(module, name, instead)
    with pytest.raises((AssertionError, FlakyFailure)) as found:
        live_through(counter, 100, always_the_same=True)
    # A history that is told again meets another lot (how long freed time waits) and may end well.
    told = (found.value, *getattr(found.value, "exceptions", ()))
    assert any(re.search(complaint, str(error)) for error in told)
