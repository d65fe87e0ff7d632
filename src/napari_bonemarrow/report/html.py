"""Report of a case as a self-contained, printable HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bonemarrow.cytology import CLASSES, ClassCount, Differential
from napari_bonemarrow.cytology.classes import SUPPORT_TEXT
from napari_bonemarrow.cytology.domain import UNCHECKED_TEXT
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.cytology.statements import RESEARCH_USE, UNAUTHENTICATED
from napari_bonemarrow.report.files import write_text
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.report.record import model_count, record_document
from napari_bonemarrow.review import Case

if TYPE_CHECKING:
    from jinja2 import Template

_BAR_WIDTH = 200.0
"""Width of the widest bar in drawing units."""

_SCALE_TEXT = {
    "file": "from the file",
    "user": "given by the user",
    "estimate": "estimated from red cells and accepted",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table, with its bar in drawing units."""

    count: ClassCount
    color: str
    dashed: bool
    bar: float | None
    low: float
    high: float
    model: str = ""


def html_report(case: Case, *, anonymous: bool = False, made: datetime | None = None) -> str:
    """Return the report as HTML text.

    Parameters
    ----------
    case : Case
    anonymous : bool
        Name the slide by its fingerprint.
    made : datetime, optional
        Time of the report; by default now.
    """
    differential = case.differential()
    record, scale = case.slide_record, case.scale
    scale_text = "unknown"
    if scale is not None:
        scale_text = f"{scale.microns_per_pixel:.4g} µm per pixel, {_SCALE_TEXT[str(scale.source)]}"
    context: dict[str, Any] = {
        "title": record.fingerprint[:12] if anonymous else record.name,
        "made": (made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        "count": differential,
        "rows": _rows(differential, model_count(case)),
        "record": record_document(case),
        "prequential": case.learning.prequential_shares,
        "sampled": differential.estimate is not None and not differential.fully_reviewed,
        "predicted_by": case.learning.predicted_by,
        "distrust": case.distrust,
        "blind": case.is_blind,
        "signed": case.is_signed,
        "chain": UNAUTHENTICATED,
        "research_use": RESEARCH_USE,
        "unchecked": UNCHECKED_TEXT,
        "names": {code: cell.name for code, cell in CLASSES.items()},
        "tally": case.tally.differential() if any(case.tally.fields) else None,
        "fields": sum(1 for field in case.tally.fields if field),
        "groups": differential.groups,
        "axis": _axis(differential),
        "bar_width": _BAR_WIDTH,
        "excluded": [(CLASSES[code], n) for code, n in differential.excluded.items() if n],
        "m_to_e": differential.ratios["m_to_e"],
        # The ratio's definition is under the rules.
        "notes": [note for note in differential.notes if note.code != "m_to_e_definition"],
        "scale": scale_text,
        "frame": _frame_text(case),
        "fingerprint": record.fingerprint[:12],
        "found": len(case.cells),
        "model": _model_text(case),
        "support": _support_lines(case),
        "reviewers": sorted({label.by for label in case.labels.values() if not label.imported}),
    }
    return _template().render(context)


def write_html(
    case: Case, path: Path, *, anonymous: bool = False, options: ReportOptions | None = None
) -> None:
    """Write the report as one HTML page.

    Raises
    ------
    ReportError
    """
    made = None if options is None else options.made
    write_text(path, html_report(case, anonymous=anonymous, made=made))


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("napari_bonemarrow.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["utc"] = _utc
    return environment.get_template("report.html.j2")


def _utc(at: str) -> str:
    """Return a time of the journal, which is UTC, as text."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M} UTC"


def _axis(differential: Differential) -> int:
    """Return the per cent at the end of the axis: the largest interval, rounded up to the next ten."""
    tops = [row.ci95[1] for row in differential.classes if row.ci95 is not None]
    return min(100, max(10, 10 * -(-int(max(tops, default=0)) // 10)))


def _rows(differential: Differential, model: Differential | None) -> list[_Row]:
    """Return a row for each class, without reviewer-only classes that were not used."""
    said = {} if model is None else {count.code: count for count in model.classes}
    per_unit = _BAR_WIDTH / _axis(differential)
    rows = []
    for count in differential.classes:
        cell = CLASSES[count.code]
        if not cell.predicted and not count.count:
            continue
        low, high = count.ci95 or (0.0, 0.0)
        shown = count.percent is not None and count.ci95 is not None
        bar = count.percent * per_unit if shown and count.percent is not None else None
        top = min(high * per_unit, _BAR_WIDTH)
        dashed, told = not cell.counted, _model_said(said, count.code)
        rows.append(_Row(count, cell.color, dashed, bar, low * per_unit, top, told))
    return rows


def _model_said(said: dict[str, ClassCount], code: str) -> str:
    """Return the model's count of a class, None instead of 0 for a class that it has not learnt."""
    count = said.get(code)
    if count is None or not CLASSES[code].predicted or not (count.count or count.zero_tells):
        return "–" if said else ""
    return str(count.count)


_CHOICE_TEXT = {
    "ranked": "the first {n} of {ranked} regions that were ranked before any class was seen",
    "reviewer": "regions chosen by the reviewer ({n})",
}


def _frame_text(case: Case) -> str:
    frame, microns_per_pixel = case.frame, case.microns_per_pixel
    if frame is None or microns_per_pixel is None:
        return "not set"
    area = frame.counted_area(microns_per_pixel)
    if case.sampling.frame_choice == "whole":
        what = f"the whole of {count_of(len(frame.images), 'field')}" if frame.images else "the whole field"
    else:
        ranked = len(case.sampling.ranking.regions) if case.sampling.ranking is not None else 0
        what = _CHOICE_TEXT[case.sampling.frame_choice].format(n=len(frame.regions), ranked=ranked)
    square_mm = area * microns_per_pixel**2 / 1e6
    return (
        f"cells whose centre lies in {what}, less {frame.margin_um:g} µm at the image's border "
        f"({square_mm:.3g} mm²)"
    )


def _model_text(case: Case) -> str:
    if case.predictions is None:
        return "none"
    model = case.predictions.model
    return f"{model.name} ({model.sha256[:12]})"


def _support_lines(case: Case) -> list[tuple[str, str]]:
    if case.predictions is None:
        return []
    lines = []
    for support, text in SUPPORT_TEXT.items():
        codes = [code for code in case.predictions.classes if case.predictions.support.get(code) is support]
        if codes:
            lines.append((text, ", ".join(codes)))
    return lines
