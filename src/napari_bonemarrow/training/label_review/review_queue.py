"""Review queue of doubtful crops, and the manifest of the reviewer's decisions."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21, Cells, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.review import IMPORTED, SUFFIX, Case
from napari_bonemarrow.slides import open_slide
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.crop_index import Source
from napari_bonemarrow.training.data.images import read_image
from napari_bonemarrow.training.data.manifest import COLUMNS
from napari_bonemarrow.training.files import write_atomically

CASE, SHEET, TABLE, CROPS = f"doubts{SUFFIX}", "doubts.png", "doubts.csv", "crops.csv"

GAP = 10
"""White gap between two crops of the sheet, px."""

_DIAMETER_UM = 12.0  # of the ring around each crop's cell, which is not measured
_HEADER = ("rank", "file", "label", "suggested", "score", "p_label", "p_suggested", "path")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A crop whose label is disputed.

    Attributes
    ----------
    source : Source
    file : Path
    label, suggested : str
        The given class and the cross-validated model's first.
    score : float
        0 worst, 1 best.
    probabilities : mapping of str to float
    """

    source: Source
    file: Path
    label: str
    suggested: str
    score: float
    probabilities: Mapping[str, float]


def write_queue(
    out: Path, images: Sequence[tuple[Source, int]], doubts: Sequence[Doubt], bundle: Bundle
) -> None:
    """Write the ranked table, the manifest of all crops, and the sheet with its case.

    Without doubts there is no sheet and no case.

    Raises
    ------
    TrainingError
        If the folder cannot be written.
    """
    write_rows(out / CROPS, COLUMNS, (_manifest_row(*image) for image in images))
    rows = (_doubt_row(rank, doubt) for rank, doubt in enumerate(doubts, start=1))
    write_rows(out / TABLE, _HEADER, rows)
    if doubts:
        centres = _draw_sheet(out / SHEET, doubts, bundle.card)
        _write_case(out, doubts, centres, bundle)


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table in one step."""

    def write(draft: Path) -> None:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)

    write_atomically(path, write)


def _manifest_row(source: Source, index: int) -> list[object]:
    file = source.files[index]
    kind, _, whose = source.together.get(file, "").partition(" ")
    scale = source.scale_of(file)
    patient, slide = (whose if kind == each else "" for each in ("patient", "slide"))
    code = source.codes[index]
    return [file.absolute(), code, patient, slide, source.name, scale or "", source.scheme.name]


def _doubt_row(rank: int, doubt: Doubt) -> list[object]:
    p = doubt.probabilities
    numbers = (doubt.score, p[doubt.label], p[doubt.suggested])
    shown = [f"{number:.4f}" for number in numbers]
    return [
        rank,
        doubt.source.name_of(doubt.file),
        doubt.label,
        doubt.suggested,
        *shown,
        doubt.file.absolute(),
    ]


def _draw_sheet(path: Path, doubts: Sequence[Doubt], card: Card) -> NDArray[np.float64]:
    """Draw the crops in rank order, row by row; return their centres (x, y) in px, shape (n, 2)."""
    from PIL import Image

    size = card.crop_size
    columns = math.ceil(math.sqrt(len(doubts)))
    step, corners = size + GAP, [divmod(place, columns) for place in range(len(doubts))]
    rows = corners[-1][0] + 1
    sheet = np.full((rows * step + GAP, min(columns, len(doubts)) * step + GAP, 3), 255, np.uint8)
    for doubt, (row, column) in zip(doubts, corners, strict=True):
        crop = read_image(doubt.source, doubt.file, size, card.microns_per_pixel)
        if crop is None:
            raise TrainingError(f"{doubt.file}: cannot be read any more; look for doubts again")
        top, left = GAP + row * step, GAP + column * step
        sheet[top : top + size, left : left + size] = crop
    dots = 25_400 / card.microns_per_pixel  # a PNG stores whole pixels per metre
    write_atomically(path, lambda draft: Image.fromarray(sheet).save(draft, "PNG", dpi=(dots, dots)))
    middle = GAP + (size - 1) / 2
    return np.array([(middle + column * step, middle + row * step) for row, column in corners])


def _write_case(out: Path, doubts: Sequence[Doubt], centres: NDArray[np.float64], bundle: Bundle) -> None:
    """Write a case whose cells are the crops, by rank, with the given labels and the predictions."""
    slide = open_slide(out / SHEET)
    number, n = np.arange(1, len(doubts) + 1, dtype=np.int64), len(doubts)
    cells = Cells(
        number,
        centres[:, 0],
        centres[:, 1],
        np.full(n, _DIAMETER_UM, np.float32),
        np.ones(n, np.float32),
        np.ones(n, bool),
    )
    support = {code: bundle.card.support.get(code, Support.NONE) for code in BMC21}
    rows = [[doubt.probabilities.get(code, 0.0) for code in BMC21] for doubt in doubts]
    judge = ModelReference(f"{bundle.card.name}, cross-validated", bundle.sha256)
    with Case.create(out / CASE, slide, reviewer="data set") as case:
        case.sampling.set_frame(Frame.whole_field(slide.width, slide.height, margin_um=0.0), target=n)
        case.detection.record(cells, {"what": "doubted crops, by rank"})
        case.model.record_predictions(Predictions(number, np.array(rows, np.float32), BMC21, support, judge))
        for code in sorted({doubt.label for doubt in doubts}):
            given = [rank for rank, doubt in enumerate(doubts, start=1) if doubt.label == code]
            case.set_label(given, code, source=IMPORTED)


def correct(case_path: str | Path, out: str | Path) -> dict[str, Any]:
    """Write a manifest of all crops with the labels of a queue's reviewer.

    Parameters
    ----------
    case_path : path
        The queue, ``doubts.bmcase``, with ``doubts.csv`` and ``crops.csv`` next to it.
    out : path
        The manifest, without crops that got a class outside the 21.

    Returns
    -------
    dict
        ``confirmed``, ``corrected``, ``left_out`` and ``waiting`` crops of the queue, and ``crops`` in the
        manifest.

    Raises
    ------
    TrainingError, CaseError
        If the queue's tables are missing or damaged.
    """
    case_path = Path(case_path)
    queue = _read_rows(case_path.with_name(TABLE), _HEADER)
    crops = _read_rows(case_path.with_name(CROPS), COLUMNS)
    with Case.open(case_path, read_only=True) as case:
        decided = {cell: each.code for cell, each in case.labels.items() if each.source == "reviewer"}
    new = {row["path"]: decided[int(row["rank"])] for row in queue if int(row["rank"]) in decided}
    given = {row["path"]: row["label"] for row in queue}
    tally = Counter(
        "left_out" if code not in BMC21 else "confirmed" if code == given[path] else "corrected"
        for path, code in new.items()
    )
    rows = [{**row, "label": new.get(row["file"], row["label"])} for row in crops]
    kept = [[row[name] for name in COLUMNS] for row in rows if row["label"] in BMC21]
    write_rows(Path(out), COLUMNS, kept)
    counts = {name: tally[name] for name in ("confirmed", "corrected", "left_out")}
    return {**counts, "waiting": len(queue) - len(new), "crops": len(kept)}


def _read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{path}: cannot be read ({error}); keep it next to its queue") from error
    if any(row.get(name) is None for row in rows for name in columns):
        raise TrainingError(f"{path}: lacks some of {', '.join(columns)}; look for doubts again")
    return rows
