"""Layers that are hidden instead of removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from napari.layers import Layer

AnyLayer = TypeVar("AnyLayer", bound=Layer)


class ReusableLayer(Generic[AnyLayer]):
    """A layer that is made on first use and then kept.

    napari needs a fifth of a second to remove a layer and as long to add one, and a reviewer goes to another
    cell every second.
    """

    def __init__(self) -> None:
        self.layer: AnyLayer | None = None
        self._wanted = self._covered = False

    def show(self) -> None:
        """Show the layer, now or when it is no longer covered."""
        self._wanted = True
        self._follow()

    def hide(self) -> None:
        """Hide the layer."""
        self._wanted = False
        self._follow()

    def cover(self, on: bool) -> None:
        """Cover the layer, whatever is drawn meanwhile, or uncover it."""
        self._covered = on
        self._follow()

    def _follow(self) -> None:
        visible = self._wanted and not self._covered
        if self.layer is not None and self.layer.visible != visible:
            self.layer.visible = visible

    def forget(self) -> None:
        """Forget the layer, before the next smear."""
        self.layer, self._wanted = None, False


class Cover:
    """A temporary cover of a layer, which restores its visibility.

    Parameters
    ----------
    layer : callable
        Returns the layer, or None without one.
    """

    def __init__(self, layer: Callable[[], Layer | None]) -> None:
        self._layer = layer
        self._hidden: Layer | None = None

    def cover(self, on: bool) -> None:
        """Hide a visible layer, or restore it."""
        if on and self._hidden is None:
            layer = self._layer()
            if layer is not None and layer.visible:
                layer.visible, self._hidden = False, layer
        elif not on and self._hidden is not None:
            hidden, self._hidden = self._hidden, None
            hidden.visible = True
