"""The printed report of a reviewed count of about 500 cells on a drawn smear.

``python -m benchmarks.report`` runs it alone. Cold is a fresh process with its imports; warm is the
best of five in a process that has written one. The montage is timed apart: its cells are cut from the slide,
here a PNG of 25 megapixels, which is decoded first.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.drawn_case import drawn_case

ROUNDS = 5
_COLD = """
import sys, time
begun = time.perf_counter()
from pathlib import Path
from napari_bonemarrow.report import ReportOptions, export
from napari_bonemarrow.review import Case
with Case.open(sys.argv[1], read_only=True) as case:
    export(case, "pdf", Path(sys.argv[2]), options=ReportOptions(montage=sys.argv[3] == "pictures"))
print(time.perf_counter() - begun)
"""


def run() -> list[dict[str, object]]:
    """Return the rows of this benchmark."""
    from napari_bonemarrow.report import ReportOptions, export
    from napari_bonemarrow.report.page.page import gather_report
    from napari_bonemarrow.report.page.pdf import pdf_of, pictures_of

    rows: list[dict[str, object]] = []

    def row(name: str, seconds: float, bar: str = "") -> None:
        rows.append({"name": name, "value": seconds, "unit": "s", "peer": None, "ratio": None, "bar": bar})

    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder), Path(folder) / "out.pdf"
        with drawn_case(path, side=3) as case:
            cells = case.differential().counted
            plain, pictures = ReportOptions(montage=False), ReportOptions(montage=True)
            for name, options in (("a page", plain), ("with a montage", pictures)):
                row(f"PDF of {cells} cells, {name}, cold", _cold(case.path, out, options.montage), "< 2 s")
                write = partial(export, case, "pdf", out, options=options)
                warm = min(_timed(write) for _ in range(ROUNDS))
                row(f"PDF of {cells} cells, {name}, warm", warm, "< 2 s")
            gathered = gather_report(case, options=pictures)
            row("its parts: gathered from the case", _timed(lambda: gather_report(case, options=pictures)))
            row("its parts: cut and typeset, cells cut before", _timed(lambda: pdf_of(gathered)))
            row("its parts: pages as pictures for the preview", _timed(lambda: pictures_of(gathered)))
            row("HTML, with a montage, warm", _timed(lambda: export(case, "html", out, options=pictures)))
    return rows


def _cold(case: Path, out: Path, montage: bool | None) -> float:
    arguments = [sys.executable, "-c", _COLD, str(case), str(out), "pictures" if montage else "none"]
    return float(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


if __name__ == "__main__":
    for each in run():
        sys.stdout.write(json.dumps(each) + "\n")
