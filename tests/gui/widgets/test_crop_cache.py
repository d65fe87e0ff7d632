"""Thumbnails that are wanted come, whatever was being cut when they were asked for."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

from napari_bonemarrow.gui.widgets import crop_cache
from napari_bonemarrow.gui.widgets.crop_cache import CropCache
from napari_bonemarrow.slides import slide_from_array

PLACES = {cell: (100.0 + 40 * cell, 120.0) for cell in range(1, 5)}


@pytest.fixture
def store(qapp):
    made = CropCache()
    yield made
    made.close()


def test_a_slide_that_is_opened_again_while_its_cells_are_cut_has_all_of_them(store, qtbot, monkeypatch):
    slide = slide_from_array(np.full((400, 400, 3), 200, np.uint8), 0.25)
    cutting, go_on, cut = threading.Event(), threading.Event(), crop_cache._images

    def held(*wanted):
        cutting.set()
        assert go_on.wait(20)
        return cut(*wanted)

    monkeypatch.setattr(crop_cache, "_images", held)
    store.open(slide)
    store.want(PLACES, 64)
    assert cutting.wait(20)
    store.open(None)
    store.open(slide)
    store.want(PLACES, 64)
    go_on.set()
    qtbot.waitUntil(lambda: all(store.get(cell) is not None for cell in PLACES), timeout=20_000)


def test_those_looked_at_for_longest_make_room(qtbot):
    room = 3 * 64 * 64 * 4
    store = CropCache(room=room)
    store.open(slide_from_array(np.full((400, 400, 3), 200, np.uint8), 0.25))
    for cell, place in PLACES.items():
        store.want({cell: place}, 64)
        qtbot.waitUntil(lambda cell=cell: store.get(cell) is not None, timeout=20_000)
    assert [cell for cell in PLACES if store.get(cell) is not None] == [2, 3, 4]
    assert store.used == room
    store.close()


def test_one_that_becomes_garbage_while_it_cuts_holds_nobody_up(qapp, monkeypatch):
    slide = slide_from_array(np.full((400, 400, 3), 200, np.uint8), 0.25)
    cutting, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def held(_slide, batch, _size):
        cutting.set()
        assert go_on.wait(20)
        ended.set()
        return [(cell, None) for cell, _x, _y in batch]

    monkeypatch.setattr(crop_cache, "_images", held)
    store = CropCache()
    store.itself = store  # so that the collector finds it, as it finds a closed window's
    store.open(slide)
    store.want(PLACES, 64)
    assert cutting.wait(20)
    worker = next(thread for thread in threading.enumerate() if thread.name == "crops")
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None
    go_on.set()
    assert ended.wait(20)
    worker.join(20)
    assert not worker.is_alive()
