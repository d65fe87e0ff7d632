"""The exclusion of existing objects from garbage collection while a smear is open (no Qt).

A full collection examines every object. A napari window has some 400,000, most of
which live as long as it does: 0.1 to 0.2 s without response to keys, every few hundred keys. The objects that
exist when a smear has been opened are therefore frozen (`gc.freeze`), and unfrozen when it is closed, so that
no garbage stays for longer than one review.
"""

from __future__ import annotations

import gc


def set_apart() -> None:
    """Exclude all existing objects from garbage collection."""
    gc.freeze()


def take_up() -> None:
    """Include all objects in garbage collection again."""
    gc.unfreeze()
