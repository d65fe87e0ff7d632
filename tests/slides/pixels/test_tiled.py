"""Lazily read levels: subscripts like an array's, bounded memory, errors that name a tile."""

from __future__ import annotations

import gc
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_bonemarrow.slides import SlideError
from napari_bonemarrow.slides.pixels.tile_cache import TileCache, tile_cache
from napari_bonemarrow.slides.pixels.tiled import TiledLevel, TileError
from napari_bonemarrow.slides.slide import Level

PIXELS = np.random.default_rng(0).integers(0, 256, (70, 93, 3), np.uint8)


def _padded(row: int, column: int) -> np.ndarray:
    """A tile of 16 × 20 as files keep it: the last ones filled up."""
    tile = np.zeros((16, 20, 3), np.uint8)
    part = PIXELS[row * 16 : row * 16 + 16, column * 20 : column * 20 + 20]
    tile[: part.shape[0], : part.shape[1]] = part
    return tile


@pytest.fixture
def level() -> TiledLevel:
    return TiledLevel("smear.tif", 0, PIXELS.shape, (16, 20), _padded)


def test_it_is_a_level_that_says_its_tiles(level: TiledLevel) -> None:
    assert isinstance(level, Level)
    assert (level.shape, level.ndim, level.dtype) == ((70, 93, 3), 3, np.uint8)
    assert (level.chunks, level.tile_shape, level.grid) == ((16, 20, 3), (16, 20), (5, 5))
    assert level.tile(4, 4).shape == (6, 13, 3)
    assert not level.tile(0, 0).flags.writeable
    with pytest.raises(IndexError, match="5×5"):
        level.tile(5, 0)
    with pytest.raises(IndexError, match="5×5"):
        level.tile(0, -1)


_index = st.integers(-70, 69)
_bound = st.none() | st.integers(-120, 120)
_slice = st.builds(slice, _bound, _bound, st.none() | st.integers(-40, 40).filter(bool))


@settings(max_examples=150, deadline=None)
@given(_index | _slice, _index | _slice, st.integers(-3, 2) | _slice)
def test_any_subscript_is_an_arrays(y: int | slice, x: int | slice, channel: int | slice) -> None:
    level = TiledLevel("smear.tif", 0, PIXELS.shape, (16, 20), _padded)
    assert np.array_equal(level[y, x, channel], PIXELS[y, x, channel])


def test_short_subscripts_and_numpy_itself(level: TiledLevel) -> None:
    for key in (slice(3, 9), 5, ..., (..., 1), (4, ...), (slice(2, 60, 7), slice(None))):
        assert np.array_equal(level[key], PIXELS[key]), key
    assert np.array_equal(np.asarray(level), PIXELS)
    for key, error in (((70, 0), IndexError), ((0, 0, 0, 0), IndexError), (([0, 1], 0), TypeError)):
        with pytest.raises(error):
            level[key]


def test_a_tile_is_decoded_once_however_many_threads_ask(level: TiledLevel) -> None:
    started, asked = threading.Event(), []

    def slowly(row: int, column: int) -> np.ndarray:
        asked.append((row, column))
        started.wait(10)
        return _padded(row, column)

    level = TiledLevel("smear.tif", 0, PIXELS.shape, (16, 20), slowly)
    with ThreadPoolExecutor(8) as pool:
        tiles = [pool.submit(level.tile, 1, 2) for _ in range(8)]
        started.set()
        for tile in tiles:
            assert np.array_equal(tile.result(10), PIXELS[16:32, 40:60])
    assert asked == [(1, 2)]


def test_only_the_tiles_of_a_part_are_read(level: TiledLevel) -> None:
    asked = []
    level = TiledLevel("s", 0, PIXELS.shape, (16, 20), lambda r, c: asked.append((r, c)) or _padded(r, c))
    assert level.cached_tile(2, 2) is None
    level[32:48, 40:60]
    assert asked == [(2, 2)]
    assert np.array_equal(level.cached_tile(2, 2), PIXELS[32:48, 40:60])
    level[::64, 45]  # a step over whole rows of tiles
    assert asked == [(2, 2), (0, 2), (4, 2)]


