"""Thumbnails of cells, cut off the GUI thread, what is in view first, and kept while there is room."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage, QPixmap

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.widgets.images import image_of
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.slides.pixels.crops import cut_readable

Place = tuple[int, float, float]
"""A cell and its centre, level-0 px."""

SPAN_UM = 25.0
"""Side of the square that a thumbnail shows, µm: that of the crop which the model is given."""

_BATCH = 8
"""Crops cut in one go: some 10 ms, so that what comes into view meanwhile is not kept waiting."""
_ROOM = 128 * 2**20
"""Bytes of thumbnails that are kept: some 3,000 of 100 px."""


class _Answers(QObject):
    """Carries what was cut to the window's thread. It lives as long as the thread that cuts holds it."""

    cut = Signal(int, object)  # generation of the slide, list of (cell, QImage or None)


class _Cutter:
    """Cuts what is wanted in a thread of its own, batch after batch.

    Not in a pool of Qt's: a pool waits for its threads when it is destroyed, and where Python's collector of
    garbage destroys it, it waits with the lock that they need to end, for ever.
    """

    def __init__(self) -> None:
        self.answers = _Answers()
        self.generation = 0
        self._slide: Slide | None = None
        self._lock = threading.Lock()
        self._wanted: list[Place] = []
        self._cutting: frozenset[int] = frozenset()
        self._size = 100
        self._thread: threading.Thread | None = None

    @property
    def slide(self) -> Slide | None:
        """What is cut from."""
        return self._slide

    def open(self, slide: Slide | None) -> None:
        """Cut from another slide, or from none."""
        with self._lock:
            self._slide = slide
            self.generation += 1
            self._wanted, self._cutting = [], frozenset()  # what is just being cut will not be taken

    def want(self, missing: list[Place], size: int) -> None:
        """Cut these, in this order, instead of what was wanted before."""
        with self._lock:
            if size == self._size:
                missing = [each for each in missing if each[0] not in self._cutting]
            self._wanted, self._size = missing, size
            readable = self._slide is not None and self._slide.scale is not None
            if missing and readable and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="crops", daemon=True)
                self._thread.start()

    def stop(self, *_ignored: object) -> None:
        """Cut nothing more."""
        self.open(None)

    def wait(self) -> None:
        """Wait until the thread rests; what it cut arrives with the next events."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                batch, self._wanted = self._wanted[:_BATCH], self._wanted[_BATCH:]
                slide, size, generation = self._slide, self._size, self.generation
                self._cutting = frozenset(cell for cell, _x, _y in batch)
                if not batch or slide is None:
                    self._thread = None
                    return
            self.answers.cut.emit(generation, _images(slide, batch, size))


class CropCache(QObject):
    """The thumbnails of one slide.

    `get` never waits: it returns what there is, and `want` says what shall be there. The newest wish
    replaces the one before, so that cells scrolled past are not cut.

    Parameters
    ----------
    room : int
        Bytes of pixels that are kept; those not looked at for longest go first.
    """

    arrived = Signal(object)  # tuple of cell numbers

    def __init__(self, parent: QObject | None = None, room: int = _ROOM) -> None:
        super().__init__(parent)
        self._kept: LRUCache[int, QPixmap] = LRUCache(room, _bytes_of)
        self._unreadable: set[int] = set()
        self._cutter = _Cutter()
        self._cutter.answers.cut.connect(self._take)
        self.destroyed.connect(self._cutter.stop)

    # what there is --------------------------------------------------------------------------------

    def get(self, cell_id: int) -> QPixmap | None:
        """Return a thumbnail, perhaps of another size than is wanted now, or None."""
        return self._kept.get(cell_id)

    def is_unreadable(self, cell_id: int) -> bool:
        """Tell whether a cell lies where the slide cannot be read."""
        return cell_id in self._unreadable

    @property
    def used(self) -> int:
        """Bytes that are kept."""
        return int(self._kept.currsize)

    # what is wanted -------------------------------------------------------------------------------

    def open(self, slide: Slide | None) -> None:
        """Show another slide, or none."""
        self._cutter.open(slide)
        self.forget()

    def follow(self, slide: Slide) -> None:
        """Open a slide unless it is the one that is open.

        A slide whose scale has been confirmed is another one: nothing could be cut of it before.
        """
        if slide is not self._cutter.slide:
            self.open(slide)

    def forget(self, cell_ids: Iterable[int] | None = None) -> None:
        """Let go of some thumbnails, or of all."""
        if cell_ids is None:
            self._kept.clear()
            self._unreadable.clear()
            return
        for cell in cell_ids:
            self._kept.pop(cell, None)
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
        self._cutter.want(missing, size)

    def close(self) -> None:
        """Stop cutting, and wait for the crops that are being cut."""
        self.open(None)
        self.wait()

    def wait(self) -> None:
        """Wait until nothing is being cut; what was cut arrives with the next events."""
        self._cutter.wait()

    def _has(self, cell_id: int, size: int) -> bool:
        if cell_id in self._unreadable:
            return True
        found = self._kept.get(cell_id)
        return found is not None and found.width() == size

    def _take(self, generation: int, images: list[tuple[int, QImage | None]]) -> None:
        if generation != self._cutter.generation:
            return
        for cell, image in images:
            if image is None:
                self._kept.pop(cell, None)
                self._unreadable.add(cell)
            else:
                self._kept[cell] = QPixmap.fromImage(image)
        self.arrived.emit(tuple(cell for cell, _image in images))


def _bytes_of(thumbnail: QPixmap) -> int:
    return thumbnail.width() * thumbnail.height() * 4


def _images(slide: Slide, batch: list[Place], size: int) -> list[tuple[int, QImage | None]]:
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
    return image_of(crop).convertToFormat(QImage.Format.Format_RGB32)
