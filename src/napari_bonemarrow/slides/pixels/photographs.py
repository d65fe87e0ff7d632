"""Single fields of a folder as slides."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from cachetools import LRUCache

from napari_bonemarrow.slides.pixels.extra_levels import with_coarser
from napari_bonemarrow.slides.pixels.mosaic import Mosaic
from napari_bonemarrow.slides.slide import Slide

KEPT = 8
"""Number of fields kept with their measurements: up to 12 MB of working grid each."""

_known: WeakKeyDictionary[Slide, LRUCache[int, Slide]] = WeakKeyDictionary()
_lock = threading.RLock()  # the garbage collector may delete a slide in a thread that holds the lock


def photograph(slide: Slide, number: int) -> Slide:
    """Return one of a slide's images as a slide, at the same scale; nothing is read.

    Detection, outlines and crops use it: the neighbour of a field on the canvas is another field, and results
    must not depend on which others there are.

    Parameters
    ----------
    slide : Slide
    number : int
        Index in `Slide.images`.

    Returns
    -------
    Slide
        The slide itself where it is one image. The same object while it is among the most recent.
    """
    if not slide.fields:
        return slide
    with _lock:
        made = _known.setdefault(slide, LRUCache(KEPT))
        found = made.get(number)
        if found is None:
            found = made[number] = _made(slide, number)
        return found


def _made(slide: Slide, number: int) -> Slide:
    field, canvas = slide.fields[number], slide.levels[0]
    if isinstance(canvas, Mosaic):
        level = canvas.sources[number]
    else:
        left, top = round(field.region.x), round(field.region.y)
        level = canvas[top : top + round(field.region.height), left : left + round(field.region.width)]
    levels = with_coarser(field.name, (level,))
    return Slide(slide.path / field.name, levels, slide.scale, slide.fingerprint, slide.vendor)
