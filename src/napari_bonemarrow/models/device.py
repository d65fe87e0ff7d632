"""Which device serves, what it gains from, and how it says that its memory is used up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from napari_bonemarrow.models.bundles.bundle import BundleError


def resolve_device(device: str = "auto") -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` into a device that exists.

    Raises
    ------
    BundleError
        If CUDA is asked for and absent, or the name is none of these.
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
    """Tell whether the device computes in bfloat16 faster than in float32.

    CUDA from compute capability 8.0 on, and CPUs with AMX or AVX-512 bfloat16 instructions: elsewhere
    bfloat16 is emulated and several times slower.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """Compute in whole float32, so that each device gives the same answer.

    On CUDA, cuDNN's convolutions may round to TF32 (10 bits of mantissa) unless told otherwise; products of
    matrices do not, as torch comes.
    """
    if device.type != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def is_out_of_memory(error: RuntimeError) -> bool:
    """Recognise torch's out-of-memory errors; those of the CPU's allocator and of cuBLAS have no class."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        said in str(error) for said in ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    )


@contextmanager
def repeatable_gradients() -> Iterator[None]:
    """Have the same gradient of one image come out each time, on a CPU too: by a single thread.

    With more than one, oneDNN adds up parts of a gradient in the order in which the threads are done: of 370
    gradients of one crop by two threads 14 differed from the rest, by 2e-7 of the heatmap's peak, while what
    the network answered was the same each time. Neither oneDNN's ``deterministic`` flag nor
    `torch.use_deterministic_algorithms` changes that (torch 2.15). One thread is no slower here, the layers
    behind the one that Grad-CAM reads being small. Of a batch each thread takes images of its own: 21
    SmoothGrads by two threads were alike.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
