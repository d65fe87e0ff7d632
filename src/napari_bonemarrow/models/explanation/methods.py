"""Methods of explanation, without heavy imports, for the command line and the window."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

METHODS: Mapping[str, str] = MappingProxyType({"gradcam": "Grad-CAM", "smoothgrad": "SmoothGrad"})
"""Every method by name, and its title; `models.explanation.attribution` computes it."""

DEFAULT_METHOD: Final = "gradcam"
"""Default method: one pass through the network and back; SmoothGrad takes 32."""
