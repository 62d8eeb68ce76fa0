"""Settings of delivery by e-mail."""

from pydantic import Field

from portal.plugin_api import PluginSettings


class EmailSettings(PluginSettings):
    """Mail servers refuse large mails; what is larger than this comes by the link alone."""

    largest_attachment_megabytes: int = Field(default=7, ge=0, le=20)
