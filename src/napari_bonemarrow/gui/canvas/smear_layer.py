"""Smears as layers of napari (no Qt)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Slide


METADATA_KEY = "napari_bonemarrow"
"""Key in a layer's metadata for its smear; the panel adopts such a layer."""
CASE_SUFFIX = ".bmcase"
LayerData = tuple[Any, dict[str, Any], str]


def slide_layer(slide: Slide, case_path: Path | None = None) -> LayerData:
    """Return a slide as data of napari's Image layer.

    Returns
    -------
    data, keywords, "image"
        ``scale`` is in µm if the slide's is known.
    """
    from napari_bonemarrow.gui.canvas.tiles.stream import TileStream
    from napari_bonemarrow.gui.canvas.tiles.tile_index import is_streamed
    from napari_bonemarrow.slides.pixels.extra_levels import with_between

    scale = slide.microns_per_pixel
    metadata = {"path": str(slide.path), "fingerprint": slide.fingerprint}
    if case_path is not None:
        metadata["case"] = str(case_path)
    keywords: dict[str, Any] = {
        "name": slide.path.stem or "smear",
        "rgb": True,
        "scale": (scale or 1.0,) * 2,
        "units": ("um", "um") if scale else ("pixel", "pixel"),
        "metadata": {METADATA_KEY: metadata},
    }
    if is_streamed(slide.levels):
        levels = with_between(slide.path.name, slide.levels)
        return TileStream(levels).views, {**keywords, "multiscale": True}, "image"
    first, *coarser = slide.levels
    if coarser:
        return [first, *coarser], {**keywords, "multiscale": True}, "image"
    return first, keywords, "image"


def sample_path() -> Path:
    """Return the file of the sample smear, drawn if missing."""
    from napari_bonemarrow.system.home import home
    from napari_bonemarrow.workflow import write_sample_slide

    return write_sample_slide(home() / "samples")
