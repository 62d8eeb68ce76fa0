"""Settings of collection at the counter."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from portal.plugin_api import PluginSettings


class PickupSettings(PluginSettings):
    """For how many days a document lies ready, and after how many of them the citizen is reminded."""

    days: int = Field(default=20, ge=1, le=180)
    remind_after_days: int = Field(default=7, ge=0, validate_default=True)
    """0: nobody is reminded."""

    @field_validator("remind_after_days")
    @classmethod
    def _before_the_end(cls, reminder: int, info: ValidationInfo) -> int:
        days = info.data.get("days")
        # A number of days that is wrong has its own line.
        if days is not None and reminder and reminder >= days:
            raise ValueError(f"must be less than days ({days}); write a smaller number, or 0 for no reminder")
        return reminder