def test_the_cache_is_bounded_and_lets_go_of_closed_levels() -> None:
    cache = TileCache(3 * 1200)
    for row in range(5):
        cache.get_or_read((0, row, 0), lambda: np.zeros((20, 20, 3), np.uint8))
    assert cache.bytes == 3600
    assert cache.get((0, 1, 0)) is None
    assert cache.get((0, 4, 0)) is not None
    big = cache.get_or_read((1, 0, 0), lambda: np.ones((90, 90, 3), np.uint8))
    assert big.all()
    assert cache.bytes <= 3600
    cache.limit(1300)
    assert cache.bytes == 1200
    gc.collect()  # levels that others left in circles are not let go in between
    before = tile_cache.bytes
    level = TiledLevel("s", 0, PIXELS.shape, (16, 20), _padded)
    level[:, :]
    assert tile_cache.bytes - before == PIXELS.nbytes
    del level
    gc.collect()
    assert tile_cache.bytes == before


def test_a_level_that_is_collected_while_the_cache_is_in_use_does_not_block_it() -> None:
    cache = TileCache(10_000)
    cache.get_or_read((7, 0, 0), lambda: np.zeros((20, 20, 3), np.uint8))
    with cache._lock:  # as the garbage collector may strike in the midst of the cache's own work
        cache.drop(7)
    assert cache.bytes == 1200
    cache.get_or_read((8, 0, 0), lambda: np.zeros((10, 10, 3), np.uint8))
    assert cache.bytes == 300


def _damaged(row: int, column: int) -> np.ndarray:
    if (row, column) == (2, 3):
        raise ValueError("zlib says -3\nat offset 12")
    return _padded(row, column)


def test_a_damaged_tile_is_named_and_the_others_go_on() -> None:
    level = TiledLevel("smear.tif", 1, PIXELS.shape, (16, 20), _damaged)
    with pytest.raises(TileError, match=r"smear\.tif.*level 1, column 3, row 2.*zlib says -3 at") as caught:
        level[:, :]
    assert isinstance(caught.value, SlideError)
    assert "\n" not in str(caught.value)
    copy = pickle.loads(pickle.dumps(caught.value))  # errors travel between processes
    assert (str(copy), copy.level, copy.column, copy.row) == (str(caught.value), 1, 3, 2)
    assert np.array_equal(level[:32], PIXELS[:32])
    shown = level.forgiving()[:, :]
    assert (shown[32:48, 60:80] == 255).all()
    shown[32:48, 60:80] = PIXELS[32:48, 60:80]
    assert np.array_equal(shown, PIXELS)


def test_what_failed_is_tried_again() -> None:
    reasons = [OSError(5, "Input/output error")]

    def flaky(row: int, column: int) -> np.ndarray:
        if reasons:
            raise reasons.pop()
        return _padded(row, column)

    level = TiledLevel("//server/smear.tif", 0, PIXELS.shape, (16, 20), flaky)
    with pytest.raises(TileError, match=r"Input/output error.*network"):
        level.tile(0, 0)
    assert np.array_equal(level.tile(0, 0), PIXELS[:16, :20])


@pytest.mark.parametrize(
    "tile", [np.zeros((16, 20), np.uint8), np.zeros((16, 20, 3), np.uint16), np.zeros((9, 20, 3), np.uint8)]
)
def test_a_tile_of_a_wrong_kind_is_an_error_not_pixels(tile: np.ndarray) -> None:
    level = TiledLevel("smear.tif", 0, PIXELS.shape, (16, 20), lambda row, column: tile)
    with pytest.raises(TileError, match="level 0, column 0, row 0"):
        level.tile(0, 0)
