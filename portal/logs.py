"""Structured log lines on standard output, one JSON object each. They carry no personal data."""

from __future__ import annotations

import logging
import os
import sys

import structlog
from flask import Flask


def init_app(app: Flask) -> None:
    """Set up the log of this process; ``PORTAL_LOG_LEVEL`` chooses how much is told."""
    level = os.environ.get("PORTAL_LOG_LEVEL", "INFO").upper()
    logging.basicConfig(stream=sys.stdout, level=level, format="%(message)s")
    # These name every address they are called with, and addresses carry links of citizens.
    for talkative in ("httpx", "httpcore", "rq.worker", "werkzeug"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    # It announces itself when it is imported, in a line that is no JSON.
    logging.getLogger("pikepdf").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level, logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
