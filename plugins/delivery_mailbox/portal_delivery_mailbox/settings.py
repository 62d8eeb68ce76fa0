"""Settings of the mailbox: how long a document may lie there unopened before somebody hears of it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from portal.plugin_api import PluginSettings


class MailboxSettings(PluginSettings):
    """Days after the notice: first the citizen is reminded, later the office is told."""

    remind_after_days: int = Field(default=3, ge=0, le=90)
    """0 reminds nobody."""
    overdue_after_days: int = Field(default=14, ge=1, le=365)

    @model_validator(mode="after")
    def _reminded_before_overdue(self) -> Self:
        if self.remind_after_days >= self.overdue_after_days:
            raise ValueError("remind_after_days must be less than overdue_after_days")
        return self
