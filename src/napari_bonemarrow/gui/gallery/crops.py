"""Thumbnails of cells, cut off the GUI thread, what is in view first, and kept while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QRunnable, QThreadPool, Signal
from qtpy.QtGui import QImage, QPixmap

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.slides.crops import cut_readable

SPAN_UM = 25.0
"""Side of the square that a thumbnail shows, µm: that of the crop which the model is given."""

_BATCH = 8
"""Crops cut in one go: some 10 ms, so that what comes into view meanwhile is not kept waiting."""
_ROOM = 128 * 2**20
"""Bytes of thumbnails that are kept: some 3,000 of 100 px."""


class CropStore(QObject):
    """The thumbnails of one slide.

    `get` never waits: it returns what there is, and `want` says what shall be there. The newest wish
    replaces the one before, so that cells scrolled past are not cut.

    Parameters
    ----------
    room : int
        Bytes of pixels that are kept; those not looked at for longest go first.
    """

    arrived = Signal(object)  # tuple of cell numbers

    _cut = Signal(int, object)  # generation of the slide, list of (cell, QImage or None)

    def __init__(self, parent: QObject | None = None, room: int = _ROOM) -> None:
        super().__init__(parent)
        self.room = room
        self._slide: Slide | None = None
        self._generation = 0
        self._kept: OrderedDict[int, tuple[QPixmap, int]] = OrderedDict()
        self._unreadable: set[int] = set()
        self._used = 0
        self._lock = threading.Lock()
        self._wanted: list[tuple[int, float, float]] = []
        self._cutting: frozenset[int] = frozenset()
        self._size, self._running = 100, False
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._cut.connect(self._take)

    # what there is --------------------------------------------------------------------------------

    def get(self, cell_id: int) -> QPixmap | None:
        """Return a thumbnail, perhaps of another size than is wanted now, or None."""
        found = self._kept.get(cell_id)
        if found is None:
            return None
        self._kept.move_to_end(cell_id)
        return found[0]

    def is_unreadable(self, cell_id: int) -> bool:
        """Tell whether a cell lies where the slide cannot be read."""
        return cell_id in self._unreadable

    @property
    def used(self) -> int:
        """Bytes that are kept."""
        return self._used

    # what is wanted -------------------------------------------------------------------------------

    def open(self, slide: Slide | None) -> None:
        """Show another slide, or none."""
        with self._lock:
            self._slide = slide
            self._generation += 1
            self._wanted, self._cutting = [], frozenset()  # what is just being cut will not be taken
        self.forget()

    def follow(self, slide: Slide) -> None:
        """Open a slide unless it is the one that is open.

        A slide whose scale has been confirmed is another one: nothing could be cut of it before.
        """
        if slide is not self._slide:
            self.open(slide)

    def forget(self, cell_ids: Iterable[int] | None = None) -> None:
        """Let go of some thumbnails, or of all."""
        if cell_ids is None:
            self._kept.clear()
            self._unreadable.clear()
            self._used = 0
            return
        for cell in cell_ids:
            self._drop(cell)
            self._unreadable.discard(cell)

    def want(self, places: Mapping[int, tuple[float, float]], size: int) -> None:
        """Ask for thumbnails in this order; what was asked for before and has not been cut is let go.

        Parameters
        ----------
        places : mapping of int to (float, float)
            Centre of each cell, level-0 px.
        size : int
            Side of a thumbnail, px of the screen.
        """
        missing = [(cell, x, y) for cell, (x, y) in places.items() if not self._has(cell, size)]
        with self._lock:
            if size == self._size:
                missing = [each for each in missing if each[0] not in self._cutting]
            self._wanted, self._size = missing, size
            start = bool(missing) and not self._running and self._is_readable()
            self._running = self._running or start
        if start:
            self._pool.start(_Cutting(self))

    def close(self) -> None:
        """Stop cutting, and wait for the crops that are being cut."""
        self.open(None)
        self._pool.waitForDone()

    def wait(self) -> None:
        """Wait until the worker rests; what it cut arrives with the next events."""
        self._pool.waitForDone()

    def _is_readable(self) -> bool:
        return self._slide is not None and self._slide.scale is not None

    def _has(self, cell_id: int, size: int) -> bool:
        if cell_id in self._unreadable:
            return True
        found = self._kept.get(cell_id)
        return found is not None and found[0].width() == size

    # the worker -----------------------------------------------------------------------------------

    def work(self) -> None:
        """Cut what is wanted, batch after batch; runs in the pool."""
        while True:
            with self._lock:
                batch, self._wanted = self._wanted[:_BATCH], self._wanted[_BATCH:]
                slide, size, generation = self._slide, self._size, self._generation
                self._cutting = frozenset(cell for cell, _x, _y in batch)
                if not batch or slide is None:
                    self._running = False
                    return
            self._cut.emit(generation, _images(slide, batch, size))

    def _take(self, generation: int, images: list[tuple[int, QImage | None]]) -> None:
        if generation != self._generation:
            return
        for cell, image in images:
            self._drop(cell)
            if image is None:
                self._unreadable.add(cell)
                continue
            pixmap = QPixmap.fromImage(image)
            size = image.sizeInBytes()
            self._kept[cell] = (pixmap, size)
            self._used += size
        while self._used > self.room and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))
        self.arrived.emit(tuple(cell for cell, _image in images))

    def _drop(self, cell_id: int) -> None:
        before = self._kept.pop(cell_id, None)
        if before is not None:
            self._used -= before[1]


class _Cutting(QRunnable):
    def __init__(self, store: CropStore) -> None:
        super().__init__()
        self._store = store

    def run(self) -> None:
        self._store.work()


def _images(
    slide: Slide, batch: list[tuple[int, float, float]], size: int
) -> list[tuple[int, QImage | None]]:
    """Cut a batch; None for a cell that cannot be read."""
    ids, x, y = zip(*batch, strict=True)
    try:
        crops, readable = cut_readable(slide, x, y, microns_per_pixel=SPAN_UM / size, size=size)
    except (BoneMarrowError, OSError):  # none of them; the file may be gone with its drive
        return [(cell, None) for cell in ids]
    cut = iter(crops)
    return [(cell, _image(next(cut)) if can else None) for cell, can in zip(ids, readable, strict=True)]


def _image(crop: NDArray[np.uint8]) -> QImage:
    """Copy a crop into the format that the screen has, so that a pixmap of it costs nothing."""
    height, width = crop.shape[:2]
    data = np.ascontiguousarray(crop)
    image = QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.convertToFormat(QImage.Format.Format_RGB32)
