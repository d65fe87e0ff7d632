"""Devices: choice, precision and out-of-memory errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from napari_bonemarrow.models.bundles.bundle import BundleError


def resolve_device(device: str = "auto") -> torch.device:
    """Return an existing device for ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises
    ------
    BundleError
        If CUDA is requested and absent, or the name is another one.
    """
    if device == "cpu":
        return torch.device("cpu")
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    name, _, number = device.partition(":")
    if name != "cuda" or (":" in device and not number.isdigit()):
        raise BundleError(f"device {device!r}: choose auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        raise BundleError(f"device {device!r}: this machine offers PyTorch no CUDA GPU; use cpu or auto")
    index = int(number or 0)
    if index >= count:
        raise BundleError(f"device {device!r}: there are {count} CUDA GPUs; the last is cuda:{count - 1}")
    return torch.device(f"cuda:{index}")


def gains_from_bfloat16(device: torch.device) -> bool:
    """Return whether the device is faster in bfloat16 than in float32.

    CUDA from compute capability 8.0 on, and CPUs with AMX or AVX-512 bfloat16 instructions: elsewhere
    bfloat16 is emulated and several times slower.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """Compute in full float32, so that all devices give the same results.

    On CUDA, cuDNN's convolutions may round to TF32 (10 bits of mantissa) by default; products of matrices do
    not.
    """
    if device.type != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether an error is out-of-memory; those of the CPU's allocator and cuBLAS have no class."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        said in str(error) for said in ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    )


@contextmanager
def repeatable_gradients() -> Iterator[None]:
    """Make gradients of one image repeatable on a CPU, by a single thread.

    With more, oneDNN sums parts of a gradient in the order in which threads finish: of 370 gradients of one
    crop by two threads 14 differed, by 2e-7 of the heatmap's peak, while the network's output was always the
    same. Neither oneDNN's ``deterministic`` flag nor `torch.use_deterministic_algorithms` changes that (torch
    2.15). One thread is not slower here, since the layers after Grad-CAM's are small. In a batch each thread
    has its own images: 21 SmoothGrads by two threads were equal.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
