"""The preparation of imports for the first smear while the window waits (no Qt).

Together these take seconds on a busy machine: napari's points import pandas, its first layer
makes pint parse its thousand units, and a slide's file needs OpenSlide, tifffile and a codec.
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
        # A daemon: it writes nothing, and napari must not wait for its end.
        threading.Thread(target=prepare, name="warming", daemon=True).start()


def prepare() -> None:
    """Import the modules and parse the units for opening a smear; a second call waits for the first.

    A failed import is reported later by the code that needs the module.
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

            _units = pint.UnitRegistry(on_redefinition="raise")  # as pint creates its own
        _ready = True


def prepare_shapes() -> None:
    """Compile napari's triangulation of shapes, or read it from a cache.

    Otherwise the first shape compiles it on the main thread, for half a second and more; here it is done in
    the thread of the first outline. The function is private to napari: a version may lack it.
    """
    with suppress(ImportError, AttributeError):
        import_module("napari.layers.shapes._accelerated_triangulate_dispatch").warmup_numba_cache()


def is_ready() -> bool:
    """Return whether the preparation is complete."""
    return _ready


def give_units() -> None:
    """Give napari the parsed units, unless it has parsed them itself.

    Only on the main thread: napari's layers compare units, which must all come from one registry.
    """
    if _units is not None and _are_units_unread():
        import pint

        pint.set_application_registry(_units)


def _are_units_unread() -> bool:
    """Return whether pint's registry is still unused, since it is parsed on first use."""
    import pint
    from pint.registry import LazyRegistry

    return isinstance(pint.get_application_registry().get(), LazyRegistry)
