"""A count as text for the clipboard: for a laboratory system's form or a spreadsheet."""

from __future__ import annotations

from napari_bonemarrow.cytology import ClassCount, Differential
from napari_bonemarrow.report.tables import defused

COLUMNS = ("code", "class", "cells", "percent", "95 % interval")


def clipboard_table(count: Differential, distrust: str = "") -> str:
    """Return a count as lines of cells separated by tabs, which paste into a spreadsheet as a table.

    Parameters
    ----------
    count : Differential
    distrust : str
        Why the case must not be relied on; the first line then says so.

    Returns
    -------
    str
        A heading, a line per class and group, what was left out, M:E, and the number of counted cells. A
        percentage that may not be told is given as its reason.
    """
    lines: list[tuple[str, ...]] = [(distrust,)] if distrust else []
    lines.append(COLUMNS)
    lines += [_line(row) for row in (*count.classes, *count.groups)]
    lines += [(code, "left out of the count", str(number)) for code, number in count.excluded.items()]
    ratio = count.ratios["m_to_e"]
    lines.append(("M:E", ratio.definition, "", ratio.text))
    lines.append(("", "counted", str(count.counted)))
    return "".join("\t".join(_plain(cell) for cell in line) + "\n" for line in lines)


def _line(row: ClassCount) -> tuple[str, ...]:
    return (row.code, row.name, row.count_text, row.percent_text.removesuffix(" %"), row.ci_text)


def _plain(text: str) -> str:
    """Return a text that stays in its cell and is not taken for a formula."""
    return str(defused(" ".join(text.split())))
