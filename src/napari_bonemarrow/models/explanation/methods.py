"""The ways to explain a class; light, for the command line's help and the window's buttons and keys."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

METHODS: Mapping[str, str] = MappingProxyType({"gradcam": "Grad-CAM", "smoothgrad": "SmoothGrad"})
"""Every method by name, and how it is written; `models.explanation.attribution` computes it."""

DEFAULT_METHOD: Final = "gradcam"
"""One pass through the network and back, where SmoothGrad takes 32."""
