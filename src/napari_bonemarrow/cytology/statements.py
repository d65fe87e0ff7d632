"""Statements shared by window, command line, reports and bundles."""

from __future__ import annotations

from typing import Final

RESEARCH_USE: Final = "Research use only, not for diagnosis"

UNAUTHENTICATED: Final = "tamper-evident, not authenticated"
"""The status of a chain of hashes without a reviewer's key."""
