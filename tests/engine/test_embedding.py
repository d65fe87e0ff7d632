"""Features from the engine's child: kept from classification, else looked at anew."""

from __future__ import annotations

import sys
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import BoneMarrowError, Cells
from napari_bonemarrow.engine import Engine, EngineError, SlideSource
from napari_bonemarrow.engine.features import SeenFeatures, clipped, lay_out, layout_method
from napari_bonemarrow.engine.queue import TaskKind, TaskQueue


@pytest.fixture(scope="module")
def source(field: Path) -> SlideSource:
    return SlideSource(field, 0.08)


@pytest.fixture(scope="module")
def cells(shared_engine: Engine, source: SlideSource) -> Cells:
    return shared_engine.detect(source).result()


def features_of(engine: Engine, source: SlideSource, cells: Cells) -> np.ndarray:
    parts = [chunk.result() for chunk in engine.embed(source, cells)]
    rows = {int(i): row for part in parts for i, row in zip(part.cell_id, part.values, strict=True)}
    return np.stack([rows[int(cell)] for cell in cells.cell_id])


def test_features_are_those_of_the_classifier_whether_kept_or_not(
    shared_engine: Engine, bundle: Path, source: SlideSource, cells: Cells
) -> None:
    from napari_bonemarrow.models import Classifier
    from napari_bonemarrow.slides import cut_crops, open_slide

    shared_engine.load(bundle).result()
    anew = features_of(shared_engine, source, cells)
    for chunk in shared_engine.classify(source, cells.select(np.arange(3))):
        chunk.result()
    partly_kept = features_of(shared_engine, source, cells)
    direct = Classifier(bundle, "cpu").features(cut_crops(open_slide(source.path), cells.x, cells.y))
    for found in (anew, partly_kept):
        assert found.dtype == np.float16
        np.testing.assert_allclose(found, direct, atol=0.02)


def test_axes_come_from_the_child(shared_engine: Engine) -> None:
    features = np.random.default_rng(0).normal(size=(30, 50)).astype(np.float16)
    mean, axes = shared_engine.fit_axes(features).result()
    assert mean.shape == (50,)
    assert axes.shape == (30, 50)


def test_a_layout_that_is_ended_is_cancelled_and_can_be_asked_for_again(bundle: Path) -> None:
    with Engine("cpu", threads=1) as engine:
        future = engine.lay_out(np.zeros((40, 3), np.float16))
        engine.end_layout()
        with pytest.raises((CancelledError, EngineError)):
            future.result(timeout=30)
        few = engine.lay_out(np.zeros((4, 3), np.float16))
        with pytest.raises(BoneMarrowError, match="too few"):
            few.result(timeout=60)


def test_few_cells_are_laid_out_without_umap_and_always_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """146 cells of three kinds: each lies with its own, and a second time in the same place."""
    monkeypatch.setitem(sys.modules, "umap", None)  # it takes most of a minute to be ready
    rng = np.random.default_rng(1)
    kinds = np.repeat(np.arange(3), [50, 50, 46])
    features = (rng.normal(size=(3, 32)) * 6)[kinds] + rng.normal(size=(146, 32))
    first = lay_out(features.astype(np.float16), 0)
    assert layout_method(146) == "t-SNE"
    assert first.shape == (146, 2)
    np.testing.assert_array_equal(first, lay_out(features.astype(np.float16), 0))
    away = np.linalg.norm(first[:, None] - first[None], axis=2)
    np.fill_diagonal(away, np.inf)
    assert (kinds[away.argmin(axis=1)] == kinds).mean() > 0.95


@pytest.mark.parametrize("count", [10, 11, 25])
def test_very_few_cells_and_cells_that_are_all_alike_have_places(count: int) -> None:
    assert np.isfinite(lay_out(np.zeros((count, 4), np.float16), 0)).all()


def test_the_child_that_lays_out_can_be_made_ready(bundle: Path) -> None:
    with Engine("cpu", threads=1) as engine:
        engine.prepare_layout()
        found = engine.lay_out(np.random.default_rng(0).normal(size=(20, 5)).astype(np.float16))
        assert found.result(timeout=120).shape == (20, 2)


def test_everything_else_comes_before_features() -> None:
    queue = TaskQueue()
    for kind in (TaskKind.EMBED, TaskKind.DETECT, TaskKind.CLASSIFY):
        queue.put(kind, kind.name)
    assert [queue.take().name for _ in range(3)] == ["CLASSIFY", "DETECT", "EMBED"]


def test_what_is_no_longer_wanted_is_dropped(
    shared_engine: Engine, source: SlideSource, cells: Cells
) -> None:
    futures = shared_engine.embed(source, cells)
    shared_engine.drop_stale("embed")
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(timeout=60)


def test_features_are_kept_once_and_within_bounds() -> None:
    seen = SeenFeatures(most_bytes=40)
    ids = np.arange(1, 6)
    seen.keep("a", ids[:3], np.ones((3, 4)))  # 24 bytes
    seen.keep("a", ids[3:], np.ones((2, 4)) * 2)  # 16 more
    seen.keep("a", np.array([9]), np.ones((1, 4)))  # no room
    known, rows = seen.take("a", np.array([1, 4, 9, 7]))
    assert known.tolist() == [True, True, False, False]
    assert [float(row[0]) for row in rows] == [1.0, 2.0]
    assert seen.take("a", np.array([1]))[0].tolist() == [False], "handed over once"
    seen.keep("b", ids[:1], np.ones((1, 4)))
    assert not seen.take("a", ids)[0].any(), "another slide's have taken their place"


def test_features_beyond_the_range_of_two_bytes_stay_numbers() -> None:
    assert np.isfinite(clipped(np.array([[1e9, -1e9, 2.0]]))).all()
