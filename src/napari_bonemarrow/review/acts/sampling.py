"""The counted sample: the scale, the ranking of regions, and the frame that is extended by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Frame, RegionRanking
from napari_bonemarrow.cytology.defaults import TARGET
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.acts.permission import NotAllowedError, in_sample
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.arrays import pack, unpack
from napari_bonemarrow.review.journal.documents import RankingPayload
from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.journal_json import (
    frame_from_json,
    frame_to_json,
    ranking_from_json,
    ranking_to_json,
    scale_from_json,
    scale_to_json,
)
from napari_bonemarrow.review.journal.reading import SECOND
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale


_SAMPLED = (
    "a sample of the counted cells is being reviewed, so the frame stays as it is: review all cells instead "
    "to change it"
)


class Sampling:
    """The counted sample of a slide, and its scale."""

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    @property
    def classes_seen(self) -> bool:
        """Return whether a model or a reader has given a cell a class, which fixes scale and frame."""
        return self._state.classes_seen

    def confirm_scale(self, scale: Scale) -> Change | None:
        """Record the physical scale; None if it is unchanged.

        Raises
        ------
        CaseError
            If cells were found at another scale and not discarded with `Detection.discard`.
        """
        before = self._state.scale
        if before == scale:
            return None
        rests = self._state.classes_seen or (self._state.detected and len(self._state.table) > 0)
        if rests and before and before.microns_per_pixel != scale.microns_per_pixel:
            raise CaseError(
                f"cells were found at {before.microns_per_pixel:g} µm per pixel: "
                f"start a new case to count at {scale.microns_per_pixel:g}"
            )
        old = None if before is None else scale_to_json(before)
        return self._core.act(Draft(EventKind.SCALE_CONFIRMED, old=old, new=scale_to_json(scale)))

    def set_frame(self, frame: Frame, target: int = TARGET) -> Change | None:
        """Set the counting frame before classes are seen; None if it is unchanged.

        Raises
        ------
        CaseError
            If the scale is not known, the target is not positive, the frame is of another image or
            empty, or the frame is changed or the target lowered after classes have been seen. The target
            alone may still be raised near a threshold, and lowered again to its old value.
        """
        microns = self._core.known_scale("setting the frame").microns_per_pixel
        if target < 1:
            raise CaseError(f"a target of {count_of(target, 'cell')} is none: give a positive number")
        slide = self._core.slide_record
        if (frame.width, frame.height) != (slide.width, slide.height):
            raise CaseError(
                f"the frame is of an image of {frame.width}×{frame.height} pixels, the slide has "
                f"{slide.width}×{slide.height}: set it again"
            )
        if not frame.counted_regions(microns):
            raise CaseError(
                f"nothing is left to count inside the margin of {frame.margin_um:g} µm: "
                "use a larger field or region"
            )
        if (frame, target) == (self._state.frame, self._state.target):
            return None
        if in_sample(self._state) and frame != self._state.frame:
            raise CaseError(_SAMPLED)
        if self._state.classes_seen and self._state.frame not in (None, frame):
            raise CaseError(
                "classes have been seen, so the frame stays as it is: start a new case to change it"
            )
        if target < self.least_target:
            raise CaseError(
                f"classes have been seen with a target of {self.least_target} cells: it can be raised, not "
                "lowered"
            )
        before = self._state.frame
        old = None if before is None else frame_to_json(before, self._state.target)
        return self._core.act(Draft(EventKind.FRAME_SET, old=old, new=frame_to_json(frame, int(target))))

    @property
    def least_target(self) -> int:
        """Return the lowest target allowed: 1, or the target at the time when classes were first seen."""
        if not self._state.classes_seen or self._state.frame is None:
            return 1
        target, events = self._state.target, self._core.journal.lines.events
        for event in events:
            kind = events[event.refers - 1].kind if event.refers else event.kind
            if kind in (EventKind.FRAME_SET, EventKind.COUNTING_RULES_SET):
                target = int(event.new["target"])  # of an undo, what was before
            elif EVENT_SPECS[event.kind].gives_classes:
                break
        return target

    @property
    def ranking(self) -> RegionRanking | None:
        """Return the regions of the slide from best to worst, None if none were ranked."""
        return self._state.ranking

    def record_ranking(
        self, ranking: RegionRanking, quality: Mapping[str, NDArray[Any]] | None = None
    ) -> Change | None:
        """Record the order in which regions are counted; None if it is unchanged.

        Parameters
        ----------
        ranking : RegionRanking
        quality : mapping of str to ndarray, optional
            The quality map that it is based on, as arrays by name.

        Raises
        ------
        CaseError
            If classes have been seen: an order made then might depend on them.
        """
        same = ranking == self._state.ranking
        if same and (quality is None or self._state.quality is not None):
            return None
        if not same and self._state.classes_seen:
            raise CaseError("classes have been seen, so regions are no longer ranked: start a new case")
        old = None if self._state.ranking is None else ranking_to_json(self._state.ranking)
        specs, blobs = pack(quality or {})
        new = ranking_to_json(ranking)
        if specs:
            new["arrays"] = specs
        return self._core.act(Draft(EventKind.REGIONS_RANKED, old=old, new=new, source="rule"), blobs)

    @property
    def quality(self) -> dict[str, NDArray[Any]] | None:
        """Return the arrays of the quality map behind the ranking, by name; None if none was kept."""
        specs = self._state.quality
        return None if specs is None else unpack(specs, self._core.journal.blob)

    @property
    def chosen_by_rank(self) -> int:
        """Return how many ranked regions, from the first, form the frame; 0 if it was chosen otherwise."""
        frame, ranking = self._state.frame, self._state.ranking
        if frame is None or ranking is None or frame.images:
            return 0
        count = len(frame.regions)
        return count if ranking.regions[:count] == frame.regions else 0

    @property
    def frame_choice(self) -> str:
        """Return how the frame was chosen: ``whole``, ``ranked`` or ``reviewer``; empty if there is none."""
        frame = self._state.frame
        if frame is None:
            return ""
        if frame == Frame.whole_field(frame.width, frame.height, frame.margin_um, frame.images):
            return "whole"
        return "ranked" if self.chosen_by_rank else "reviewer"

    def extend_frame(self, count: int) -> Change | None:
        """Extend the frame to the first ``count`` ranked regions; None if it is unchanged.

        Allowed after classes were seen, since the order was fixed before: the choice of the next
        region does not depend on its content.

        Parameters
        ----------
        count : int
            At least the current number.

        Raises
        ------
        CaseError
            If no regions were ranked, there are fewer, or the frame was chosen in another way.
        """
        if SECOND in self._state.reads:
            raise CaseError("both readers read the same cells: the frame stays as it is")
        frame, ranking, before = self._state.frame, self._state.ranking, self.chosen_by_rank
        if ranking is None or frame is None or not before:
            raise CaseError("the frame was not taken from ranked regions, so it cannot grow by them")
        if not before <= count <= len(ranking.regions):
            raise CaseError(
                f"{count_of(count, 'region')} asked for: {before} are counted and "
                f"{len(ranking.regions)} were ranked"
            )
        if count == before:
            return None
        if in_sample(self._state):
            raise CaseError(_SAMPLED)
        wider = replace(frame, regions=ranking.regions[:count])
        target = self._state.target
        old, new = frame_to_json(frame, target), frame_to_json(wider, target)
        return self._core.act(Draft(EventKind.FRAME_SET, old=old, new=new, source="rule"))


def _set_scale(state: State, event: Event) -> None:
    """Set the scale; kept cells keep their place and their width in pixels."""
    before, scale = state.scale, scale_from_json(event.new)
    state.scale = scale
    if len(state.table) and before is not None:
        state.table.columns["diameter_um"] = state.table.columns["diameter_um"] * np.float32(
            scale.microns_per_pixel / before.microns_per_pixel
        )
        state.place()


def _set_frame(state: State, event: Event) -> None:
    slide, (frame, target) = state.slide, frame_from_json(event.new)
    if slide is None or (frame.width, frame.height) != (slide.width, slide.height):
        raise ValueError("the frame is of another image")
    if in_sample(state) and frame != state.frame:
        raise NotAllowedError(_SAMPLED)
    state.frame, state.target = frame, target
    state.place()


def _rank_regions(state: State, event: Event) -> None:
    new: RankingPayload = event.new
    state.ranking = ranking_from_json(new)
    state.quality = new.get("arrays")  # missing in journals of older versions


EFFECTS: Effects = {
    EventKind.SCALE_CONFIRMED: Effect(_set_scale),
    EventKind.FRAME_SET: Effect(_set_frame),
    EventKind.REGIONS_RANKED: Effect(_rank_regions),
}
