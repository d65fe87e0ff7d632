"""Manifest: a table of labelled crops, with patients, slides, sources and scales where known."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.cytology.schemes import SCHEMES, Scheme, scheme_of
from napari_bonemarrow.system.files import why
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.crop_index import Source

COLUMNS = ("file", "label", "patient", "slide", "source", "microns_per_pixel", "scheme")

_NEEDED = ("file", "label")


@dataclass(slots=True)
class _Row:
    line: int
    file: Path
    name: str
    label: str
    together: str
    source: str
    scale: float | None
    scheme: str


def read_manifest(path: Path, scheme: str | None = None) -> tuple[Source, ...]:
    """Return the sources in a table of labelled crops.

    Columns ``file,label`` and, where known, ``patient,slide,source,microns_per_pixel,scheme``; others are
    ignored. With a scheme, a label may also be one of the 21 codes. Files are relative to the table's folder
    or absolute. Separated by commas, semicolons or tabs; UTF-8 with or without a byte-order mark.

    Parameters
    ----------
    path : Path
    scheme : str, optional
        Class scheme of the labels; by default the column, else recognised by the labels.

    Returns
    -------
    tuple of Source
        One for each name in the column ``source``, in alphabetical order; without it one, named after the
        table.

    Raises
    ------
    TrainingError
        If the table cannot be read, a file is missing or listed twice, or a label is not in its scheme.
    """
    groups: dict[str, list[_Row]] = {}
    rows = list(_rows(path))
    if not rows:
        raise TrainingError(f"{path}: lists no image; add a line FILE,LABEL for each")
    _check_files(path, rows)
    for row in rows:
        groups.setdefault(row.source or path.stem, []).append(row)
    return tuple(_source(path, name, groups[name], scheme) for name in sorted(groups))


def _rows(path: Path) -> Iterator[_Row]:
    reader = csv.DictReader(io.StringIO(_text(path)), delimiter=_delimiter(path))
    try:
        columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        missing = [name for name in _NEEDED if name not in columns]
        if missing:
            found = ", ".join(columns) or "nothing"
            raise TrainingError(
                f"{path}: has no column {' and no column '.join(missing)} (its first line names {found}); "
                "name the columns file,label"
            )
        reader.fieldnames = columns
        for row in reader:
            values = {name: (row.get(name) or "").strip() for name in COLUMNS}
            if any(values.values()):
                yield _row(path, reader.line_num, values)
    except csv.Error as error:
        raise TrainingError(f"{path}, line {reader.line_num}: is not a table ({error})") from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path}: is not UTF-8; save it as CSV UTF-8") from error
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read ({why(error)})") from error


def _delimiter(path: Path) -> str:
    """Return the separator in the first line: spreadsheets use that of their country."""
    head = _text(path).partition("\n")[0]
    return max(",;\t", key=head.count)


def _row(path: Path, line: int, values: Mapping[str, str]) -> _Row:
    for name in _NEEDED:
        if not values[name]:
            raise TrainingError(f"{path}, line {line}: no {name}; fill it in or take the line out")
    source = values["source"] or path.stem
    patient, slide = values["patient"], values["slide"]
    together = f"patient {patient}" if patient else f"slide {slide}" if slide else ""
    return _Row(
        line,
        path.parent / values["file"],
        _name(values["file"], source),
        values["label"],
        together,
        source,
        _scale(path, line, values["microns_per_pixel"]),
        values["scheme"],
    )


def _name(file: str, source: str) -> str:
    """Return a file's name from the folder named like its source, else as written."""
    inner = f"/{Path(file).as_posix()}"
    return inner.rpartition(f"/{source}/")[2].lstrip("/") if f"/{source}/" in inner else inner.lstrip("/")


def _scale(path: Path, line: int, text: str) -> float | None:
    if not text:
        return None
    try:
        scale = float(text.replace(",", "."))
    except ValueError:
        scale = -1.0
    if not 0.01 <= scale <= 5:
        raise TrainingError(f"{path}, line {line}: {text!r} µm per pixel is not a scale; give 0.01 to 5")
    return scale


def _check_files(path: Path, rows: Sequence[_Row]) -> None:
    first: dict[Path, _Row] = {}
    for row in rows:
        before = first.setdefault(row.file, row)
        if before is not row:
            other = "" if before.label == row.label else f" as {before.label} and as {row.label}"
            raise TrainingError(
                f"{path}, line {row.line}: {row.file.name} is listed in line {before.line} too{other}; "
                "keep one of them"
            )
    missing = [str(row.file) for row in rows if not row.file.is_file()]
    if missing:
        raise TrainingError(
            f"{path}: {count_of(len(missing), 'file', of=len(rows))} are missing: {', '.join(missing)}; "
            "files are looked for from the table's folder"
        )


def _source(path: Path, name: str, rows: Sequence[_Row], scheme: str | None) -> Source:
    recognised = _scheme(path, rows, scheme)
    kept: list[tuple[_Row, str]] = []
    for row in rows:
        if row.scheme and row.label in BMC21:  # a corrected label, which the scheme may lack
            kept.append((row, row.label))
            continue
        if row.label not in recognised.codes:
            raise TrainingError(
                f"{path}, line {row.line}: {row.label!r} is not a class code of {recognised.name}; "
                f"use one of {', '.join(sorted(recognised.codes))}"
            )
        code = recognised.codes[row.label]
        if code is not None:
            kept.append((row, code))
    if not kept:
        raise TrainingError(f"{path}: no label of {name} has a place among the 21 classes; add other images")
    return Source(
        name,
        recognised,
        tuple(row.file for row, _ in kept),
        tuple(code for _, code in kept),
        len(rows) - len(kept),
        path.parent,
        scales={row.file: row.scale for row, _ in kept if row.scale is not None},
        together={row.file: row.together for row, _ in kept if row.together},
        titles={row.file: row.name for row, _ in kept},
    )


def _scheme(path: Path, rows: Sequence[_Row], scheme: str | None) -> Scheme:
    """Return the scheme: the given one, the table's, else the one that knows most labels."""
    for row in rows:
        if row.scheme and row.scheme not in SCHEMES:
            raise TrainingError(
                f"{path}, line {row.line}: no class scheme {row.scheme!r}; use {', '.join(sorted(SCHEMES))}"
            )
    stated = sorted({row.scheme for row in rows if row.scheme})
    if len(stated) > 1:
        raise TrainingError(
            f"{path}: {rows[0].source} has the schemes {' and '.join(stated)}; give each a source of its own"
        )
    if scheme or stated:
        return SCHEMES[scheme or stated[0]]
    labels = {row.label for row in rows}
    return scheme_of(labels) or max(SCHEMES.values(), key=lambda each: len(labels & set(each.codes)))
