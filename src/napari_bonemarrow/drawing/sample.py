"""The sample smear, single drawn crops, and image files of a drawn smear with its scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL, CROP_SIZE
from napari_bonemarrow.drawing.canvas import Canvas
from napari_bonemarrow.drawing.cell import conceive
from napari_bonemarrow.drawing.erythrocytes import scatter_platelets, scatter_red_cells
from napari_bonemarrow.drawing.optics import photograph
from napari_bonemarrow.drawing.placement import DrawingError, Placed
from napari_bonemarrow.drawing.smear import DrawnSmear, draw_smear
from napari_bonemarrow.drawing.stain import Stain
from napari_bonemarrow.system.files import draft, why

SAMPLE_SEED = 41


def sample_smear() -> DrawnSmear:
    """Draw the demo's field: 2560 × 1920 px at 0.08 µm/px, each of the 21 classes at least twice.

    Returns
    -------
    DrawnSmear
    """
    return draw_smear(SAMPLE_SEED)


def draw_cell(
    code: str,
    seed: int,
    *,
    microns_per_pixel: float = CROP_MICRONS_PER_PIXEL,
    size: int = CROP_SIZE,
    stain: Stain | None = None,
    red_cells_per_um2: float = 0.013,
    noise: float = 2.4,
) -> NDArray[np.uint8]:
    """Draw a crop of one cell, its nuclear centroid in the middle, with red cells around it.

    Parameters
    ----------
    code : str
        One of the 21.
    seed : int
    microns_per_pixel : float
    size : int
        Pixels per side.
    stain : Stain, optional
    red_cells_per_um2 : float
    noise : float
        Sensor noise, see `optics.photograph`.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)

    Raises
    ------
    DrawingError
        If the code is unknown.
    """
    if code not in BMC21:
        raise DrawingError(f"drawn cell: no class {code!r}; use one of {', '.join(BMC21)}")
    cell = conceive(code, (seed, BMC21.index(code), 9))
    side = size * microns_per_pixel
    middle = (size - 1) / 2 * microns_per_pixel
    shift = (0.0, 0.0) if cell.debris else cell.nucleus_at
    at = (middle - shift[0], middle - shift[1])
    placed = Placed([at[0]], [at[1]], [])
    rng = np.random.default_rng((seed, BMC21.index(code), 10))
    canvas = Canvas(size, size, microns_per_pixel, stain or Stain())
    canvas.add_red_cells(scatter_red_cells(side, side, red_cells_per_um2, rng), [cell], placed)
    canvas.add_platelets(scatter_platelets(side, side, 0.002, rng), [cell], placed, seed)
    canvas.add_cell(cell, at, 1)
    canvas.add_film(rng)
    return photograph(canvas.density, canvas.stain, microns_per_pixel, rng, noise=noise)


def write_sample(path: Path | str, smear: DrawnSmear | None = None) -> Path:
    """Write a drawn smear as PNG or TIFF with its µm per pixel in the file.

    Parameters
    ----------
    path : Path or str
        Its suffix is .png, .tif or .tiff.
    smear : DrawnSmear, optional
        The sample smear by default.

    Returns
    -------
    Path

    Raises
    ------
    DrawingError
        If the suffix is another one or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in {".png", ".tif", ".tiff"}:
        raise DrawingError(f"{path}: a drawn smear is written as .png or .tif; give one of these suffixes")
    smear = smear or sample_smear()
    try:
        with draft(path) as part:
            _write(part, suffix, smear)
    except OSError as error:
        reason = why(error)
        raise DrawingError(
            f"{path}: the drawn smear cannot be written ({reason}); choose another folder"
        ) from None
    return path


def _write(path: Path, suffix: str, smear: DrawnSmear) -> None:
    per_metre = 1e6 / smear.microns_per_pixel
    if suffix == ".png":
        from PIL import Image

        dots_per_inch = per_metre * 0.0254
        with path.open("wb") as file:
            Image.fromarray(smear.image).save(
                file, format="PNG", dpi=(dots_per_inch, dots_per_inch), compress_level=3
            )
        return
    import tifffile

    per_cm = per_metre / 100
    tifffile.imwrite(
        path,
        smear.image,
        photometric="rgb",
        compression="deflate",
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER",
    )
