"""The quality map of the open slide, from a survey or from its case, with its key in the Slide tab."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QObject

from napari_bonemarrow.gui.canvas.layers.quality_layer import quality_layer, reason_swatch, score_swatch
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.setup.region_choice_part import RegionChoicePart
from napari_bonemarrow.gui.setup.slide_models import LegendRow
from napari_bonemarrow.slides.survey.quality_map import QualityMap, Reason

_STRIP = 96


class QualityMapView(SmearPart):
    """The map's layer, switch and key, which follow one another."""

    def __init__(
        self, session: Session, smear_viewer: SmearViewer, part: RegionChoicePart, parent: QObject
    ) -> None:
        super().__init__(session, parent)
        self._smear_viewer, self._part = smear_viewer, part
        self.map: QualityMap | None = None
        self.follow(part.legend.toggled, self._on_toggled)
        self.follow(smear_viewer.layers_changed, self._follow_layer)
        # If cells are counted already the map is hidden at first.
        self.show(kept_map(session), on=session.case.frame is None)

    def show(self, quality: QualityMap | None, *, on: bool = True) -> None:
        """Show a map, replacing the earlier one; None removes it."""
        self.map = quality
        if quality is None:
            self._smear_viewer.show_quality(None)
            self._part.hide_legend()
            return
        layer = quality_layer(quality)
        layer.visible = on
        layer.events.visible.connect(self._follow_layer)
        self._smear_viewer.show_quality(layer)
        self._part.show_legend(score_swatch(_STRIP), legend_rows(quality))
        self._follow_layer()

    def _on_toggled(self, on: bool) -> None:
        layer = self._smear_viewer.quality
        if layer is not None:
            layer.visible = on
        elif on and self.map is not None:
            self.show(self.map)  # it was removed from the layer list

    def _follow_layer(self, _event: object = None) -> None:
        layer = self._smear_viewer.quality
        self._part.legend.set_on(layer is not None and layer.visible)


def kept_map(session: Session) -> QualityMap | None:
    """Return the map in a case; None if it has none, or one of another version."""
    slide, arrays = session.slide, session.case.sampling.quality
    if arrays is None or slide.microns_per_pixel is None:
        return None
    try:
        return QualityMap.from_arrays(slide.width, slide.height, slide.microns_per_pixel, arrays)
    except ValueError:
        return None


def legend_rows(quality: QualityMap) -> list[LegendRow]:
    """Return the avoided shares of the smear by reason, the most frequent first.

    Bare glass is neither drawn nor part of the smear.
    """
    numbers = np.bincount(quality.reason.ravel(), minlength=len(Reason))
    numbers[Reason.BLANK] = 0
    smear = int(numbers.sum())
    avoided = [each for each in Reason if each != Reason.NONE and numbers[each]]
    avoided.sort(key=lambda each: -numbers[each])
    return [
        LegendRow(reason_swatch(each), each.text, _percent(int(numbers[each]), smear)) for each in avoided
    ]


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %" if count * 100 >= total else "< 1 %"
