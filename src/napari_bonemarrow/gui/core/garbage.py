"""Python's collector of garbage leaves alone what is there for as long as a smear is open (no Qt).

A full collection looks at every object that there is. In a window of napari's these are some 400,000, most of
which live as long as it does: 0.1 to 0.2 s in which no key is heard, every few hundred keys. What is there
when a smear has been opened is therefore set apart (`gc.freeze`), and taken up again when it is left, so that
nothing that becomes garbage stays for longer than one review.
"""

from __future__ import annotations

import gc


def set_apart() -> None:
    """Have the collector leave alone what is there by now."""
    gc.freeze()


def take_up() -> None:
    """Have the collector look at everything again."""
    gc.unfreeze()
