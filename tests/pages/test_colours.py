"""The municipality's colours may be anything; what is written on them stays readable."""

from __future__ import annotations

import pytest

from portal.config import Municipality, TwoTexts
from portal.pages import READABLE_CONTRAST, contrast, theme_sheet


def a_municipality(colour: str, accent_colour: str) -> Municipality:
    return Municipality(name=TwoTexts(el="Δήμος", en="Town"), colour=colour, accent_colour=accent_colour)


def properties(sheet: str) -> dict[str, str]:
    inside = sheet.strip().removeprefix(":root {").removesuffix("}")
    pairs = (line.split(":") for line in inside.split(";") if line.strip())
    return {name.strip(): value.strip() for name, value in pairs}


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("colour", ["#003375", "#ffd800", "#7fbf3f", "#8a1538", "#808080"])
def test_texts_and_links_stay_readable_on_any_colour(colour: str) -> None:
    values = properties(theme_sheet(a_municipality(colour, colour)))
    assert contrast(values["--on-colour"], colour) >= READABLE_CONTRAST
    assert contrast(values["--on-accent"], colour) >= READABLE_CONTRAST
    assert contrast(values["--link"], "#ffffff") >= READABLE_CONTRAST


def test_a_readable_accent_colours_the_links() -> None:
    assert properties(theme_sheet(a_municipality("#003375", "#0065b3")))["--link"] == "#0065b3"
