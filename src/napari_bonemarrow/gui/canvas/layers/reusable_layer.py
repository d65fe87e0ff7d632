"""Layers of ours that are hidden rather than taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from napari.layers import Layer

AnyLayer = TypeVar("AnyLayer", bound=Layer)


class ReusableLayer(Generic[AnyLayer]):
    """Keeps a layer, made when there is something to show for the first time.

    napari needs a fifth of a second to take a layer away and as long to add one, and a reviewer who has it on
    goes on to another cell every second.
    """

    def __init__(self) -> None:
        self.layer: AnyLayer | None = None
        self._wanted = self._covered = False

    def show(self) -> None:
        """Show what was drawn, now or once nothing covers it."""
        self._wanted = True
        self._follow()

    def hide(self) -> None:
        """Show nothing for now."""
        self._wanted = False
        self._follow()

    def cover(self, on: bool) -> None:
        """Keep it out of sight, whatever is drawn meanwhile, or give it back."""
        self._covered = on
        self._follow()

    def _follow(self) -> None:
        visible = self._wanted and not self._covered
        if self.layer is not None and self.layer.visible != visible:
            self.layer.visible = visible

    def forget(self) -> None:
        """Begin anew with the next smear."""
        self.layer, self._wanted = None, False


class Cover:
    """Keeps a layer out of sight for a while, and gives it back as it was.

    Parameters
    ----------
    layer : callable
        Returns the layer, or None while there is none.
    """

    def __init__(self, layer: Callable[[], Layer | None]) -> None:
        self._layer = layer
        self._hidden: Layer | None = None

    def cover(self, on: bool) -> None:
        """Hide the layer if it is seen, or show it again if it was."""
        if on and self._hidden is None:
            layer = self._layer()
            if layer is not None and layer.visible:
                layer.visible, self._hidden = False, layer
        elif not on and self._hidden is not None:
            hidden, self._hidden = self._hidden, None
            hidden.visible = True
