"""What window, command line, reports and bundles all say in the same words."""

from __future__ import annotations

from typing import Final

RESEARCH_USE: Final = "Research use only, not for diagnosis"

UNAUTHENTICATED: Final = "tamper-evident, not authenticated"
"""What a chain of hashes is worth without a reviewer's key."""
