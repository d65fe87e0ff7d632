"""Levels that show at once what is there and fetch the rest: no viewer is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from napari_bonemarrow.gui.canvas.tiles.stream import TileStream
from napari_bonemarrow.gui.canvas.tiles.tile_index import is_streamed, read_first_view
from napari_bonemarrow.slides import SlideError
from napari_bonemarrow.slides.pixels.extra_levels import with_between
from napari_bonemarrow.slides.pixels.tiled import TiledLevel

TILE = 64


class Pyramid:
    """Three levels of a picture of random blocks, and a gate that each read waits at."""

    def __init__(self, *, broken: frozenset[tuple[int, int, int]] = frozenset()) -> None:
        rng = np.random.default_rng(5)
        blocks = rng.integers(0, 255, (30, 40, 3), np.uint8)
        self.pixels = [blocks.repeat(times, 0).repeat(times, 1) for times in (16, 8, 4)]
        self.open, self.broken = threading.Event(), set(broken)
        self.open.set()
        self.read: list[tuple[int, int, int]] = []
        self.levels = tuple(
            TiledLevel("drawn.tif", index, pixels.shape, (TILE, TILE), self._reader(index))
            for index, pixels in enumerate(self.pixels)
        )

    def _reader(self, index: int) -> Callable[[int, int], np.ndarray]:
        def read(row: int, column: int) -> np.ndarray:
            assert self.open.wait(20)
            self.read.append((index, row, column))
            if (index, row, column) in self.broken:
                raise OSError("truncated")
            top, left = row * TILE, column * TILE
            part = self.pixels[index][top : top + TILE, left : left + TILE]
            return np.pad(part, ((0, TILE - part.shape[0]), (0, TILE - part.shape[1]), (0, 0)))

        return read


@pytest.fixture
def listening():
    """A stream whose tiles come in threads, and a way to wait until none is under way."""
    streams = []

    def make(pyramid: Pyramid):
        stream, told = TileStream(pyramid.levels), threading.Semaphore(0)
        streams.append(stream)
        stream.listen(told.release)

        def settle() -> None:
            while stream.busy:
                assert told.acquire(timeout=20)

        return stream, settle

    yield make
    for stream in streams:
        stream.listen(None)


def test_without_a_listener_a_part_is_read_as_it_is():
    pyramid = Pyramid()
    views = TileStream(pyramid.levels).views
    assert is_streamed(pyramid.levels)
    assert not is_streamed((pyramid.pixels[0],))
    for view, pixels in zip(views, pyramid.pixels, strict=True):
        assert view.shape == pixels.shape
        np.testing.assert_array_equal(view[30:101, 5:200:3], pixels[30:101, 5:200:3])
        np.testing.assert_array_equal(view[7, 3:90, 1], pixels[7, 3:90, 1])
    np.testing.assert_array_equal(np.asarray(views[2]), pyramid.pixels[2])


def test_a_cold_view_comes_at_once_from_what_is_coarser_and_sharp_when_asked_again(listening):
    pyramid = Pyramid()
    stream, settle = listening(pyramid)
    settle()  # the last level
    pyramid.open.clear()
    part = (slice(100, 300), slice(50, 400))
    first = stream.views[0][part]  # would hang here if it read
    np.testing.assert_array_equal(first, pyramid.pixels[0][part])  # blocks are the same at each level
    assert {index for index, _row, _column in pyramid.read} == {2}
    pyramid.open.set()
    settle()
    assert 0 in {index for index, _row, _column in pyramid.read}
    np.testing.assert_array_equal(stream.views[0][part], pyramid.pixels[0][part])


def test_before_anything_is_read_a_view_is_an_even_grey(listening):
    pyramid = Pyramid()
    pyramid.open.clear()
    stream, settle = listening(pyramid)
    assert len(np.unique(stream.views[1][:100, :100])) == 1
    pyramid.open.set()
    settle()
    np.testing.assert_array_equal(np.asarray(stream.views[2]), pyramid.pixels[2])


def test_what_was_read_ahead_is_shown_without_reading_anything(listening):
    pyramid = Pyramid()
    read_first_view(pyramid.levels, 20)
    assert {index for index, _row, _column in pyramid.read} == {0, 1, 2}  # all fit into a window
    pyramid.open.clear()  # would hang from here on if it read
    stream, _settle = listening(pyramid)
    assert not stream.busy
    np.testing.assert_array_equal(np.asarray(stream.views[2]), pyramid.pixels[2])
    pyramid.open.set()


def test_reading_ahead_leaves_what_takes_too_long_or_cannot_be_read_to_the_stream(listening):
    pyramid = Pyramid(broken=frozenset({(2, 0, 0)}))
    read_first_view(pyramid.levels, 0)
    assert not pyramid.read
    read_first_view(pyramid.levels, 20)
    stream, settle = listening(pyramid)
    settle()
    assert [tuple(key) for key in stream.failed] == [(2, 0, 0)]
    np.testing.assert_array_equal(stream.base[TILE:], pyramid.pixels[2][TILE:])
    read_first_view((pyramid.pixels[0],), 20)  # a field in memory: there is nothing to read


def test_a_level_between_is_shown_of_what_is_in_memory_without_reading(listening):
    pyramid = Pyramid()
    few = (pyramid.levels[0], pyramid.levels[2])
    [_fine, between, coarse] = with_between("drawn.tif", few)
    few[0][:128, :128]
    pyramid.open.clear()  # would hang from here on if it read
    assert between.cached_tile(0, 0) is None  # part of what it is made of is not there
    pyramid.open.set()
    few[0][:512, :640]
    pyramid.open.clear()
    shown = between.cached_tile(0, 0)
    np.testing.assert_array_equal(shown, pyramid.pixels[1][:256, :256])
    assert between.cached_tile(0, 0) is shown
    assert coarse is few[1]
    pyramid.open.set()


def test_what_is_out_of_view_again_is_not_read(listening):
    pyramid = Pyramid()
    stream, settle = listening(pyramid)
    settle()
    pyramid.open.clear()
    stream.views[0][:, :]
    stream.views[0][0:10, 0:10]
    pyramid.open.set()
    settle()
    fine = [each for each in pyramid.read if each[0] == 0]
    assert (0, 0, 0) in fine
    assert len(fine) <= 3  # those that were under way when the view changed, and the one in view


def test_a_tile_that_cannot_be_read_is_hatched_told_once_and_can_be_tried_again(listening):
    pyramid = Pyramid(broken=frozenset({(0, 1, 1)}))
    stream, settle = listening(pyramid)
    view = stream.views[0]
    view[:192, :192]
    settle()
    shown = view[:192, :192]
    np.testing.assert_array_equal(shown[:64], pyramid.pixels[0][:64, :192])
    hatch = shown[64:128, 64:128]
    assert len(np.unique(hatch)) == 2
    assert len(stream.failed) == 1
    assert not stream.busy  # it is not asked for over and over
    pyramid.broken.clear()
    stream.retry()
    view[:192, :192]
    settle()
    np.testing.assert_array_equal(view[:192, :192], pyramid.pixels[0][:192, :192])
    assert not stream.failed


def test_a_tile_of_the_last_level_that_cannot_be_read_is_hatched_too():
    pyramid = Pyramid(broken=frozenset({(2, 0, 0)}))
    stream = TileStream(pyramid.levels)
    small = np.asarray(stream.views[2])
    assert len(np.unique(small[:64, :64])) == 2
    np.testing.assert_array_equal(small[64:], pyramid.pixels[2][64:])
    with pytest.raises(SlideError, match=r"drawn\.tif"):
        pyramid.levels[2][:10, :10]
