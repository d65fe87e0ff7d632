"""The model of a bundle for the Model tab, plain and frozen (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

from napari_bonemarrow.cytology import Support


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The bundle in use, for the Model tab."""

    name: str
    sha256: str
    device: str
    support: tuple[tuple[str, Support], ...]
    problem: str = ""
