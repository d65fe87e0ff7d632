"""Writer of bundles: both files complete, or neither."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from napari_bonemarrow.models.bundles.bundle import CARD, DOMAIN, WEIGHTS, Bundle, BundleError
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.models.networks.architectures import head_key, lookup
from napari_bonemarrow.system.files import put_in_place


def write_bundle(folder: Path, weights: dict[str, Tensor], card: Card, *, half: bool = False) -> Bundle:
    """Write weights and card to a draft, check them, then move them into place.

    Parameters
    ----------
    folder : Path
        The bundle's folder; an older bundle there is replaced.
    weights : dict of str to Tensor
        The network's state.
    card : Card
        Its ``domain`` is left out: statistics are measured later, on the written bundle.
    half : bool
        Store matrices and kernels in float16, which halves the file. Vectors stay float32: biases and norms,
        whose running variances may be small, need little space.

    Raises
    ------
    BundleError
        If card and weights do not match or the folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    card = card.model_copy(update={"domain": None})
    if not lookup(card.architecture).head:
        card = card.model_copy(update={"head": head_key(card.architecture)})
    draft: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".bundle-"))
        whole = {key: as_stored(tensor, half) for key, tensor in weights.items()}
        save_file(whole, draft / WEIGHTS, metadata={"architecture": card.architecture})
        (draft / CARD).write_text(card.model_dump_json(indent=2, exclude_none=True) + "\n", "utf-8")
        Bundle.open(draft)
        folder.mkdir(exist_ok=True)
        for name in (WEIGHTS, CARD):
            (draft / name).chmod(0o644)
            put_in_place(draft / name, folder / name)
        (folder / DOMAIN).unlink(missing_ok=True)  # of an older bundle; the new card has none
    except (OSError, SafetensorError) as error:
        said = getattr(error, "strerror", None) or error
        raise BundleError(f"{folder}: cannot write the bundle there ({said})") from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return Bundle.open(folder)


def as_stored(tensor: Tensor, half: bool) -> Tensor:
    """Return a tensor as stored: in float16 only if no number is too large for it."""
    whole = tensor.detach().cpu().contiguous().clone()
    if half and whole.ndim > 1 and whole.is_floating_point():
        short = whole.half()
        if bool(torch.isfinite(short).all()):
            return short
    return whole
