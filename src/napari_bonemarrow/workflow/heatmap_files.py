"""Heatmap files of a cell."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21, BoneMarrowError, Cells, Region, images_at
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.models import Bundle, Card
from napari_bonemarrow.models.explanation.methods import DEFAULT_METHOD, METHODS
from napari_bonemarrow.models.explanation.overlay import overlay
from napari_bonemarrow.report import make_folder, write_bytes
from napari_bonemarrow.review import SUFFIX, Case, case_path_for
from napari_bonemarrow.slides import Slide, cut_crops, detect_cells, open_slide
from napari_bonemarrow.workflow.cases import slide_of_case
from napari_bonemarrow.workflow.crops import read_crop
from napari_bonemarrow.workflow.scale_rule import settle_scale

if TYPE_CHECKING:
    from napari_bonemarrow.models import Heatmap


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a cell.

    Attributes
    ----------
    x, y : float
        Level-0 pixels.
    field : tuple of (int, float, float) or None
        In a folder of fields: the field, by number from 1, and the place in it, px.
    """

    x: float
    y: float
    field: tuple[int, float, float] | None = None

    @classmethod
    def on(cls, slide: Slide, x: float, y: float) -> Place:
        """Return a place on a slide."""
        if not slide.fields:
            return cls(x, y)
        number = int(slide.images_at(x, y)[0])
        region = slide.images[number]
        return cls(x, y, (number + 1, x - region.x, y - region.y))

    def to_dict(self) -> dict[str, Any]:
        """Return the place as JSON values, named as the columns of ``cells.csv``."""
        told: dict[str, Any] = {"x_px": self.x, "y_px": self.y}
        if self.field is not None:
            told |= dict(zip(("field", "field_x_px", "field_y_px"), self.field, strict=True))
        return told


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation of a cell and its files."""

    predicted: str
    confidence: float
    target: str
    against: str | None
    method: str
    at: Place | None
    heatmap: Path
    overlay: Path

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON values."""
        return {
            "predicted": self.predicted,
            "confidence": round(self.confidence, 4),
            "target": self.target,
            "against": self.against,
            "method": self.method,
            "at": None if self.at is None else self.at.to_dict(),
            "heatmap": str(self.heatmap),
            "overlay": str(self.overlay),
        }


@dataclass(frozen=True, slots=True)
class Question:
    """A request for one cell's explanation.

    Attributes
    ----------
    cell : int or None
        Its number in the case, or without a case among the detected cells.
    at : tuple of float or None
        Its place in level-0 pixels instead.
    field : int or None
        In a folder of fields, the field of ``at``, by number from 1; by default ``at`` is in the pixels of
        the fields side by side.
    method : str
        One of `METHODS`.
    target, against : str or None
        The explained class, by default the predicted one, and the class to compare with.
    seed : int
    """

    cell: int | None = None
    at: tuple[float, float] | None = None
    field: int | None = None
    method: str = DEFAULT_METHOD
    target: str | None = None
    against: str | None = None
    seed: int = 0

    def check(self, card: Card) -> None:
        """Raise a `BoneMarrowError` if this bundle cannot answer it."""
        if self.method not in METHODS:
            raise BoneMarrowError(f"{self.method}: no such method: choose one of {', '.join(METHODS)}")
        if self.cell is not None and self.at is not None:
            raise BoneMarrowError("a cell and a place were given: choose one of the two")
        if self.field is not None and self.at is None:
            raise BoneMarrowError(f"field {self.field} was given without a place in it: add it with --at X,Y")
        for code in (self.target, self.against):
            if code is not None and code not in card.classes:
                known = ", ".join(card.classes)
                what = (
                    "no class that a bundle knows" if code not in BMC21 else "not among this bundle's classes"
                )
                raise BoneMarrowError(f"{code}: {what}: choose one of {known}")


def explain_input(
    path: Path,
    out: Path,
    question: Question,
    *,
    model: str | Path = "starter",
    microns_per_pixel: float | None = None,
    estimate_scale: bool = False,
    device: str = "auto",
    engine: Engine | None = None,
) -> Explanation:
    """Write the heatmap of one cell as float32 ``.npy`` on the crop's pixels, and as ``.png`` over the crop.

    Parameters
    ----------
    path : Path
        A field, a slide, a case, or an image of a single cell, which needs no `Question.cell`.
    out : Path
        A folder.
    question : Question
    model, microns_per_pixel, estimate_scale, device, engine
        As for `count_inputs`.

    Raises
    ------
    BoneMarrowError
        One line: no such cell or class, unknown scale, a bundle or file that cannot be read.
    """
    card = Bundle.open(model).card
    question.check(card)
    crop, point = _crop(path, question, card, microns_per_pixel, estimate_scale)
    make_folder(out)
    serving = engine or Engine(device)
    try:
        serving.load(model).result()
        explaining = serving.explain_crop(
            crop, question.method, target=question.target, against=question.against, seed=question.seed
        )
        [classifying] = serving.classify_crops(crop[np.newaxis])
        heatmap, predictions = explaining.result(), classifying.result()
    finally:
        if engine is None:
            serving.close()
    stem = out / _stem(path, question, heatmap)
    npy, png = stem.with_name(f"{stem.name}.npy"), stem.with_name(f"{stem.name}.png")
    write_bytes(npy, _npy(heatmap.values))
    write_bytes(png, _png(overlay(crop, heatmap.values)))
    best = int(predictions.ranked()[0, 0])
    return Explanation(
        predictions.classes[best],
        float(predictions.probabilities[0, best]),
        heatmap.target,
        heatmap.against,
        heatmap.method,
        point,
        npy,
        png,
    )


