"""The rendering of a previewed report in a thread of its own: heatmaps, then pages or a file (no Qt)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.report import ReportOptions, export
from napari_bonemarrow.report.page.page import gather_report
from napari_bonemarrow.report.page.pdf import pictures_of
from napari_bonemarrow.review import Case

RENDERING = "Rendering the pages…"


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages as PNG files, and in one line why they lack their heatmaps; empty if they do not."""

    pages: list[bytes]
    failure: str = ""


@dataclass(frozen=True)
class Rendering:
    """The renderings of a case's report.

    Every act is on the disk, and a case belongs to the thread that opened it: each rendering opens its own.

    Parameters
    ----------
    case : Path
    anonymous : bool
        Name the slide by its fingerprint.
    engine : Engine
        For the heatmaps; those once made are kept.
    """

    case: Path
    anonymous: bool
    engine: Engine
    _made: dict[tuple[str, int, str], NDArray[np.uint8]] = field(default_factory=dict, init=False)

    def pages(self, options: ReportOptions, heatmaps: bool, resolution: float) -> Iterator[str | Pages]:
        """Yield what is being done, then the pages; without heatmaps if they fail."""
        failure = ""
        with Case.open(self.case, read_only=True) as case:
            chosen = _with_model(case, options)
            if heatmaps:
                try:
                    chosen = yield from self._with_heatmaps(case, chosen)
                except BoneMarrowError as error:
                    failure = str(error)
            gathered = gather_report(case, anonymous=self.anonymous, options=chosen)
        yield RENDERING
        yield Pages(pictures_of(gathered, resolution), failure)

    def write(self, options: ReportOptions, heatmaps: bool, kind: str, path: Path) -> Iterator[str]:
        """Write the report; yield what is being done."""
        with Case.open(self.case, read_only=True) as case:
            chosen = _with_model(case, options)
            if heatmaps:
                chosen = yield from self._with_heatmaps(case, chosen)
            yield f"Writing {path.name}…"
            export(case, kind, path, anonymous=self.anonymous, options=chosen)

    def _with_heatmaps(self, case: Case, options: ReportOptions) -> Generator[str, None, ReportOptions]:
        from napari_bonemarrow.workflow.report_options import heatmap_steps

        steps = heatmap_steps(case, self.engine, self._made)
        while True:
            try:
                done, wanted = next(steps)
            except StopIteration as end:
                return replace(options, heatmaps=end.value)
            yield f"Heatmap {done + 1} of {wanted}…"


def _with_model(case: Case, options: ReportOptions) -> ReportOptions:
    from napari_bonemarrow.workflow.report_options import report_options

    return report_options(case, options)
