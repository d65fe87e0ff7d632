"""Files of weights from others, read without running code from them."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_bonemarrow.models.bundles.bundle import BundleError

_NESTED = ("teacher", "state_dict", "model_state_dict", "model")


def read_checkpoint(file: Path) -> dict[str, Tensor]:
    """Return names and tensors of a PyTorch or safetensors file, recognised by content.

    Parameters
    ----------
    file : Path
        Only weights, or a dictionary with them under ``teacher``, ``state_dict`` or ``model``.

    Returns
    -------
    dict of str to Tensor
        Without the prefix ``module.`` of parallel training.

    Raises
    ------
    BundleError
        If the file contains code, is damaged or has no weights.
    """
    if not file.is_file():
        raise BundleError(f"{file}: no such file; give a .pt, .pth or .safetensors file")
    document: Any
    try:
        if _is_safetensors(file):
            from safetensors.torch import load_file

            document = load_file(file)
        else:
            document = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BundleError(
            f"{file}: carries code or more than weights and was not loaded; save its state_dict alone"
        ) from error
    except Exception as error:  # a damaged file raises almost anything
        raise BundleError(f"{file}: cannot be read as a checkpoint; is it whole?") from error
    for key in _NESTED:
        if isinstance(document, dict) and isinstance(document.get(key), dict):
            document = document[key]
            break
    if not isinstance(document, dict) or not document or not _all_tensors(document.values()):
        raise BundleError(f"{file}: holds no dictionary of weights; save its state_dict alone")
    return {str(key).removeprefix("module."): value for key, value in document.items()}


def _is_safetensors(file: Path) -> bool:
    """Return whether a header begins with a brace after eight bytes of length."""
    with file.open("rb") as opened:
        return opened.read(9)[8:] == b"{"


def _all_tensors(values: Iterable[object]) -> bool:
    return all(isinstance(value, Tensor) for value in values)


def check_keys(file: Path, given: dict[str, Tensor], wanted: dict[str, Tensor], what: str) -> None:
    """Check that a file has exactly the tensors of a network.

    Parameters
    ----------
    file : Path
    given, wanted : dict of str to Tensor
        The file's tensors under the network's names, and the network's.
    what : str
        The network's name for messages.

    Raises
    ------
    BundleError
        In one line: a missing, unknown, misshapen or not finite tensor.
    """
    missing, unknown = wanted.keys() - given.keys(), given.keys() - wanted.keys()
    if missing or unknown:
        faults = [f"lacks {_some(missing)}"] if missing else []
        faults += [f"holds {_some(unknown)} that has no place there"] if unknown else []
        raise BundleError(f"{file}: not weights of {what}: {', and '.join(faults)}; name its architecture")
    for name, tensor in given.items():
        if tensor.shape != wanted[name].shape:
            raise BundleError(
                f"{file}: not weights of {what}: {name} is {_by(tensor)}, not {_by(wanted[name])}; "
                "name its architecture"
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise BundleError(f"{file}: {name} holds NaN or infinity; fetch the file again")


def _some(names: Collection[str]) -> str:
    first = sorted(names)[0]
    return first if len(names) == 1 else f"{first} and {len(names) - 1} more"


def _by(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
