"""Results as tables in the terminal."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from napari_bonemarrow.cytology import Differential
from napari_bonemarrow.cytology.lines import one_line
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.cytology.statements import RESEARCH_USE


def differential_table(count: Differential) -> Group:
    """Return a differential as a table: classes with intervals, excluded cells, M:E and notes."""
    table = Table(
        title=f"{count_of(count.counted, 'cell')} counted of {count.target} aimed at", title_justify="left"
    )
    table.add_column("Code", no_wrap=True)
    table.add_column("Class")
    for name in ("Cells", "Percent", "95 % interval"):
        table.add_column(name, justify="right")
    for row in count.classes:
        if row.known_count is not None:
            table.add_row(
                *(Text(one_line(each)) for each in (row.code, row.name)),
                str(row.count),
                row.percent_text,
                row.ci_text,
            )
    left_out = ", ".join(f"{code} {number}" for code, number in count.excluded.items()) or "none"
    lines = [
        f"left out of the count: {left_out}",
        f"M:E {count.ratios['m_to_e'].text}",
        f"reviewed {count.reviewed}, by the model alone {count.unreviewed - count.imported}"
        + (f", imported {count.imported}" if count.imported else ""),
        *(flag.text for flag in count.flags if flag.text != count.unlike_text),
        f"{RESEARCH_USE}.",
    ]
    first = [Text(count.unlike_text, style="bold")] if count.unlike_text else []
    return Group(*first, table, *(Text(one_line(line, None)) for line in lines))
