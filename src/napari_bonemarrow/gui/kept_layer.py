"""A layer of ours that is hidden rather than taken away."""

from __future__ import annotations

from typing import Generic, TypeVar

from napari.layers import Layer

AnyLayer = TypeVar("AnyLayer", bound=Layer)


class KeptLayer(Generic[AnyLayer]):
    """Keeps a layer, made when there is something to show for the first time.

    napari needs a fifth of a second to take a layer away and as long to add one, and a reviewer who has it on
    goes on to another cell every second.
    """

    def __init__(self) -> None:
        self.layer: AnyLayer | None = None

    def hide(self) -> None:
        """Show nothing for now."""
        if self.layer is not None and self.layer.visible:
            self.layer.visible = False

    def forget(self) -> None:
        """Begin anew with the next smear."""
        self.layer = None
