"""What the first smear needs is got ready while the window waits for it (no Qt).

Together these take seconds where the machine is busy: napari's points import pandas, its first layer of
any kind has pint parse its thousand units, and a slide's file needs OpenSlide, tifffile and a codec.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

_MODULES = (
    "pandas",
    "tifffile",
    "imagecodecs._jpeg8",
    "imagecodecs._shared",
    "pydicom",
    "napari_bonemarrow.slides.formats.openslide.openslide_image",
    "napari_bonemarrow.slides.formats.tiff.tiff_file",
    "napari_bonemarrow.slides.formats.raster_files",
)

_lock = threading.Lock()
_units: Any = None
_begun = _ready = False


def begin() -> None:
    """Prepare in a thread, once in a process."""
    global _begun
    if not _begun:
        _begun = True
        # A daemon: it writes nothing, and napari shall not wait for it to end.
        threading.Thread(target=prepare, name="warming", daemon=True).start()


def prepare() -> None:
    """Import and parse what opening a smear needs; whoever comes second waits for the first.

    What cannot be imported is left to where it is used, which says what is wrong.
    """
    global _units, _ready
    with _lock:
        if _ready:
            return
        for name in _MODULES:
            with suppress(ImportError):
                import_module(name)
        with suppress(OSError):  # the process that reads whole slides takes a third of a second to start
            import_module("napari_bonemarrow.slides.formats.openslide.openslide_process").readers.warm()
        if _are_units_unread():
            import pint

            _units = pint.UnitRegistry(on_redefinition="raise")  # as pint makes its own
        _ready = True


def prepare_shapes() -> None:
    """Have napari compile what its shapes are cut into triangles by, or read it from a cache.

    It does so when the first shape is made, on the main thread, for half a second and more; here in the
    thread that comes with the first outline. napari keeps the function to itself: a version may lack it.
    """
    with suppress(ImportError, AttributeError):
        import_module("napari.layers.shapes._accelerated_triangulate_dispatch").warmup_numba_cache()


def is_ready() -> bool:
    """Tell whether all that can be got ready is."""
    return _ready


def give_units() -> None:
    """Give napari the units that were read, unless it has read them itself by now.

    On the main thread only: napari's layers compare units, which must all come from one registry.
    """
    if _units is not None and _are_units_unread():
        import pint

        pint.set_application_registry(_units)


def _are_units_unread() -> bool:
    """Tell whether nobody has asked pint's registry for anything yet: its parsing waits for that."""
    import pint
    from pint.registry import LazyRegistry

    return isinstance(pint.get_application_registry().get(), LazyRegistry)
