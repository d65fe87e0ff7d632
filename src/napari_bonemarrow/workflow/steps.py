"""The steps of an analysis, which window and command line both take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_bonemarrow.cytology import Cells, Features, Frame, Predictions, Region
from napari_bonemarrow.engine import EngineStatus


@dataclass(frozen=True, slots=True)
class Doing:
    """What the program waits for just now; given again and again, so that the wait can be given up.

    Attributes
    ----------
    text : str
    part : float, optional
        Part that is done, 0 to 1; None where it is not known.
    seconds_left : float, optional
    """

    text: str
    part: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class TilesFound:
    """Some more tiles of a whole slide are searched.

    Attributes
    ----------
    tiles : tuple of int
        Numbers of the tiles that were searched.
    cells : Cells
        Those of these tiles; their numbers mean nothing yet.
    failed : mapping of int to str
        Tiles that cannot be read, each with its line.
    done, total : int
        Tiles so far, the failed ones included, and all there are.
    seconds_left : float or None
    plan : mapping
        JSON of the plan that the tiles belong to.
    text : str
        How far it is and how fast it goes, for people.
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
    """The detector is through.

    Attributes
    ----------
    cells : Cells
    frame : Frame
        In which ``cells.in_frame`` was told.
    searched : tuple of Region
        Where, level-0 pixels.
    failed : tuple of str
        A line for each part that could not be read.
    extends : bool
        Whether they are added to the cells that the case has, as the frame has grown.
    """

    cells: Cells
    frame: Frame
    searched: tuple[Region, ...] = field(default=())
    failed: tuple[str, ...] = ()
    extends: bool = False


@dataclass(frozen=True, slots=True)
class CellsClassified:
    """Some more cells have their classes.

    Attributes
    ----------
    predictions : Predictions
        Of these cells alone.
    done, total : int
        Cells classified so far in this analysis, and all there are to classify.
    status : EngineStatus
        Which bundle said it, on which device.
    seconds_left : float or None
    """

    predictions: Predictions
    done: int
    total: int
    status: EngineStatus
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class FeaturesFound:
    """Some more cells can be compared with others.

    Attributes
    ----------
    features : Features
        Of these cells alone.
    done, total : int
        Cells so far, and all that were missing.
    """

    features: Features
    done: int
    total: int


Step = Doing | TilesFound | CellsFound | CellsClassified | FeaturesFound
