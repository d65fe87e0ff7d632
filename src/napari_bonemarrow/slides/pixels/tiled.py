"""Tiled levels of a slide, read on demand."""

from __future__ import annotations

import math
import operator
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.library_messages import reason
from napari_bonemarrow.slides.pixels.tile_cache import tile_cache
from napari_bonemarrow.slides.slide import SlideError

ReadTile = Callable[[int, int], NDArray[np.uint8]]
"""Function that reads the tile of a row and a column; at the right or lower edge it may be padded."""

BLANK = 255
"""Colour of an unreadable tile where reading must continue: the white of an empty slide."""


class TileError(SlideError):
    """An unreadable tile, one line: file, level, column and row, why, what to do.

    Attributes
    ----------
    level, column, row : int
        The tile, counted from 0; -1 where unknown.
    """

    level: int = -1
    column: int = -1
    row: int = -1

    @classmethod
    def of(cls, name: str, level: int, column: int, row: int, error: BaseException) -> TileError:
        """Return the error of a tile."""
        if isinstance(error, OSError) and error.errno is not None:
            why, advice = error.strerror or str(error), "check the disk or network, then try again"
        elif isinstance(error, MemoryError):
            why, advice = "not enough memory", "close other programs"
        else:
            why = reason(error)
            advice = "the rest can be used; copy or export the file again"
        made = cls(
            f"{name}: the tile at level {level}, column {column}, row {row} cannot be read ({why}); {advice}"
        )
        made.level, made.column, made.row = level, column, row
        return made


class TiledLevel:
    """RGB pixels of one magnification, decoded a tile at a time through the process's cache.

    It may be read from several threads at once.

    Parameters
    ----------
    name : str
        The file, for error messages.
    index : int
        Number of the level.
    shape : tuple of int
        Height and width, px; a third number is ignored.
    tile : tuple of int
        Height and width of a tile, px: the file's own, so that nothing is decoded twice.
    read_tile : callable
        Takes row and column, returns uint8 of shape (h, w, 3). Called from any thread.
    """

    def __init__(
        self, name: str, index: int, shape: tuple[int, ...], tile: tuple[int, int], read_tile: ReadTile
    ) -> None:
        self.name = name
        self.index = index
        self.shape: tuple[int, int, int] = (int(shape[0]), int(shape[1]), 3)
        self.tile_shape = (min(int(tile[0]), self.shape[0]), min(int(tile[1]), self.shape[1]))
        self._read_tile = read_tile
        self._owner = tile_cache.new_owner()
        weakref.finalize(self, tile_cache.drop, self._owner)

    dtype = np.dtype(np.uint8)
    ndim = 3

    @property
    def chunks(self) -> tuple[int, int, int]:
        """Return height and width of a tile, and 3, as in zarr and dask."""
        return (*self.tile_shape, 3)

    @property
    def size(self) -> int:
        """Return the number of samples."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Return the bytes of the whole level."""
        return self.size

    @property
    def grid(self) -> tuple[int, int]:
        """Return rows and columns of tiles."""
        height, width = self.tile_shape
        return -(-self.shape[0] // height), -(-self.shape[1] // width)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<level {self.index} of {self.name}: {self.shape[1]}×{self.shape[0]} px>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:, :], dtype)

    def cached_tile(self, row: int, column: int) -> NDArray[np.uint8] | None:
        """Return a tile in memory, else None; never reads."""
        return tile_cache.get((self._owner, row, column))

    def tile(self, row: int, column: int) -> NDArray[np.uint8]:
        """Return a tile, clipped to the level; read-only.

        Raises
        ------
        TileError
            If it cannot be read.
        IndexError
            If there is no such tile.
        """
        rows, columns = self.grid
        if not (0 <= row < rows and 0 <= column < columns):
            raise IndexError(
                f"level {self.index} has {rows}×{columns} tiles, none at row {row}, column {column}"
            )
        return self.tile_by(row, column, self._read_tile)

    def tile_by(self, row: int, column: int, read: ReadTile) -> NDArray[np.uint8]:
        """Return a tile as `tile` does, but with another reader."""
        return tile_cache.get_or_read((self._owner, row, column), lambda: self._load(row, column, read))

    def tile_or_blank(self, row: int, column: int) -> NDArray[np.uint8]:
        """Return a tile, white where it cannot be read: for display, never for counting."""
        try:
            return self.tile(row, column)
        except TileError:
            return np.full((*self._extent(row, column), 3), BLANK, np.uint8)

    def forgiving(self) -> Through:
        """Return the level with white in place of unreadable tiles: for display, never for counting."""
        return Through(self, self.tile_or_blank)

    def __getitem__(self, key: Any, /) -> Any:
        """Read a part, by integers and slices of any step.

        Raises
        ------
        TileError
            If a tile of that part cannot be read.
        """
        return _read(self, key, self.tile)

    def _extent(self, row: int, column: int) -> tuple[int, int]:
        height, width = self.tile_shape
        return min(height, self.shape[0] - row * height), min(width, self.shape[1] - column * width)

    def _load(self, row: int, column: int, read_tile: ReadTile) -> NDArray[np.uint8]:
        height, width = self._extent(row, column)
        try:
            read = np.asarray(read_tile(row, column))
            if read.dtype != np.uint8 or read.ndim != 3 or read.shape[2] != 3:
                raise ValueError(f"its pixels are of shape {read.shape} and type {read.dtype}")
            if read.shape[0] < height or read.shape[1] < width:
                raise ValueError(f"it is {read.shape[1]}×{read.shape[0]} px instead of {width}×{height}")
        except TileError:
            raise
        # A decoder raises any error on damaged bytes: it is the tile's.
        except Exception as error:
            raise TileError.of(self.name, self.index, column, row, error) from error
        # A copy where the tile is a view, which would keep its uncounted base in memory.
        tile = read[:height, :width]
        tile = np.ascontiguousarray(tile) if tile.base is None else tile.copy()
        tile.flags.writeable = False
        return tile


class Through:
    """A tiled level with another source of tiles.

    Parameters
    ----------
    level : TiledLevel
    tile_of : callable
        Takes row and column of a tile, returns it clipped to the level.
    """

    def __init__(self, level: TiledLevel, tile_of: ReadTile) -> None:
        self._level, self._tile_of = level, tile_of
        self.shape = level.shape

    dtype = np.dtype(np.uint8)
    ndim = 3

    @property
    def chunks(self) -> tuple[int, int, int]:
        """Return height and width of a tile, and 3."""
        return self._level.chunks

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:, :], dtype)

    def __getitem__(self, key: Any, /) -> Any:
        """Read a part, by integers and slices of any step."""
        return _read(self._level, key, self._tile_of)


