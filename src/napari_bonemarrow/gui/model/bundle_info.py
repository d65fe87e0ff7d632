"""What the Model tab shows of a bundle: plain and frozen (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

from napari_bonemarrow.cytology import Support


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the Model tab shows of the bundle that serves."""

    name: str
    sha256: str
    device: str
    support: tuple[tuple[str, Support], ...]
    problem: str = ""
