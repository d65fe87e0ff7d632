"""Batches of an epoch, augmented ahead, independent of the number of threads and processes.

A batch consists of pieces of at least 16 images, each with its own random numbers, from the seed and its
place. So any thread can make any piece, and each process makes only its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_bonemarrow.system.cores import usable_cores
from napari_bonemarrow.training.config import AugmentConfig, TrainingError
from napari_bonemarrow.training.fitting.augmentation import augment

SMALLEST = 16  # images that share a blur kernel
LARGEST = 64  # a GPU launches kernels for eight of these while it computes the batch before
AHEAD = 2  # batches

T = TypeVar("T")


def pieces_of(batch_size: int) -> int:
    """Return the number of pieces of a batch: eight of 16 to 64 images each, if possible."""
    return max(1, min(batch_size // SMALLEST, max(8, batch_size // LARGEST)))


def share_of(batch_size: int, rank: int, processes: int) -> slice:
    """Return the images of a batch for a process: whole pieces.

    Raises
    ------
    TrainingError
        If there are more processes than pieces.
    """
    pieces = pieces_of(batch_size)
    if processes > pieces:
        raise TrainingError(
            f"a batch of {batch_size} is too small for {processes} processes; "
            f"set batch_size to {SMALLEST * processes} or more, or start fewer processes"
        )
    bounds = _bounds(batch_size, pieces)
    mine = np.array_split(np.arange(pieces), processes)[rank]
    return slice(int(bounds[mine[0]]), int(bounds[mine[-1] + 1]))


def spare_cores(on_gpu: bool, processes_here: int = 1) -> int:
    """Return the number of threads that augment ahead: the cores that torch leaves free.

    On a CPU a thread that shares a core with torch gains nothing.
    """
    cores = max(1, usable_cores() // processes_here)
    if on_gpu:
        return min(8, max(1, cores - 1))
    return min(2, max(0, cores - torch.get_num_threads()))


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, or a process's share of it.

    Attributes
    ----------
    which : ndarray of int, shape (n,)
        Crops.
    images : Tensor of float32, shape (n, 3, size, size)
        Augmented, 0 to 255, on the device.
    """

    which: NDArray[np.intp]
    images: Tensor


@dataclass(frozen=True, slots=True)
class Maker:
    """A maker of the batches of one process.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (n, s, s, 3)
    config : AugmentConfig
    seed : int
    batch_size : int
        Size over all processes.
    device : torch.device
    rank, processes : int
    threads : int
        Threads that augment ahead; 0 augments on demand.
    """

    pixels: NDArray[np.uint8]
    config: AugmentConfig
    seed: int
    batch_size: int
    device: torch.device
    rank: int = 0
    processes: int = 1
    threads: int = 0

    def epoch(self, order: NDArray[np.intp], epoch: int, size: int) -> Generator[Batch]:
        """Yield this process's share of each batch of an epoch.

        Parameters
        ----------
        order : ndarray of int, shape (a multiple of the batch size,)
            Crops in training order.
        epoch : int
        size : int
            Side of the images, px.
        """
        bounds = _bounds(self.batch_size, pieces_of(self.batch_size))
        own = share_of(self.batch_size, self.rank, self.processes)
        jobs = [
            [
                (order[start + a : start + b], (self.seed, epoch, start + a), size)
                for a, b in pairwise(bounds)
                if own.start <= a < own.stop
            ]
            for start in range(0, len(order), self.batch_size)
        ]
        for start, images in zip(
            range(0, len(order), self.batch_size),
            _ahead(self._piece, jobs, self.threads),
            strict=True,
        ):
            yield Batch(order[start + own.start : start + own.stop], torch.cat(images))

    def _piece(self, job: tuple[NDArray[np.intp], tuple[int, int, int], int]) -> Tensor:
        which, place, size = job
        generator = torch.Generator().manual_seed(int(np.random.default_rng(place).integers(2**62)))
        pixels = torch.from_numpy(np.asarray(self.pixels[which]))
        return augment(pixels, size, self.config, generator, self.device)


def _bounds(batch_size: int, pieces: int) -> NDArray[np.intp]:
    return np.array([round(i * batch_size / pieces) for i in range(pieces + 1)])


def _ahead(work: Callable[..., Tensor], batches: list[list[T]], threads: int) -> Iterator[list[Tensor]]:
    """Yield the results of each batch's jobs in order, some batches ahead if there are threads."""
    if not threads:
        for jobs in batches:
            yield [work(job) for job in jobs]
        return

    def calm() -> None:
        torch.set_num_threads(1)  # otherwise each thread would start further threads

    waiting: deque[list[Future[Tensor]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="augment", initializer=calm)
    try:
        for jobs in batches:
            waiting.append([pool.submit(work, job) for job in jobs])
            if len(waiting) > AHEAD:
                yield [future.result() for future in waiting.popleft()]
        while waiting:
            yield [future.result() for future in waiting.popleft()]
    finally:
        pool.shutdown(cancel_futures=True)
