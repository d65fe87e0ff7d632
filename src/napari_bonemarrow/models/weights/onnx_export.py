"""Export of a bundle as an ONNX file, for programs without torch."""

from __future__ import annotations

import json
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_bonemarrow.models.bundles.bundle import Bundle, BundleError
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.models.networks.fused_normalisation import fuse
from napari_bonemarrow.models.preprocess import mirrored_mean
from napari_bonemarrow.models.weights.bundle_weights import load_network
from napari_bonemarrow.system.files import draft, why

INPUT, OUTPUT = "images", "probabilities"

_NEEDED = ("onnx", "onnxscript")


class Calibrated(nn.Module):
    """A network from pixels to the calibrated probabilities of `Classifier`.

    Parameters
    ----------
    network : torch.nn.Module
    card : Card
        Its normalisation, mirrored views and temperature are part of the answer.
    """

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.network = network
        self.views, self.temperature = card.test_time_views, card.temperature
        self.mean = nn.Buffer(255 * torch.tensor(card.normalisation.mean).view(1, 3, 1, 1))
        self.std = nn.Buffer(255 * torch.tensor(card.normalisation.std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return probabilities (n, classes) of float32 images (n, 3, m, m) from 0 to 255."""
        logits = mirrored_mean(self.network, (images - self.mean) / self.std, self.views)
        return torch.softmax(logits / self.temperature, dim=1)


def export_onnx(bundle: Bundle | str | Path, out: Path) -> Path:
    """Write a bundle's network with its normalisation, mirrored views, temperature and softmax.

    Parameters
    ----------
    bundle : Bundle, str or Path
        A bundle, its name or its folder.
    out : Path
        The file. It takes ``images``, float32 (n, 3, m, m) of red, green and blue from 0 to 255, reduced
        to the card's `network_size` m, and gives ``probabilities``, float32 (n, classes). The card is in
        its metadata, under ``card``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    BundleError
        If a package is missing, ONNX cannot represent the network, or the file cannot be written.
    """
    bundle = Bundle.open(bundle)
    if not all(find_spec(name) for name in _NEEDED):
        raise BundleError("the export needs onnx; run: pip install 'napari-bonemarrow[onnx]'")
    size = bundle.card.network_size
    whole = Calibrated(fuse(load_network(bundle), size), bundle.card).eval()
    example = torch.rand(2, 3, size, size) * 255
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the exporter
            program = torch.onnx.export(
                whole,
                (example,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes={"images": {0: torch.export.Dim("n")}},
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter raises almost anything
        raise BundleError(f"{bundle.card.name}: cannot be written as ONNX ({_first_line(error)})") from error
    _save(program, bundle, out)
    return out


def _save(program: Any, bundle: Bundle, out: Path) -> None:
    """Write the file atomically, with the card."""
    program.model.metadata_props["card"] = json.dumps(bundle.card.model_dump(mode="json", exclude_none=True))
    program.model.metadata_props["sha256"] = bundle.sha256
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with draft(out) as part:
            program.save(part, external_data=False)
    except OSError as error:
        raise BundleError(f"{out}: cannot be written ({why(error)})") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