def _read(level: TiledLevel, key: Any, tile_of: ReadTile) -> Any:
    ys, xs, rest, drop = _parse(key, level.shape)
    flip_y, flip_x = ys.step < 0, xs.step < 0
    ys, xs = (ys[::-1] if flip_y else ys), (xs[::-1] if flip_x else xs)
    out = np.empty((len(ys), len(xs), 3), np.uint8)
    height, width = level.tile_shape
    if len(ys) and len(xs):
        for row in range(ys[0] // height, ys[-1] // height + 1):
            to_y, from_y = _within(ys, row * height, height)
            for column in range(xs[0] // width, xs[-1] // width + 1):
                to_x, from_x = _within(xs, column * width, width)
                if to_y.start < to_y.stop and to_x.start < to_x.stop:
                    out[to_y, to_x] = tile_of(row, column)[from_y, from_x]
    if flip_y:
        out = out[::-1]
    if flip_x:
        out = out[:, ::-1]
    out = out[0] if drop[0] else out
    out = out[..., 0, :] if drop[1] else out
    return out[(..., rest)]


def _within(wanted: range, start: int, length: int) -> tuple[slice, slice]:
    """Return the wanted indices in a tile: their places in the result, and in the tile."""
    step = wanted.step
    first = max(0, -(-(start - wanted.start) // step))
    last = min(len(wanted), -(-(start + length - wanted.start) // step))
    begin = wanted.start + first * step - start
    return slice(first, last), slice(begin, begin + max(0, last - first - 1) * step + 1, step)


def _parse(key: Any, shape: tuple[int, int, int]) -> tuple[range, range, Any, tuple[bool, bool]]:
    """Return the parts of a subscript: rows, columns, colours, and which axes are dropped."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(each is Ellipsis for each in keys):
        at = next(i for i, each in enumerate(keys) if each is Ellipsis)
        keys[at : at + 1] = [slice(None)] * (4 - len(keys))
    keys += [slice(None)] * (3 - len(keys))
    if len(keys) > 3:
        raise IndexError(f"too many indices for a level: {len(keys)} for 3 axes")
    spans, drop = [], []
    for each, length in zip(keys[:2], shape[:2], strict=True):
        if isinstance(each, slice):
            spans.append(range(*each.indices(length)))
            drop.append(False)
            continue
        index = operator.index(each)  # a TypeError for anything but a whole number
        if not -length <= index < length:
            raise IndexError(f"index {index} is out of bounds for {length} px")
        spans.append(range(index % length, index % length + 1))
        drop.append(True)
    return spans[0], spans[1], keys[2], (drop[0], drop[1])
