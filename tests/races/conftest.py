"""The small town of the histories, on a Monday before it opens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..histories import town
from .deeds import Scene
from .racers import RACERS


@pytest.fixture
def scene(each_counter, clock, tmp_path):
    """The town on both databases, with a citizen for every racer and limits that nobody meets."""
    limits = {"open_appointments": 1000, "open_per_service": 1000}
    config = replace(each_counter.config, booking=each_counter.booking.model_copy(update=limits))
    built = town.build(config.booking, citizens=RACERS)
    return Scene(
        config,
        {key: row.id for key, row in built.services.items()},
        {key: row.id for key, row in built.offices.items()},
        {name: row.id for name, row in built.people.items()},
        tuple(row.id for row in built.citizens),
        tmp_path,
    )
