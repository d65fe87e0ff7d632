"""Where a slide is searched: the ranking of its regions, the frame that grows by it, tiles under way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, RegionRanking
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review.case.recording import CaseRuns
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.arrays import cells_to_arrays, pack, unpack
from napari_bonemarrow.review.journal.events import Change, Draft, Kind, canonical
from napari_bonemarrow.review.journal.journal_json import frame_to_json, ranking_to_json
from napari_bonemarrow.review.journal.reading import SECOND


class CaseRegions(CaseRuns):
    """What is written about the regions of a slide. Use it as `Case`."""

    def record_ranking(
        self, ranking: RegionRanking, quality: Mapping[str, NDArray[Any]] | None = None
    ) -> Change | None:
        """Write down in which order regions shall be counted; None where just that was written before.

        Parameters
        ----------
        ranking : RegionRanking
        quality : mapping of str to ndarray, optional
            The quality map that it was made by, as arrays by name.

        Raises
        ------
        CaseError
            Where classes have been seen: an order made then might follow them.
        """
        same = ranking == self._state.ranking
        if same and (quality is None or self._state.quality is not None):
            return None
        if not same and self._state.classes_seen:
            raise CaseError("classes have been seen, so regions are no longer ranked: start a new case")
        old = None if self._state.ranking is None else ranking_to_json(self._state.ranking)
        specs, blobs = pack(quality or {})
        new = {**ranking_to_json(ranking), **({"arrays": specs} if specs else {})}
        return self._act(Draft(Kind.REGIONS_RANKED, old=old, new=new, source="rule"), blobs)

    @property
    def quality(self) -> dict[str, NDArray[Any]] | None:
        """The arrays of the quality map that regions were ranked by, by name; None where none was kept."""
        specs = self._state.quality
        return None if specs is None else unpack(specs, self._journal.blob)

    def extend_frame(self, count: int) -> Change | None:
        """Count the first so many ranked regions; None where the frame is that already.

        This may be done after classes were seen, since the order was fixed before: the next region in
        line says nothing of what is in it.

        Parameters
        ----------
        count : int
            At least as many as now.

        Raises
        ------
        CaseError
            Where no regions were ranked, there are fewer, or the frame was chosen in another way.
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
        wider = replace(frame, regions=ranking.regions[:count])
        target = self._state.target
        old, new = frame_to_json(frame, target), frame_to_json(wider, target)
        return self._act(Draft(Kind.FRAME_SET, old=old, new=new, source="rule"))

    def record_tiles(
        self,
        plan: Mapping[str, Any],
        tiles: Sequence[int],
        cells: Cells,
        failed: Mapping[int, str] | None = None,
    ) -> Change:
        """Keep what some tiles of a search have brought, so that it can go on after a crash.

        The cells belong to the case only when the search has come to its end and `record_detection` is
        called. Tiles of another plan put those of the plan before out of force.

        Parameters
        ----------
        plan : mapping
            JSON of the plan.
        tiles : sequence of int
            Tiles that were searched.
        cells : Cells
            Those whose centres lie in them; their numbers mean nothing.
        failed : mapping of int to str, optional
            Tiles that could not be read, each with its line.

        Raises
        ------
        CaseError
            Where the scale is not known, or a tile was searched before.
        """
        if self._state.scale is None:
            raise CaseError("the scale is not known: confirm the µm per pixel before finding cells")
        plan = json.loads(canonical(plan))  # as reopening the case will give it back
        search = self._state.search
        if search is not None and search.plan == plan and search.done.intersection(tiles):
            tile = min(search.done.intersection(tiles))
            raise CaseError(f"tile {tile} was searched before: its cells would be counted twice")
        specs, blobs = pack(cells_to_arrays(cells))
        new = {
            "plan": plan,
            "tiles": [int(tile) for tile in tiles],
            "failed": {str(tile): text for tile, text in (failed or {}).items()},
            "arrays": specs,
        }
        return self._act(Draft(Kind.TILES_SEARCHED, new=new, source="detector"), blobs, ())