def _crop(
    path: Path, question: Question, card: Card, microns_per_pixel: float | None, estimate: bool
) -> tuple[NDArray[np.uint8], Place | None]:
    """Return the crop and place of the requested cell; an image of one cell has no place."""
    if path.suffix.lower() == SUFFIX:
        with Case.open(path, read_only=True) as case:
            slide, cells = slide_of_case(case), case.cells
    else:
        slide = open_slide(path)
        if question.cell is None and question.at is None:
            if max(slide.width, slide.height) > 2 * card.crop_size:
                raise BoneMarrowError(f"{path}: it shows many cells: say which, with --cell ID or --at X,Y")
            return read_crop(path, card, microns_per_pixel), None
        slide, cells = _settled(slide, question, microns_per_pixel, estimate)
    x, y = _asked_place(path, slide, question) or _place(path, cells, question.cell)
    crop = cut_crops(slide, [x], [y], microns_per_pixel=card.microns_per_pixel, size=card.crop_size)[0]
    return crop, Place.on(slide, x, y)


def _asked_place(path: Path, slide: Slide, question: Question) -> tuple[float, float] | None:
    """Return the requested place in level-0 pixels, None if a cell is requested."""
    if question.at is None:
        return None
    x, y = question.at
    image, what = Region(0, 0, slide.width, slide.height), "its"
    if question.field is not None:
        if not 1 <= question.field <= len(slide.fields):
            known = f"its fields are numbered 1 to {len(slide.fields)}" if slide.fields else "it is one image"
            raise BoneMarrowError(f"{path}: it has no field {question.field}: {known}")
        field = slide.fields[question.field - 1]
        image, what = field.region, f"{field.name},"
    if not (-0.5 <= x < image.width - 0.5 and -0.5 <= y < image.height - 0.5):
        raise BoneMarrowError(f"{path}: {x:g},{y:g} lies outside {what} {image.width:g}×{image.height:g} px")
    x, y = image.x + x, image.y + y
    if images_at(slide.images, x, y)[0] < 0:
        raise BoneMarrowError(
            f"{path}: {x:g},{y:g} lies between its fields: name the field with --field N and the place in it"
        )
    return x, y


def _settled(
    slide: Slide, question: Question, microns_per_pixel: float | None, estimate: bool
) -> tuple[Slide, Cells]:
    """Return a slide with its scale, and its cells if one is requested by number."""
    beside = case_path_for(slide.path)
    if beside.exists() and microns_per_pixel is None:
        with Case.open(beside, read_only=True) as case:
            if case.scale is not None and case.slide_record.fingerprint == slide.fingerprint:
                case.slide_file.check(slide)
                return slide.with_scale(case.scale), case.cells
    scale = settle_scale(slide, microns_per_pixel=microns_per_pixel, accept_estimate=estimate)
    slide = slide.with_scale(scale)
    return slide, detect_cells(slide) if question.cell is not None else Cells.empty()


def _place(path: Path, cells: Cells, cell: int | None) -> tuple[float, float]:
    if cell is None:
        raise BoneMarrowError(f"{path}: it has many cells: say which, with --cell ID or --at X,Y")
    index = np.flatnonzero(cells.cell_id == cell)
    if not len(index):
        numbers = f"{cells.cell_id.min()} to {cells.cell_id.max()}" if len(cells) else "none"
        raise BoneMarrowError(f"{path}: it has no cell {cell}: its cells are numbered {numbers}")
    return float(cells.x[index[0]]), float(cells.y[index[0]])


def _stem(path: Path, question: Question, heatmap: Heatmap) -> str:
    parts = [path.stem]
    if question.cell is not None:
        parts.append(f"cell{question.cell}")
    elif question.at is not None:
        parts += [] if question.field is None else [f"field{question.field}"]
        parts.append(f"x{question.at[0]:g}_y{question.at[1]:g}")
    parts += [heatmap.method, heatmap.target]
    return "_".join(parts + ([f"against_{heatmap.against}"] if heatmap.against else []))


def _npy(values: NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    np.save(file, values.astype(np.float32), allow_pickle=False)
    return file.getvalue()


def _png(rgb: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()
