"""The names by which napari's manifest lists the plugin (no Qt)."""

from __future__ import annotations

PLUGIN, WIDGET = "napari-bonemarrow", "Bone marrow"
