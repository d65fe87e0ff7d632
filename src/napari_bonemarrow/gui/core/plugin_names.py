"""The plugin's names in napari's manifest (no Qt)."""

from __future__ import annotations

PLUGIN, WIDGET = "napari-bonemarrow", "Bone marrow"
