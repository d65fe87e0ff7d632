"""Distributed fit: several processes started by ``torchrun``, on one machine or many.

Each process takes its share of every batch; ``torch.distributed`` sums the gradients when a process has all
of its own. So a process that runs out of memory can repeat its share in smaller parts while the others wait,
which is impossible during a backward pass that already exchanges gradients.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_bonemarrow.models.device import resolve_device
from napari_bonemarrow.training.config import TrainingError

T = TypeVar("T")

PATIENCE = timedelta(hours=4)  # the first process may have a large data set to decode


_joined: list[Group] = []  # at most one: processes join once


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of a run; by default one.

    Attributes
    ----------
    rank, processes : int
    local_rank, local_processes : int
        Rank and number on this machine.
    device : torch.device
        Device of this process.
    """

    device: torch.device
    rank: int = 0
    processes: int = 1
    local_rank: int = 0
    local_processes: int = 1

    @property
    def first(self) -> bool:
        """Return whether this process writes the run's files."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Return whether there is no other process."""
        return self.processes == 1

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over all processes, in one exchange."""
        if self.alone:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch.distributed.all_reduce(flat)
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    @torch.no_grad()
    def average_buffers(self, network: nn.Module) -> None:
        """Average running statistics, which each process computes from its own images."""
        buffers = [b for b in network.buffers() if b.is_floating_point()]
        if self.alone or not buffers:
            return
        self.add_up(buffers)
        for buffer in buffers:
            buffer /= self.processes

    def gather_rows(self, rows: NDArray[Any], n: int) -> NDArray[Any]:
        """Return all rows; row i comes from process ``i % processes``."""
        if self.alone:
            return rows
        parts: list[Any] = [None] * self.processes
        torch.distributed.all_gather_object(parts, rows)
        whole = np.empty((n, *rows.shape[1:]), rows.dtype)
        for rank, part in enumerate(parts):
            whole[rank :: self.processes] = part
        return whole

    def from_first(self, value: T | None) -> T:
        """Return the first process's value in every process."""
        box = [value]
        if not self.alone:
            torch.distributed.broadcast_object_list(box, src=0)
        return box[0]  # type: ignore[return-value]

    def in_turn(self, work: Callable[[], T]) -> T:
        """Return the result of `work`, run first in the first process, then the first of every machine.

        So a cache is filled once if shared, else once per machine.
        """
        if self.alone:
            return work()
        turn = 0 if self.first else 1 if self.local_rank == 0 else 2
        result: T | None = None
        for now in range(3):
            if now == turn:
                result = work()
            torch.distributed.all_reduce(torch.zeros(1))
        return result  # type: ignore[return-value]


def spread_norms(network: nn.Module, group: Group) -> nn.Module:
    """Make batch norms use the batches of all GPUs; on CPUs each process uses its own share."""
    if group.alone or group.device.type == "cpu":
        return network
    from timm import layers

    convert: Any = layers.convert_sync_batchnorm  # type: ignore[attr-defined]
    spread: nn.Module = convert(network)  # torch's own function would lose the activations in timm's norms
    return spread


@contextmanager
def join(device: str) -> Iterator[Group]:
    """Join the processes started by ``torchrun``, or work alone.

    An error ends every process; the first to fail raises it, the others end silently.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "cuda:N"}
        With several processes, each takes the GPU of its rank on its machine.

    Raises
    ------
    TrainingError
        If a process has no GPU of its own, or one GPU is given for all.
    BundleError
        If the device does not exist.
    """
    if _joined:
        yield _joined[-1]
        return
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1 or "RANK" not in os.environ:
        yield Group(resolve_device(device))
        return
    if not torch.distributed.is_available():
        raise TrainingError("this PyTorch was built without torch.distributed; start one process")
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]
    from torch.distributed.rendezvous import rendezvous

    store, rank, processes = next(rendezvous("env://", timeout=PATIENCE))
    failures = PrefixStore("napari_bonemarrow", store)
    try:
        group = _group(device, rank, processes)
        backend = "gloo" if group.device.type == "cpu" else "cpu:gloo,cuda:nccl"
        torch.distributed.init_process_group(
            backend, store=store, rank=rank, world_size=processes, timeout=PATIENCE
        )
        _joined.append(group)
        yield group
        torch.distributed.all_reduce(torch.zeros(1))
        torch.distributed.destroy_process_group()
    except BaseException as error:
        if not _first_to_fail(failures):
            raise SystemExit(1) from None
        if isinstance(error, RuntimeError) and "closed by peer" in str(error):
            raise TrainingError(
                "a process of this run was ended from outside, perhaps out of memory; "
                "start them again with --resume"
            ) from error
        raise
    finally:
        _joined.clear()


def _group(device: str, rank: int, processes: int) -> Group:
    local = int(os.environ.get("LOCAL_RANK", "0"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if device.startswith("cuda:"):
        raise TrainingError(f"--device {device} names one GPU for {processes} processes; say cuda or auto")
    where = resolve_device(device)
    if where.type == "cuda":
        gpus = torch.cuda.device_count()
        if here > gpus:
            raise TrainingError(f"{here} processes for {gpus} GPUs; start {gpus}, or use cpu")
        where = torch.device(f"cuda:{local}")
        torch.cuda.set_device(where)
    return Group(where, rank, processes, local, here)


def _first_to_fail(failures: Any) -> bool:
    try:
        return bool(failures.add("failed", 1) == 1)
    except RuntimeError:  # the process with the store is gone: it failed first
        return False
