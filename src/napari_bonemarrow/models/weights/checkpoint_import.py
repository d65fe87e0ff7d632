"""Import of a PyTorch checkpoint as a bundle, without running code from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL, CROP_SIZE
from napari_bonemarrow.models.bundles.bundle import Bundle, BundleError, card_fault, check_name, user_models
from napari_bonemarrow.models.bundles.card import Card, Normalisation
from napari_bonemarrow.models.bundles.catalogue import BACKBONE_SIZE
from napari_bonemarrow.models.bundles.checkpoint_file import read_checkpoint
from napari_bonemarrow.models.networks.architectures import build, lookup
from napari_bonemarrow.models.networks.pretrained import IMAGENET_NORMALISATION
from napari_bonemarrow.models.weights.bundle_writer import write_bundle


def import_checkpoint(
    file: str | Path,
    *,
    architecture: str,
    name: str | None = None,
    classes: Sequence[str] = BMC21,
    trained: Sequence[str] = (),
    crop_size: int = CROP_SIZE,
    network_size: int | None = None,
    microns_per_pixel: float = CROP_MICRONS_PER_PIXEL,
    normalisation: Normalisation = IMAGENET_NORMALISATION,
    out: str | Path | None = None,
) -> Bundle:
    """Convert a ``.pt``/``.pth`` checkpoint or a safetensors file into a bundle.

    Parameters
    ----------
    file : path
        Only weights, or a dictionary with them under ``state_dict`` or ``model``.
    architecture : str
        A name in `ARCHITECTURES`, or ``timm:NAME``.
    name : str, optional
        The bundle's name; the file's stem if not given.
    classes : sequence of str
        Codes in the order of the network's outputs.
    trained : sequence of str
        Classes known to have been trained on at least 100 marrow crops. The others get support
        ``none``: a checkpoint does not state its training data, and a false zero is worse than no figure.
    crop_size : int
    network_size : int, optional
        By default the crop's size; for a backbone its training size.
    microns_per_pixel : float
    normalisation : Normalisation
    out : path, optional
        The bundle's folder; by default among the user's models.

    Raises
    ------
    BundleError
        If the file contains code, is damaged, or is not this network.
    """
    file = Path(file)
    name = file.stem if name is None else name
    folder = Path(out) if out else user_models() / check_name(name)
    unknown = sorted(set(trained) - set(classes))
    if unknown:
        raise BundleError(f"{', '.join(unknown)}: said to be trained but not a class; correct the list")
    weights = read_checkpoint(file)
    if network_size is None:
        network_size = BACKBONE_SIZE if lookup(architecture).backbone else crop_size
    network = build(architecture, len(classes))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise BundleError(
            f"{file}: holds no weights of a {architecture} with {len(classes)} classes; "
            "name its architecture and classes"
        ) from error
    try:
        card = Card(
            name=name,
            architecture=architecture,
            classes=tuple(classes),
            crop_size=crop_size,
            network_size=network_size,
            microns_per_pixel=microns_per_pixel,
            normalisation=normalisation,
            temperature=1.0,
            support={code: Support.TRAINED if code in trained else Support.NONE for code in classes},
            limits=("Imported: its training data and figures are not known here.",),
        )
    except ValidationError as error:
        raise BundleError(f"{file}: {card_fault(error)}; correct the options") from error
    state: dict[str, Tensor] = network.state_dict()
    return write_bundle(folder, state, card)
