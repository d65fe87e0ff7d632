"""Redraw of a whole slide when tiles arrive: the bridge from a stream's threads to napari."""

from __future__ import annotations

from functools import partial

from napari.layers import Layer
from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.gui.canvas.tiles.stream import StreamedLevel, TileStream
from napari_bonemarrow.gui.core.destruction import when_destroyed
from napari_bonemarrow.gui.core.timers import single_shot

_THROTTLE_MS = 80
"""Interval of redraws, ms: tiles arrive many times a second, and a redraw for each would delay the next."""


class TileRedraw(QObject):
    """A watcher of one smear's layer; a layer in memory needs none."""

    idle = Signal()
    """Emitted when everything in view is drawn sharply."""
    unreadable = Signal(int)
    """Emitted with the number of unreadable tiles so far."""
    _arrived = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._layer: Layer | None = None
        self._streams: list[TileStream] = []  # at most one; shared with the callback below, which outlives us
        self._failed = 0
        self._timer = single_shot(self, _THROTTLE_MS, self._draw)
        self._arrived.connect(self._on_arrived)
        when_destroyed(self, partial(_deafen, self._streams))

    @property
    def is_idle(self) -> bool:
        """Return whether everything in view has been drawn."""
        return not self._timer.isActive() and not any(stream.busy for stream in self._streams)

    def watch(self, layer: Layer | None) -> None:
        """Watch this layer instead of the previous one, or none."""
        _deafen(self._streams)
        self._streams.clear()
        self._timer.stop()
        self._layer, self._failed = layer, 0
        stream = stream_of(layer) if layer is not None else None
        if stream is not None:
            self._streams.append(stream)
            stream.listen(self._arrived.emit)
            self._timer.start()

    def retry(self) -> None:
        """Request unreadable tiles again."""
        for stream in self._streams:
            stream.retry()
        self._failed = 0
        self.unreadable.emit(0)
        self._draw()

    def _on_arrived(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _draw(self) -> None:
        if self._layer is None or not self._streams:
            return
        stream = self._streams[0]
        settled = not stream.busy
        self._layer.refresh(thumbnail=settled, highlight=False, extent=False)
        if len(stream.failed) != self._failed:
            self._failed = len(stream.failed)
            self.unreadable.emit(self._failed)
        if settled and not stream.busy:
            self.idle.emit()


def stream_of(layer: Layer) -> TileStream | None:
    """Return the stream of a layer's levels, or None for pixels in memory."""
    if not getattr(layer, "multiscale", False):
        return None
    first = layer.data[0]
    return first.stream if isinstance(first, StreamedLevel) else None


def _deafen(streams: list[TileStream]) -> None:
    for stream in streams:
        stream.listen(None)
