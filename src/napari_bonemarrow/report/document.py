"""A case as plain data: the differential's JSON and the rows of its cells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_bonemarrow.cytology import CODES, Cells, Field, Predictions, images_at
from napari_bonemarrow.report.files import write_text
from napari_bonemarrow.report.record import record_document
from napari_bonemarrow.review import SECOND, Case, Label

SCHEMA = 1
CELL_COLUMNS = (
    "cell_id",
    "x_px",
    "y_px",
    "x_um",
    "y_um",
    "diameter_um",
    "detection_score",
    "predicted",
    "confidence",
    "second",
    "second_confidence",
    "label",
    "labelled_by",
    "labelled_at",
)
FIELD_COLUMNS = ("field", "field_x_px", "field_y_px")
"""Additional columns for a slide of several fields: the field, by number from 1, and the place in it."""
STANDING_COLUMNS = (
    "in_frame",
    "reviewed",
    "flagged",
    "tags",
    "comment",
    "predicted_by",
    "bundle_predicted",
    "bundle_confidence",
    "sampled",
)
"""Columns for the count: with them the differential can be computed again from the rows.

The class of a cell is its ``label``, else ``predicted``; it counts if ``in_frame`` is ``true``. Tags are
separated by a space, comments of a cell by a line break. ``predicted_by`` names what predicts now, such as
``starter+case`` with what reviewed cells taught, ``bundle_predicted`` the bundle's own class. ``sampled`` is
``true`` for the cells that enter the estimate of a sample review, ``false`` for its other cells."""
READER_COLUMNS = ("first_reader_label", "second_reader_label")
"""Additional columns for a case with two readers: the class by each reader."""
DISTRUST_COLUMN = "distrust"
"""The last column of an unreliable case: the reason, in every row."""
FOUND_COLUMNS = CELL_COLUMNS[:7]
"""Columns of a cell before it is classified."""


def differential_document(case: Case, *, anonymous: bool = False) -> dict[str, Any]:
    """Return the differential document (schema 1).

    Parameters
    ----------
    case : Case
    anonymous : bool
        Leave out file names, which can contain accession numbers. The fingerprint still identifies the slide.

    Returns
    -------
    dict
        The keys of the differential and those of `record_document`.
    """
    return {
        "schema": SCHEMA,
        "slides": [_slide(case, anonymous)],
        "model": _model(case.predictions),
        "frame": _frame(case),
        **case.differential().to_dict(),
        "prequential": case.learning.prequential_shares,
        "learning": _learning(case),
        **record_document(case),
    }


def differential_json(case: Case, *, anonymous: bool = False) -> str:
    """Return `differential_document` as JSON text."""
    document = differential_document(case, anonymous=anonymous)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_differential_json(case: Case, path: Path, *, anonymous: bool = False) -> None:
    """Write ``differential.json``.

    Raises
    ------
    ReportError
    """
    write_text(path, differential_json(case, anonymous=anonymous))


def cell_rows(case: Case) -> Iterator[dict[str, object]]:
    """Return the columns of ``cells.csv`` for each cell of a case, in the order of its cells."""
    predicted = _predicted(case.predictions)
    readers, standing = _reader_labels(case), _standing_of(case)
    for row in found_rows(case.cells, case.microns_per_pixel, _placed_fields(case)):
        cell_id = int(str(row["cell_id"]))
        row |= predicted.get(cell_id, {})
        label = case.labels.get(cell_id)
        if label is not None:
            row |= {"label": label.code, "labelled_by": label.by, "labelled_at": label.at}
        row |= next(standing)
        for column, labels in readers.items():
            row |= {column: labels[cell_id].code} if cell_id in labels else {}
        if case.distrust:
            row[DISTRUST_COLUMN] = case.distrust
        yield row


def further_columns(case: Case) -> tuple[str, ...]:
    """Return the columns of a case in addition to `CELL_COLUMNS`."""
    fields = FIELD_COLUMNS if case.slide_record.fields else ()
    readers = READER_COLUMNS if case.readings.both_ended else ()
    return (*fields, *STANDING_COLUMNS, *readers, *((DISTRUST_COLUMN,) if case.distrust else ()))


def _placed_fields(case: Case) -> tuple[Field, ...]:
    """Return the fields of a case, empty where the places of cells in them are unknown."""
    record = case.slide_record
    return () if record.is_misplaced else record.fields


def _standing_of(case: Case) -> Iterator[dict[str, object]]:
    """Return `STANDING_COLUMNS` for each cell of a case."""
    comments: dict[int | None, list[str]] = {}
    for comment in case.edits.comments:
        comments.setdefault(comment.cell_id, []).append(comment.text)
    cells, predicts = case.cells, case.predictions
    top, confidence = case.learning.bundle_guesses()
    taught, sampled = case.learning.taught_cells(), _sampled(case)
    model = "" if predicts is None else predicts.model.name
    for at, (cell_id, in_frame, reviewed) in enumerate(
        zip(cells.cell_id.tolist(), _counted(case), case.reviewed().tolist(), strict=True)
    ):
        code = CODES[top[at]]
        yield {
            "in_frame": _truth(in_frame),
            "reviewed": _truth(reviewed),
            "flagged": _truth(cell_id in case.flags),
            "tags": " ".join(sorted(case.tags.get(cell_id, ()))),
            "comment": "\n".join(comments.get(cell_id, ())),
            "predicted_by": "" if not code else case.learning.predicted_by if taught[at] else model,
            "bundle_predicted": code,
            "bundle_confidence": f"{confidence[at]:.4f}" if code else "",
            "sampled": sampled.get(cell_id, ""),
        }


def _sampled(case: Case) -> dict[int, str]:
    """Return for each cell of a sample review whether it enters the estimate."""
    plan = case.sample.plan
    if plan is None:
        return {}
    return dict(zip(plan.cell_id.tolist(), map(_truth, case.sample.tally.enters.tolist()), strict=True))


def _learning(case: Case) -> dict[str, Any]:
    """Return what predicts now, and what reviewed cells taught."""
    return {
        "on": case.learning.on,
        "predicted_by": case.learning.predicted_by or None,
        "laboratory": case.learning.laboratory_name or None,
        "learnt_here": dict(case.learning.learnt_here),
    }


def _counted(case: Case) -> list[bool]:
    """Return which cells are counted: none while the frame is not set."""
    inside: list[bool] = case.cells.in_frame.tolist()
    return inside if case.frame is not None else [False] * len(inside)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _reader_labels(case: Case) -> dict[str, Mapping[int, Label]]:
    if not case.readings.both_ended:
        return {}
    return {
        name: case.readings.labels_of(number) for number, name in enumerate(READER_COLUMNS[:SECOND], start=1)
    }


def found_rows(
    cells: Cells, microns_per_pixel: float | None, fields: Sequence[Field] = ()
) -> Iterator[dict[str, object]]:
    """Return `FOUND_COLUMNS` for each cell; µm are empty where the scale is unknown.

    On a slide of several fields, `FIELD_COLUMNS` give the field of a cell.
    """
    which = images_at([field.region for field in fields], cells.x, cells.y)
    for index, cell_id in enumerate(cells.cell_id):
        x, y = float(cells.x[index]), float(cells.y[index])
        row: dict[str, object] = {"cell_id": int(cell_id), "x_px": f"{x:.2f}", "y_px": f"{y:.2f}"}
        if microns_per_pixel is not None:
            row |= {"x_um": f"{x * microns_per_pixel:.3f}", "y_um": f"{y * microns_per_pixel:.3f}"}
        row["diameter_um"] = f"{cells.diameter_um[index]:.2f}"
        row["detection_score"] = f"{cells.score[index]:.3f}"
        if which[index] >= 0:
            region = fields[which[index]].region
            row |= {"field": int(which[index]) + 1}
            row |= {"field_x_px": f"{x - region.x:.2f}", "field_y_px": f"{y - region.y:.2f}"}
        yield row


def _predicted(predictions: Predictions | None) -> dict[int, dict[str, object]]:
    if predictions is None or not len(predictions):
        return {}
    rows = {}
    for cell_id, probabilities, order in zip(
        predictions.cell_id, predictions.probabilities, predictions.ranked(), strict=True
    ):
        first, second = order[:2]
        rows[int(cell_id)] = {
            "predicted": predictions.classes[first],
            "confidence": f"{probabilities[first]:.4f}",
            "second": predictions.classes[second],
            "second_confidence": f"{probabilities[second]:.4f}",
        }
    return rows


def _slide(case: Case, anonymous: bool) -> dict[str, Any]:
    record, scale = case.slide_record, case.scale
    return {
        "file": None if anonymous else record.name,
        "fingerprint": record.fingerprint,
        "width": record.width,
        "height": record.height,
        "microns_per_pixel": scale.microns_per_pixel if scale else None,
        "scale_source": str(scale.source) if scale else None,
        "scale_basis": scale.basis if scale else None,
        "fields": [
            {
                "field": number,
                "file": None if anonymous else field.name,
                "x": field.region.x,
                "y": field.region.y,
                "width": field.region.width,
                "height": field.region.height,
            }
            for number, field in enumerate(record.fields, start=1)
        ],
    }


def _model(predictions: Predictions | None) -> dict[str, Any] | None:
    if predictions is None:
        return None
    return {
        "name": predictions.model.name,
        "sha256": predictions.model.sha256,
        "support": {code: str(predictions.support[code]) for code in predictions.classes},
    }


def _frame(case: Case) -> dict[str, Any] | None:
    if case.frame is None:
        return None
    regions = [[region.x, region.y, region.width, region.height] for region in case.frame.regions]
    ranking = case.sampling.ranking
    return {
        "margin_um": case.frame.margin_um,
        "regions": regions,
        "chosen": case.sampling.frame_choice,
        "ranked": None if ranking is None else len(ranking.regions),
        "avoided": {} if ranking is None else dict(ranking.avoided),
    }
