"""Cache of thumbnails, cut in a thread, visible cells first."""

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
"""Side of a thumbnail's square, µm: that of the model's crop."""

_BATCH = 8
"""Crops per batch: about 10 ms, so that newly visible cells do not wait."""
_ROOM = 128 * 2**20
"""Size of the cache, bytes: about 3,000 thumbnails of 100 px."""


class _Answers(QObject):
    """A carrier of crops to the window's thread, kept alive by the cutting thread."""

    cut = Signal(int, object)  # generation of the slide, list of (cell, QImage or None)


class _Cutter:
    """A thread that cuts the wanted crops, batch by batch.

    Not one of Qt's pools: a pool waits for its threads when it is destroyed, and if Python's garbage
    collector destroys it, it holds the lock that they need and waits forever.
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
        """Return the slide."""
        return self._slide

    def open(self, slide: Slide | None) -> None:
        """Set the slide, or none."""
        with self._lock:
            self._slide = slide
            self.generation += 1
            self._wanted, self._cutting = [], frozenset()  # the present batch will be discarded

    def want(self, missing: list[Place], size: int) -> None:
        """Set the wanted cells, in this order, instead of earlier ones."""
        with self._lock:
            if size == self._size:
                missing = [each for each in missing if each[0] not in self._cutting]
            self._wanted, self._size = missing, size
            readable = self._slide is not None and self._slide.scale is not None
            if missing and readable and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="crops", daemon=True)
                self._thread.start()

    def stop(self, *_ignored: object) -> None:
        """Stop cutting."""
        self.open(None)

    def wait(self) -> None:
        """Wait until the thread is idle; its crops arrive with the next events."""
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

    `get` never waits: it returns a cached thumbnail, and `want` requests them. The newest request replaces
    the one before, so that cells scrolled past are not cut.

    Parameters
    ----------
    room : int
        Size in bytes; the least recently used are dropped first.
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
        """Return a thumbnail, perhaps of another size than wanted, or None."""
        return self._kept.get(cell_id)

    def is_unreadable(self, cell_id: int) -> bool:
        """Return whether a cell lies in an unreadable part of the slide."""
        return cell_id in self._unreadable

    @property
    def used(self) -> int:
        """Return the bytes in the cache."""
        return int(self._kept.currsize)

    # requests -------------------------------------------------------------------------------------

    def open(self, slide: Slide | None) -> None:
        """Set the slide, or none."""
        self._cutter.open(slide)
        self.forget()

    def follow(self, slide: Slide) -> None:
        """Set a slide unless it is the present one.

        A slide with a newly confirmed scale is another one: it could not be cut before.
        """
        if slide is not self._cutter.slide:
            self.open(slide)

    def forget(self, cell_ids: Iterable[int] | None = None) -> None:
        """Drop some thumbnails, or all."""
        if cell_ids is None:
            self._kept.clear()
            self._unreadable.clear()
            return
        for cell in cell_ids:
            self._kept.pop(cell, None)
            self._unreadable.discard(cell)

    def want(self, places: Mapping[int, tuple[float, float]], size: int) -> None:
        """Request thumbnails in this order; earlier requests that are not cut yet are dropped.

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
        """Stop cutting, and wait for the present batch."""
        self.open(None)
        self.wait()

    def wait(self) -> None:
        """Wait until nothing is being cut; crops arrive with the next events."""
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
    """Return the images of a batch; None for an unreadable cell."""
    ids, x, y = zip(*batch, strict=True)
    try:
        crops, readable = cut_readable(slide, x, y, microns_per_pixel=SPAN_UM / size, size=size)
    except (BoneMarrowError, OSError):  # none readable; the file or drive may be gone
        return [(cell, None) for cell in ids]
    cut = iter(crops)
    return [(cell, _image(next(cut)) if can else None) for cell, can in zip(ids, readable, strict=True)]


def _image(crop: NDArray[np.uint8]) -> QImage:
    """Return a crop in the screen's format, so that a pixmap of it is cheap."""
    return image_of(crop).convertToFormat(QImage.Format.Format_RGB32)
