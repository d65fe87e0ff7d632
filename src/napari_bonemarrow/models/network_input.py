"""Network input from crops of bytes, fast, with reused threads and memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.models.preprocess import Normaliser, as_floats, resize

_SHARE = 8  # crops resized by a thread at a time
_SENT = 64  # crops sent to a GPU at a time: during a transfer the next ones are copied to pinned memory
_LOTS = 4


class NetworkInput:
    """Reduction and normalisation of crops by a card.

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
        self._sender: _Sender | None = None

    @property
    def threaded(self) -> bool:
        """Return whether crops have been resized in threads so far."""
        return self._pool is not None

    def prepared(self, crops: NDArray[np.uint8]) -> Tensor:
        """Return reduced and normalised crops: (n, s, s, 3) of bytes to (n, 3, m, m) on the device."""
        return self._normalise(as_floats(self.reduced(crops)))

    def reduced(self, crops: NDArray[np.uint8], rows: int = 0) -> Tensor:
        """Return crops reduced to the network's side: (n, s, s, 3) to (n, 3, m, m), bytes on the CPU.

        On a GPU they are padded with black images to `rows`. The next call may overwrite the result.
        """
        whole = torch.from_numpy(np.ascontiguousarray(crops))
        if self._device.type == "cuda":
            if self._sender is None:
                self._sender = _Sender(self._device, whole.shape[1])
            return resize(self._sender.send(whole, max(rows, len(whole))), self._size)
        if whole.device.type == "cpu" and torch.get_num_threads() > 1 and self._size != whole.shape[1]:
            return self._resize_in_threads(whole)
        return resize(whole, self._size)

    def normalised(self, reduced: Tensor) -> Tensor:
        """Return a normalised batch, on the CPU in reused memory: fresh pages cost more than the arithmetic.

        The next call may overwrite the result.
        """
        if self._device.type != "cpu":
            return self._normalise(as_floats(reduced))
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


class _Sender:
    """A sender of crops to a GPU while it computes the previous batch.

    It uses pinned memory and its own stream: a plain ``to`` would wait for the network, and the network then
    for the crops.
    """

    def __init__(self, device: torch.device, side: int) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        with torch.inference_mode(False):  # they are written in either mode
            self._lots = [
                torch.empty(_SENT, side, side, 3, dtype=torch.uint8, pin_memory=True) for _ in range(_LOTS)
            ]
        self._sent = [torch.cuda.Event() for _ in range(_LOTS)]  # type: ignore[no-untyped-call]
        self._turn = 0

    def send(self, crops: Tensor, rows: int) -> Tensor:
        """Return crops of bytes, shape (n, s, s, 3), on the GPU, padded with black ones to `rows`."""
        with torch.cuda.stream(self._stream):
            there = torch.empty(rows, *crops.shape[1:], dtype=torch.uint8, device=self._device)
            there[len(crops) :] = 0
            for start in range(0, len(crops), _SENT):
                part = crops[start : start + _SENT]
                lot, sent = self._lots[self._turn][: len(part)], self._sent[self._turn]
                sent.synchronize()  # the previous transfer is complete
                lot.copy_(part)
                there[start : start + len(part)].copy_(lot, non_blocking=True)
                sent.record(self._stream)
                self._turn = (self._turn + 1) % _LOTS
        here = torch.cuda.current_stream(self._device)
        here.wait_stream(self._stream)
        there.record_stream(here)  # otherwise the next batch might overwrite it too soon
        return there
