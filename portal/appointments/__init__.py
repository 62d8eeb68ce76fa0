"""Appointments: from a held time to the end of the call."""
