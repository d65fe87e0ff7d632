"""Keys that napari looks up quickly."""

from __future__ import annotations

from functools import lru_cache

from app_model.types import KeyBinding
from napari.utils.key_bindings import coerce_keybinding


class QuickKey(KeyBinding):
    """A key that knows its hash.

    At each key press napari puts every key of the viewer and of the active layer into new tables, several
    times, and spells each of them for its hash: 2 ms for the keys of the review.
    """

    def __init__(self, key: str) -> None:
        super().__init__(parts=coerce_keybinding(key).parts)
        self._hash = hash(str(self))

    def __hash__(self) -> int:
        return self._hash


@lru_cache(maxsize=512)
def quick_key(key: str) -> QuickKey:
    """Return a key for napari's ``bind_key``, always the same for the same text."""
    return QuickKey(key)
