"""Pictures of typical and critical cells, class by class.

Choosing needs the case; cutting needs only the slide's file, so that it can run in another thread.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, CODES, BoneMarrowError, Differential
from napari_bonemarrow.cytology.messages import Message, message
from napari_bonemarrow.report.page.contents import Montage, MontageCell, MontageClass, Picture
from napari_bonemarrow.report.page.language import Language
from napari_bonemarrow.review import FIRST, SECOND, Case

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale

SIDE_PX: Final = 160
"""Side of a picture, px: 13 mm at 300 dots per inch."""
SIDE_UM: Final = 25.0
"""Side of a picture, µm, as that of the classifier's crops."""
_USUAL, _CRITICAL, _FLAGGED, _LEFT_OUT = 4, 8, 2, 2
_QUALITY = 92
"""JPEG quality; a PDF holds these files as they are."""


@dataclass(frozen=True, slots=True)
class ChosenCell:
    """A cell chosen for the montage; places are level-0 pixels."""

    cell_id: int
    code: str
    x: float
    y: float
    reviewed: bool
    flagged: bool


@dataclass(frozen=True, slots=True)
class MontagePlan:
    """The cells of a montage, and the slide to cut them from.

    Attributes
    ----------
    cells : tuple of ChosenCell
        Class by class, in reading order.
    totals : mapping of str to int
        The cells of each class in the frame.
    slide : Path or None
        None where the slide was not found; `reason` says why.
    reason : str
    scale : Scale or None
    """

    cells: tuple[ChosenCell, ...]
    totals: Mapping[str, int]
    slide: Path | None
    reason: str
    scale: Scale | None


def plan_montage(case: Case, counted: Differential) -> MontagePlan:
    """Choose typical cells of each class, more of critical classes, then flagged ones.

    Reviewed cells come first, among them those on which two readers agree, then those that the model is
    surest of.
    """
    table = case.table_view()
    order = np.lexsort((table.cell_id, -table.confidence, ~_agreed(case, table.cell_id), ~table.reviewed))
    chosen: list[ChosenCell] = []
    totals: dict[str, int] = {}
    for code in CLASSES:
        rows = order[(table.code[order] == CODES.index(code)) & table.in_frame[order]]
        if not len(rows):
            continue
        totals[code] = len(rows)
        flagged = rows[table.flagged[rows]][:_FLAGGED]
        most = _LEFT_OUT if code in counted.excluded else _CRITICAL if CLASSES[code].critical else _USUAL
        typical = rows[~np.isin(rows, flagged)][: most - len(flagged)]
        chosen += [
            ChosenCell(
                int(table.cell_id[row]),
                code,
                float(table.x[row]),
                float(table.y[row]),
                bool(table.reviewed[row]),
                bool(table.flagged[row]),
            )
            for row in (*typical, *flagged)
        ]
    slide, reason = _slide_of(case)
    return MontagePlan(tuple(chosen), totals, slide, reason, case.scale)


def _agreed(case: Case, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the cells on which two readers agree; none before both have ended."""
    if not case.readings.both_ended:
        return np.zeros(len(ids), bool)
    first, second = case.readings.labels_of(FIRST), case.readings.labels_of(SECOND)
    same = [cell for cell, label in first.items() if cell in second and second[cell].code == label.code]
    return np.isin(ids, same)


def _slide_of(case: Case) -> tuple[Path | None, str]:
    try:
        found = case.slide_file.find()
    except BoneMarrowError:
        return None, message("No pictures: the image in its place is not the one of this case.")
    if found is None:
        return None, message("No pictures: the slide's file was not found.")
    return found, ""


def cut_montage(plan: MontagePlan, language: Language, heatmaps: Mapping[int, NDArray[np.uint8]]) -> Montage:
    """Cut the chosen cells from the slide.

    Parameters
    ----------
    plan : MontagePlan
    language : Language
    heatmaps : mapping of int to ndarray of uint8, shape (s, s, 3)
        By cell; such a cell is shown as a pair.
    """
    say = language.say
    title = say(message("Typical and critical cells"))
    if plan.slide is None or plan.scale is None or not plan.cells:
        return Montage(title, say(plan.reason or message("No pictures: no cell has a class.")))
    try:
        crops = _crops(plan, plan.slide)
    except (BoneMarrowError, OSError):
        return Montage(title, say(message("No pictures: the slide's file cannot be read.")))
    classes: dict[str, list[MontageCell]] = {}
    for cell, crop in zip(plan.cells, crops, strict=True):
        heatmap = heatmaps.get(cell.cell_id)
        made = _cell(cell, crop, heatmap, language)
        classes.setdefault(cell.code, []).append(made)
    return Montage(
        title,
        say(_legend(bool(heatmaps))),
        tuple(
            MontageClass(
                code,
                say(CLASSES[code].name),
                say(message("{shown} of {total:,}", shown=len(cells), total=plan.totals[code])),
                tuple(cells),
            )
            for code, cells in classes.items()
        ),
    )


def _crops(plan: MontagePlan, path: Path) -> NDArray[np.uint8]:
    """Return the crops of a plan; the last ones are kept, since a preview asks for the same again."""
    places = tuple((cell.x, cell.y) for cell in plan.cells)
    assert plan.scale is not None
    return _cut(path, path.stat().st_mtime_ns, plan.scale, places)


@lru_cache(maxsize=1)
def _cut(
    path: Path, _changed_at: int, scale: Scale, places: tuple[tuple[float, float], ...]
) -> NDArray[np.uint8]:
    from napari_bonemarrow.slides import cut_crops, open_slide

    x, y = np.array(places).T
    crops = cut_crops(
        open_slide(path).with_scale(scale), x, y, microns_per_pixel=SIDE_UM / SIDE_PX, size=SIDE_PX
    )
    crops.setflags(write=False)
    return crops


def _cell(
    cell: ChosenCell, crop: NDArray[np.uint8], heatmap: NDArray[np.uint8] | None, language: Language
) -> MontageCell:
    name, say = CLASSES[cell.code].name, language.say
    alt = say(message("Cell {cell}, {name}", cell=cell.cell_id, name=say(name)))
    pair = None
    if heatmap is not None:
        pair = _picture(heatmap, say(message("Heatmap of cell {cell}", cell=cell.cell_id)))
    marks = ("✓" if cell.reviewed else "") + ("⚑" if cell.flagged else "")
    return MontageCell(f"{cell.cell_id} {marks}".strip(), _picture(crop, alt), pair)


def _picture(pixels: NDArray[np.uint8], alt: str) -> Picture:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    if image.width != SIDE_PX:
        image = image.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return Picture(file.getvalue(), "jpg", alt)


def _legend(heatmaps: bool) -> Message:
    if heatmaps:
        return message(
            "Each picture is {side:g} µm wide, with the cell's number. ✓ reviewed, ⚑ flagged; without ✓ the "
            "class is the model's. Beside a cell: the parts that its class rests on, as the model sees them.",
            side=SIDE_UM,
        )
    return message(
        "Each picture is {side:g} µm wide, with the cell's number. ✓ reviewed, ⚑ flagged; without ✓ the "
        "class is the model's.",
        side=SIDE_UM,
    )
