"""Steps of an analysis, shared by window and command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_bonemarrow.cytology import Cells, Features, Frame, Predictions, Region
from napari_bonemarrow.engine import EngineStatus


@dataclass(frozen=True, slots=True)
class Doing:
    """The present activity; repeated, so that waiting can be cancelled.

    Attributes
    ----------
    text : str
    part : float, optional
        Completed part, 0 to 1; None if unknown.
    seconds_left : float, optional
    """

    text: str
    part: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class TilesFound:
    """Further searched tiles of a whole slide.

    Attributes
    ----------
    tiles : tuple of int
        Numbers of the searched tiles.
    cells : Cells
        Cells of these tiles; their numbers are provisional.
    failed : mapping of int to str
        Unreadable tiles, each with its error line.
    done, total : int
        Tiles so far, including failed ones, and all.
    seconds_left : float or None
    plan : mapping
        JSON of the tiles' plan.
    text : str
        Progress and pace, for people.
    """

    tiles: tuple[int, ...]
    cells: Cells
    failed: Mapping[int, str]
    done: int
    total: int
    seconds_left: float | None
    plan: Mapping[str, Any]
    text: str = ""


@dataclass(frozen=True, slots=True)
class CellsFound:
    """The result of a completed detection.

    Attributes
    ----------
    cells : Cells
    frame : Frame
        The frame of ``cells.in_frame``.
    searched : tuple of Region
        Searched regions, level-0 pixels.
    failed : tuple of str
        A line for each unreadable part.
    extends : bool
        Whether they are added to the case's cells, since the frame has grown.
    """

    cells: Cells
    frame: Frame
    searched: tuple[Region, ...] = field(default=())
    failed: tuple[str, ...] = ()
    extends: bool = False


@dataclass(frozen=True, slots=True)
class CellsClassified:
    """Predictions of further cells.

    Attributes
    ----------
    predictions : Predictions
        Of these cells only.
    done, total : int
        Cells classified so far in this analysis, and all.
    status : EngineStatus
        The bundle and its device.
    seconds_left : float or None
    """

    predictions: Predictions
    done: int
    total: int
    status: EngineStatus
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class FeaturesFound:
    """Feature vectors of further cells.

    Attributes
    ----------
    features : Features
        Of these cells only.
    done, total : int
        Cells so far, and all missing ones.
    """

    features: Features
    done: int
    total: int


Step = Doing | TilesFound | CellsFound | CellsClassified | FeaturesFound
