"""Features of a case's cells: every cell once, on axes that stay, whatever comes later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.engine import Engine
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.workflow import (
    FeaturesFound,
    analyse,
    apply_step,
    embed,
    open_or_create_case,
    unseen,
)
from tests.engine.conftest import make_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "random")


@pytest.fixture(scope="module")
def classified(
    engine: Engine, bundle: Path, _field: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Slide, Case]]:
    path = tmp_path_factory.mktemp("compared") / "field.png"
    path.write_bytes(_field.read_bytes())
    slide, case = open_or_create_case(path, reviewer="A")
    for step in analyse(engine, slide, case, model=bundle):
        apply_step(case, step)
    yield slide, case
    case.close()


def run(engine: Engine, slide: Slide, case: Case, bundle: Path) -> list[FeaturesFound]:
    steps = []
    for step in embed(engine, slide, case, model=bundle):
        apply_step(case, step)
        if isinstance(step, FeaturesFound):
            steps.append(step)
    return steps


def empty_place(case: Case) -> tuple[float, float]:
    """Return the place of the field that lies farthest from every cell."""
    y, x = np.mgrid[50:430:20, 50:590:20]
    apart = np.hypot(x[..., None] - case.cells.x, y[..., None] - case.cells.y).min(axis=-1)
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    return float(x[row, column]), float(y[row, column])


def test_every_cell_gets_its_features_once_and_later_ones_lie_on_the_same_axes(
    engine: Engine, bundle: Path, classified: tuple[Slide, Case]
) -> None:
    slide, case = classified
    assert len(unseen(case)) == len(case.cells) >= 5
    (step,) = run(engine, slide, case, bundle)
    assert (step.done, step.total) == (len(case.cells), len(case.cells))
    features = case.model.features
    assert features.cell_id.tolist() == case.cells.cell_id.tolist()
    assert features.values.dtype == np.float16
    assert features.values.shape[1] <= 32
    assert features.model == case.predictions.model
    assert len(unseen(case)) == 0
    assert list(embed(engine, slide, case, model=bundle)) == [], "nothing is missing"

    added = case.cell_edits.add(*empty_place(case))
    assert unseen(case).cell_id.tolist() == [added]
    run(engine, slide, case, bundle)
    after = case.model.features
    np.testing.assert_array_equal(after.axes, features.axes)
    np.testing.assert_array_equal(after.values[: len(features)], features.values)
    assert after.cell_id[-1] == added


def test_features_do_not_come_before_classes(engine: Engine, bundle: Path, field: Path) -> None:
    slide, case = open_or_create_case(field, reviewer="A")
    with case:
        assert len(unseen(case)) == 0
        assert list(embed(engine, slide, case, model=bundle)) == []


def test_they_are_the_network_s_less_the_mean_on_the_axes(
    engine: Engine, bundle: Path, classified: tuple[Slide, Case]
) -> None:
    from napari_bonemarrow.models import Classifier
    from napari_bonemarrow.slides import cut_crops

    slide, case = classified
    run(engine, slide, case, bundle)
    raw = Classifier(bundle, "cpu").features(cut_crops(slide, case.cells.x, case.cells.y))
    features = case.model.features
    np.testing.assert_allclose(features.values, (raw - features.mean) @ features.axes.T, atol=0.1)
