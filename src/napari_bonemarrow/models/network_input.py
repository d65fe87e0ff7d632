"""Crops of bytes become the network's input fast, in threads and in memory that are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_bonemarrow.models.card import Card
from napari_bonemarrow.models.preprocess import Normaliser, resize

_SHARE = 8  # crops that a thread resizes at a time


class NetworkInput:
    """Reduces and normalises crops as a card says.

    Parameters
    ----------
    card : Card
    device : torch.device
        Where the network runs.
    """

    def __init__(self, card: Card, device: torch.device) -> None:
        self._size, self._device = card.network_size, device
        self._normalise = Normaliser(card.normalisation, device)
        self._pool: ThreadPoolExecutor | None = None
        self._bytes: Tensor | None = None
        self._room: Tensor | None = None

    @property
    def threaded(self) -> bool:
        """Whether crops have been resized in threads so far."""
        return self._pool is not None

    def prepared(self, crops: NDArray[np.uint8]) -> Tensor:
        """Reduce and normalise crops: (n, s, s, 3) of bytes to (n, 3, m, m) on the device."""
        return self._normalise(self.reduced(crops).float())

    def reduced(self, crops: NDArray[np.uint8]) -> Tensor:
        """Reduce crops to the network's side: (n, s, s, 3) to (n, 3, m, m), bytes on the CPU.

        What it returns may be overwritten by the next call.
        """
        whole = torch.from_numpy(np.ascontiguousarray(crops)).to(self._device)
        if whole.device.type == "cpu" and torch.get_num_threads() > 1 and self._size != whole.shape[1]:
            return self._resize_in_threads(whole)
        return resize(whole, self._size)

    def normalised(self, reduced: Tensor) -> Tensor:
        """Normalise a batch, on the CPU in memory that is kept: fresh pages cost more than the sums.

        What it returns may be overwritten by the next call.
        """
        if self._device.type != "cpu":
            return self._normalise(reduced.float())
        if self._room is None or self._room.shape[1:] != reduced.shape[1:] or len(self._room) < len(reduced):
            self._room = torch.empty_like(reduced, dtype=torch.float32, memory_format=torch.channels_last)
        images = self._room[: len(reduced)].copy_(reduced)
        return self._normalise(images, out=images)

    def _resize_in_threads(self, crops: Tensor) -> Tensor:
        """Resize a few crops at a time in threads: torch resizes bytes fast, but on one core."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="crops")
        n, size = len(crops), self._size
        if self._bytes is None or len(self._bytes) < n:
            self._bytes = torch.empty(n, 3, size, size, dtype=torch.uint8, memory_format=torch.channels_last)
        reduced = self._bytes[:n]

        def fill(start: int) -> None:
            part = slice(start, start + _SHARE)
            with torch.inference_mode():
                reduced[part] = resize(crops[part], size)

        list(self._pool.map(fill, range(0, n, _SHARE)))
        return reduced
