"""The quality map on drawn slides with known places, and its measures on real fields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage as ndi
from scipy.stats import spearmanr

from napari_bonemarrow.cytology import ScaleError
from napari_bonemarrow.slides import SlideError, slide_from_array
from napari_bonemarrow.slides.pixels.colour import background_colour
from napari_bonemarrow.slides.survey.patch_measures import MEASURES, measure_patch, survey_tile
from napari_bonemarrow.slides.survey.quality_map import QualityMap, Reason
from napari_bonemarrow.slides.survey.region_ranking import rank_regions
from napari_bonemarrow.slides.survey.slide_survey import Survey, survey_item
from tests.slides.drawn_slides import GLASS, LAYOUT, MPP, TILE, Composed, compose, drawn

BACKGROUND = np.array(GLASS, np.uint8)


def blurred(rgb: np.ndarray, sigma_um: float) -> np.ndarray:
    sigma = sigma_um / 0.25
    soft = ndi.gaussian_filter(rgb.astype(np.float32), (sigma, sigma, 0))
    return np.clip(np.rint(soft), 0, 255).astype(np.uint8)


def measured(rgb: np.ndarray, background: np.ndarray = BACKGROUND) -> dict[str, float]:
    return dict(zip(MEASURES, measure_patch(rgb, background), strict=True))


def surveyed(image: np.ndarray) -> QualityMap:
    slide = slide_from_array(image, MPP)
    survey = Survey(slide)
    for items in (survey.first, survey.second):
        for item in items():
            survey.add(item, survey_item(slide, item))
    return survey.quality_map()


@pytest.fixture(scope="module")
def composed() -> Composed:
    return compose(*LAYOUT)


@pytest.fixture(scope="module")
def quality(composed: Composed) -> QualityMap:
    return surveyed(composed.image)


def within(quality: QualityMap, composed: Composed, kind: str) -> np.ndarray:
    """Grid cells of which every pixel is of a kind."""
    grid = quality.grid
    return np.array(
        [
            [composed.share(grid.region(row, column, 1, 1), kind) == 1 for column in range(grid.columns)]
            for row in range(grid.rows)
        ]
    )


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("glass", Reason.BLANK),
        ("thick", Reason.THICK),
        ("blurred", Reason.FOCUS),
        ("blood", Reason.BLOOD),
        ("pen", Reason.PEN),
    ],
)
def test_bad_places_are_avoided_for_the_right_reason(
    quality: QualityMap, composed: Composed, kind: str, reason: Reason
) -> None:
    found = quality.reason[within(quality, composed, kind)]
    assert len(found) > 0
    assert (found == reason).mean() >= 0.8
    assert (found != Reason.NONE).mean() >= 0.9


def test_good_places_score_high_and_smudged_ones_low(quality: QualityMap, composed: Composed) -> None:
    good, smudged = (within(quality, composed, kind) for kind in ("good", "smudged"))
    assert (quality.reason[good] == Reason.NONE).mean() >= 0.95
    assert np.median(quality.score[good]) > 0.5
    assert np.median(quality.score[smudged]) < 0.5 * np.median(quality.score[good])
    assert np.median(quality.smudged[smudged]) > 0.5 > np.median(quality.smudged[good])


def test_the_best_regions_lie_in_good_places(quality: QualityMap, composed: Composed) -> None:
    ranking = rank_regions(quality)
    shares = [composed.share(region, "good") for region in ranking.regions]
    assert len(shares) >= 3
    assert np.mean(shares[:3]) >= 0.9
    assert all(composed.share(region, "pen") == 0 for region in ranking.regions)
    assert ranking.avoided == quality.avoided()


def test_the_same_slide_has_the_same_map(composed: Composed) -> None:
    part = composed.image[: 4 * TILE, : 5 * TILE]
    one, other = surveyed(part), surveyed(part)
    for name in ("score", "reason", "focus", "density"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)


@pytest.mark.parametrize("cast", [(1, 1, 1), (0.85, 1, 1.1), (1.1, 0.9, 1)])
@pytest.mark.parametrize("light", [0.7, 1.0])
def test_blur_is_told_whatever_light_and_colour(cast: tuple[float, float, float], light: float) -> None:
    rgb = drawn("good")[:192, :192]
    blurs = []
    for sigma in (0.0, 0.5, 1.0, 1.5):
        changed = np.clip(blurred(rgb, sigma) * np.array(cast) * light, 0, 255).astype(np.uint8)
        background = np.clip(np.array(GLASS) * np.array(cast) * light, 0, 255).astype(np.uint8)
        blurs.append(measured(changed, background)["blur_um"])
    assert blurs == sorted(blurs)
    assert abs(blurs[2] - np.hypot(1.0, blurs[0])) < 0.2


def test_glass_has_no_edges_and_no_cells() -> None:
    values = measured(drawn("glass")[:192, :192])
    assert np.isnan(values["blur_um"])
    assert values["density"] == values["covered"] == values["pen"] == 0


def test_density_is_that_of_the_drawn_nuclei() -> None:
    tile = drawn("good")
    found = measured(tile)["density"]
    assert found == pytest.approx(44 / (TILE * MPP / 1000) ** 2, rel=0.35)


def test_a_place_that_cannot_be_read_leaves_the_others() -> None:
    class Torn:
        shape, dtype, ndim = (400, 400, 3), np.dtype(np.uint8), 3
        pixels = drawn("good")[:400, :400]

        def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
            if key[0].start < 100:
                raise SlideError("torn.tif: level 0, tile 0, 0 cannot be read")
            return self.pixels[key]

    from dataclasses import replace

    slide = replace(slide_from_array(Torn.pixels, MPP), levels=(Torn(),))
    table = survey_tile(slide, np.array([[0, 0, 192, 192], [200, 200, 392, 392]]), BACKGROUND)
    assert np.isnan(table[0]).all()
    assert np.isfinite(table[1]).any()


def test_unreadable_places_are_told() -> None:
    slide = slide_from_array(compose("gg", "gg").image, MPP)
    survey = Survey(slide)
    for item in survey.first():
        table = survey_item(slide, item)
        table[0] = np.nan
        survey.add(item, table)
    quality = survey.quality_map()
    assert quality.avoided()["unreadable"] == 1
    assert Reason.UNREADABLE.text == "Cannot be read"


def test_a_slide_without_scale_is_not_surveyed() -> None:
    with pytest.raises(ScaleError):
        Survey(slide_from_array(drawn("glass"), None))


def test_focus_follows_the_blur_of_real_fields(real_data: Path) -> None:
    scales = {2040: 0.0413, 2560: 0.05}
    given, told = [], []
    for path in sorted((real_data / "fields" / "images").iterdir())[::5]:
        with Image.open(path) as image:
            factor = scales[image.width] / 0.25
            small = image.convert("RGB").resize(
                (round(image.width * factor), round(image.height * factor)), Image.Resampling.BOX
            )
        rgb = np.asarray(small)
        background = background_colour(rgb)
        for sigma in (0.0, 0.5, 1.0, 2.0):
            given.append(sigma)
            told.append(measured(blurred(rgb[30:222, 60:252], sigma), background)["blur_um"])
    assert spearmanr(given, told).statistic >= 0.95


def test_a_map_comes_back_from_its_arrays(quality: QualityMap) -> None:
    arrays = {**quality.arrays(), "of a later version": np.zeros(3)}
    grid = quality.grid
    again = QualityMap.from_arrays(grid.width, grid.height, grid.microns_per_pixel, arrays)
    assert (again.grid.rows, again.grid.columns) == (grid.rows, grid.columns)
    assert again.avoided() == quality.avoided()
    np.testing.assert_array_equal(again.score, quality.score)
    del arrays["focus"]
    with pytest.raises(ValueError, match="missing or differ"):
        QualityMap.from_arrays(grid.width, grid.height, grid.microns_per_pixel, arrays)
