"""The drawn smear is what it says it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import polygon

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.drawing import MORPHOLOGY, DrawingError, DrawnSmear, Stain, draw_smear

SMALL = {"NGS": 3, "EBO": 2, "LYT": 2, "BLA": 1, "PMO": 1, "MON": 1}


def small(seed: int = 3, *, scale: int = 1, stain: Stain | None = None, noise: float = 2.0) -> DrawnSmear:
    return draw_smear(
        seed,
        width=800 // scale,
        height=640 // scale,
        microns_per_pixel=0.1 * scale,
        cells_per_class=SMALL,
        stain=stain,
        noise=noise,
    )


def test_every_class_is_there_at_least_twice(sample: DrawnSmear) -> None:
    counts = {code: sample.codes.count(code) for code in BMC21}
    assert min(counts.values()) >= 2
    assert 110 <= len(sample.codes) <= 200
    assert sample.image.shape == (1920, 2560, 3)
    assert sample.image.dtype == np.uint8
    assert sample.microns_per_pixel == 0.08


def test_arrays_of_truth_agree(sample: DrawnSmear) -> None:
    n = len(sample.cells)
    for truth in (sample.codes, sample.outlines, sample.lobes, sample.at_border, sample.debris):
        assert len(truth) == n
    assert np.array_equal(sample.cells.cell_id, np.arange(1, n + 1))
    labelled = set(np.unique(sample.nuclei).tolist()) - {0}
    assert labelled == set(sample.cells.cell_id[~sample.debris].tolist())


def test_centre_is_the_centroid_of_all_lobes(sample: DrawnSmear) -> None:
    whole = ~sample.at_border & ~sample.debris
    ids = sample.cells.cell_id[whole]
    centroids = np.array(ndimage.center_of_mass(sample.nuclei > 0, sample.nuclei, ids))
    found = np.stack([sample.cells.y, sample.cells.x], 1)[whole]
    assert np.abs(found - centroids).max() < 0.51


def filled(smear: DrawnSmear, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns within an outline, of a picture of every fourth pixel."""
    outline = smear.outlines[k] / 4
    return polygon(outline[:, 1], outline[:, 0], shape=(480, 640))


def test_outline_holds_its_nucleus(sample: DrawnSmear) -> None:
    inside = np.zeros((480, 640), np.int32)
    for k in range(len(sample.codes)):
        inside[filled(sample, k)] = k + 1
    nuclei = sample.nuclei[::4, ::4]
    assert (inside == nuclei)[nuclei > 0].mean() > 0.99


def test_cells_do_not_overlap(sample: DrawnSmear) -> None:
    owners = np.zeros((480, 640), np.int32)
    for k in range(len(sample.codes)):
        owners[filled(sample, k)] += 1
    assert (owners > 1).sum() < 0.005 * (owners > 0).sum()
    assert 0.3 < (owners > 0).mean() < 0.75


def test_touching_pairs_touch(sample: DrawnSmear) -> None:
    assert len(sample.touching) >= 4
    assert len({k for pair in sample.touching for k in pair}) == 2 * len(sample.touching)
    for a, b in sample.touching:
        first, second = sample.outlines[a - 1], sample.outlines[b - 1]
        gap = np.hypot(*(first[:, None] - second[None]).transpose(2, 0, 1)).min()
        assert gap * sample.microns_per_pixel < 0.8


def test_sizes_lie_in_the_table(sample: DrawnSmear) -> None:
    for code in BMC21:
        if code in {"EBO", "OTH", "ART"}:  # these have stages or kinds of their own
            continue
        low, high = MORPHOLOGY[code].diameter
        mine = sample.cell_diameter_um[np.array(sample.codes) == code]
        assert low * 0.95 <= mine.min(), code
        assert mine.max() <= high * 1.05, code


def test_nucleus_to_cytoplasm_falls_with_maturation(sample: DrawnSmear) -> None:
    codes = np.array(sample.codes)
    mean = {code: sample.nuclear_fraction[codes == code].mean() for code in BMC21}
    assert mean["BLA"] > mean["PMO"] > mean["MYB"] > mean["MMZ"] > mean["NGB"] > mean["NGS"]
    assert mean["PEB"] > mean["EBO"]
    assert mean["LYT"] > mean["MON"] > mean["PLM"]


def test_lobes(sample: DrawnSmear) -> None:
    codes = np.array(sample.codes)
    assert sample.lobes[codes == "NGS"].min() >= 3
    assert sample.lobes[codes == "NGS"].max() <= 5
    assert set(sample.lobes[codes == "EOS"].tolist()) == {2}
    assert set(sample.lobes[codes == "NGB"].tolist()) == {1}


def test_some_cells_are_cut_by_the_border_and_left_out_of_the_frame(sample: DrawnSmear) -> None:
    assert 2 <= sample.at_border.sum() <= 20
    outside = ~sample.cells.in_frame
    assert outside.any()
    margin = 5 / sample.microns_per_pixel
    x, y = sample.cells.x[outside], sample.cells.y[outside]
    near = np.minimum.reduce([x, y, 2560 - x, 1920 - y])
    assert near.max() < margin


def test_same_seed_same_smear() -> None:
    first, again, other = small(), small(), small(4)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.nuclei, again.nuclei)
    assert not np.array_equal(first.image, other.image)


def test_geometry_is_in_micrometres() -> None:
    fine, coarse = small(), small(scale=2)
    assert coarse.image.shape == (320, 400, 3)
    for name in ("x", "y"):
        a, b = getattr(fine.cells, name) * 0.1, getattr(coarse.cells, name) * 0.2
        assert np.abs(a - b).max() < 0.06
    assert fine.nuclear_fraction == pytest.approx(coarse.nuclear_fraction, rel=0.03)
    assert fine.cell_diameter_um == pytest.approx(coarse.cell_diameter_um, rel=0.02)


def test_resolution_changes_no_colour() -> None:
    fine, coarse = small(noise=0), small(scale=2, noise=0)
    halved = fine.image.reshape(320, 2, 400, 2, 3).mean((1, 3))
    assert np.abs(halved - coarse.image).mean() < 4


def test_stain_changes_hue_but_not_truth() -> None:
    blue, pink = small(stain=Stain(pinkness=-1)), small(stain=Stain(pinkness=1))
    assert np.array_equal(blue.nuclei, pink.nuclei)
    assert np.array_equal(blue.cells.x, pink.cells.x)
    nucleus = blue.nuclei > 0
    b, p = blue.image[nucleus].mean(0), pink.image[nucleus].mean(0)
    assert (p[0] - p[2]) - (b[0] - b[2]) > 15


def test_varied_stains_differ_and_repeat() -> None:
    stains = [Stain.varied(seed) for seed in range(5)]
    assert len(set(stains)) == 5
    assert stains[2] == Stain.varied(2)
    for stain in stains:
        assert stain.densities().min() >= 0


def test_field_without_cells() -> None:
    empty = draw_smear(1, width=320, height=240, microns_per_pixel=0.1, cells_per_class={})
    assert len(empty.cells) == 0
    assert not empty.nuclei.any()
    assert empty.image.mean() > 150


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"cells_per_class": {"XYZ": 1}}, "XYZ"),
        ({"microns_per_pixel": 5.0}, "µm/px"),
        ({"width": 2}, "cannot be drawn"),
        ({"width": 200, "height": 200, "cells_per_class": {"PEB": 9}}, "no room"),
    ],
)
def test_what_cannot_be_drawn_says_so(asked: dict[str, object], words: str) -> None:
    with pytest.raises(DrawingError, match=words) as caught:
        draw_smear(0, **asked)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
