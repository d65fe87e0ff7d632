"""One photograph of a folder, looked at as if it were alone."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from cachetools import LRUCache

from napari_bonemarrow.slides.pixels.extra_levels import with_coarser
from napari_bonemarrow.slides.pixels.mosaic import Mosaic
from napari_bonemarrow.slides.slide import Slide

KEPT = 8
"""Photographs of a folder that are kept with what was measured of them: up to 12 MB of working grid each."""

_known: WeakKeyDictionary[Slide, LRUCache[int, Slide]] = WeakKeyDictionary()
_lock = threading.RLock()  # the collector may end a slide in a thread that holds it


def photograph(slide: Slide, number: int) -> Slide:
    """Return one of a slide's images as a slide of its own, at the same scale; nothing is read.

    Cells are found and outlined, and crops cut, in it: what lies beside a photograph on the canvas is another
    one, and what is found in it does not depend on which others there are.

    Parameters
    ----------
    slide : Slide
    number : int
        Of `Slide.images`, from 0.

    Returns
    -------
    Slide
        The slide itself where it is one image. The same one while it is among those asked for last.
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
