"""The staff's pages of documents. `create_app` registers the blueprint.

The views live in modules of their own, which add themselves to the blueprint when they are imported here.
"""

from __future__ import annotations

from portal.documents.delivering import (
    attention_pages,
    carrier_pages,
    delivery_pages,
    hand_over_pages,
    other_way_pages,
)
from portal.documents.desk import blueprint
from portal.documents.issuing import approval_pages, issuing_pages, template_pages
from portal.documents.papers import review_pages

__all__ = [
    "approval_pages",
    "attention_pages",
    "blueprint",
    "carrier_pages",
    "delivery_pages",
    "hand_over_pages",
    "issuing_pages",
    "other_way_pages",
    "review_pages",
    "template_pages",
]
