"""The split of a detection into several cells, and the merge of several into one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.canvas.rings.cell_rings import CellRings
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.bulk_caution import BulkCaution, joining
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.correction.corrections import Corrections
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.keys.bindings import key_of
from napari_bonemarrow.slides import Slide, cut_crops

_MICRONS_PER_PIXEL = 0.25
_APART = 0.25
"""Fraction of the diameter: the centres of two discs of equal area within a circle of that diameter are this
far from its centre, or a little less."""

HINT = "Split: click both centres, or {key} again for the long axis"


class SplitMerge(SmearPart):
    """The split or merge between its key and its new cells."""

    def __init__(
        self,
        session: Session,
        rings: CellRings,
        tab: ReviewTab,
        selection: Selection,
        corrections: Corrections,
        acts: CaseActs,
        caution: BulkCaution,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._rings, self._tab, self._selection = rings, tab, selection
        self._corrections, self._acts, self._caution = corrections, acts, caution
        self.places: list[tuple[float, float]] | None = None
        """The centres clicked so far while a split is under way, else None."""

    def close(self) -> None:
        """Cancel a split with its smear."""
        self.cancel()
        super().close()

    def cancel(self) -> None:
        """Cancel a split that was begun."""
        if self.places is not None:
            self.places = None
            self._tab.show_notice("")

    def split(self) -> None:
        """Begin to split the selected cell; called again, split it along its long axis."""
        cell = self._selection.current
        if cell is None:
            return
        if self.places is None:
            self.places = []
            self._tab.show_notice(HINT.format(key=key_of("split")))
            return
        self.cancel()
        cells, at = self._rings.cells, self._rings.index_of(cell)
        if at is None:
            return
        try:
            places = long_axis_places(
                self.session.slide, float(cells.x[at]), float(cells.y[at]), float(cells.diameter_um[at])
            )
        except BoneMarrowError as error:
            self._acts.fail(error)
            return
        self._split(cell, places)

    def click(self, x: float, y: float) -> bool:
        """Use a click as a centre of a split; return whether it was used."""
        if self.places is None:
            return False
        self.places.append((x, y))
        if len(self.places) == 2:
            places, cell = self.places, self._selection.current
            self.cancel()
            if cell is not None:
                self._split(cell, places)
        return True

    def _split(self, cell: int, places: list[tuple[float, float]]) -> None:
        self._corrections.reshape(lambda: self.session.case.cell_edits.split(cell, places)[0])

    def merge(self) -> None:
        """Merge the selected cells into one."""
        current, case = self._selection.current, self.session.case
        if current is None:
            return
        cells = [current, *self._selection.others]
        self._caution.over(
            joining(case, cells), lambda: self._corrections.reshape(lambda: case.cell_edits.merge(cells))
        )


def long_axis_places(slide: Slide, x: float, y: float, diameter_um: float) -> list[tuple[float, float]]:
    """Return the likely centres of two cells detected as one, in level-0 pixels.

    They lie on the long axis of the stained area: the first eigenvector of the second moments of the
    absorbance in green within one diameter of the centre, above its median there.

    Raises
    ------
    SlideError
        If the place cannot be read.
    """
    size = max(8, round(2 * diameter_um / _MICRONS_PER_PIXEL))
    [crop] = cut_crops(slide, [x], [y], microns_per_pixel=_MICRONS_PER_PIXEL, size=size)
    return _along_axis(crop, x, y, diameter_um, slide.known_scale())


def _along_axis(
    crop: NDArray[np.uint8], x: float, y: float, diameter_um: float, scale: float
) -> list[tuple[float, float]]:
    size = crop.shape[0]
    down, across = np.mgrid[:size, :size] - (size - 1) / 2
    stain = -np.log((crop[..., 1] + 1.0) / 256.0)
    near = np.hypot(down, across) * _MICRONS_PER_PIXEL <= diameter_um
    weight = np.where(near, np.clip(stain - np.median(stain[near]), 0, None), 0.0).ravel()
    if weight.sum() <= 0:
        weight = near.astype(float).ravel()
    points = np.stack([across.ravel(), down.ravel()], axis=1)
    points -= np.average(points, axis=0, weights=weight)  # the centre of a cell is not that of its nuclei
    _lengths, axes = np.linalg.eigh((points * weight[:, None]).T @ points / weight.sum())
    step = axes[:, -1] * _APART * diameter_um / scale
    return [(float(x + sign * step[0]), float(y + sign * step[1])) for sign in (-1, 1)]
