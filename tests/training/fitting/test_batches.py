from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_bonemarrow.training.config import AugmentConfig
from napari_bonemarrow.training.fitting.batches import Maker, pieces_of, share_of, spare_cores

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)
ORDER = np.random.default_rng(1).permutation(60)[:48]


def make(**changes: object) -> list[tuple[np.ndarray, torch.Tensor]]:
    values = {"seed": 3, "batch_size": 24, "device": torch.device("cpu"), **changes}
    maker = Maker(PIXELS, AugmentConfig(jpeg=0.5), **values)  # type: ignore[arg-type]
    return [(batch.which, batch.images) for batch in maker.epoch(ORDER, 0, 24)]


def test_threads_make_the_same_batches() -> None:
    for (one, images), (two, again) in zip(make(batch_size=48), make(batch_size=48, threads=2), strict=True):
        np.testing.assert_array_equal(one, two)
        torch.testing.assert_close(images, again, rtol=0, atol=0)


def test_processes_make_their_shares_of_the_same_batches() -> None:
    (whole,) = make(batch_size=48)
    shares = [make(batch_size=48, rank=rank, processes=2)[0] for rank in (0, 1)]
    assert [len(which) for which, _ in shares] == [32, 16]
    np.testing.assert_array_equal(np.concatenate([which for which, _ in shares]), whole[0])
    torch.testing.assert_close(torch.cat([images for _, images in shares]), whole[1], rtol=0, atol=0)


def test_each_batch_has_its_own_chance() -> None:
    maker = Maker(PIXELS, AugmentConfig(), 3, 16, torch.device("cpu"))
    twice = np.zeros(32, np.intp)
    first, second = (batch.images for batch in maker.epoch(twice, 0, 24))
    later = next(maker.epoch(twice, 1, 24)).images
    assert not torch.equal(first, second)
    assert not torch.equal(first, later)


def test_an_error_in_a_thread_is_raised() -> None:
    maker = Maker(PIXELS, AugmentConfig(), 3, 16, torch.device("cpu"), threads=1)
    with pytest.raises(IndexError):
        list(maker.epoch(np.full(32, 999), 0, 24))


@pytest.mark.parametrize(("size", "pieces"), [(2, 1), (31, 1), (32, 2), (64, 4), (512, 8), (4096, 64)])
def test_pieces_of_a_batch(size: int, pieces: int) -> None:
    assert pieces_of(size) == pieces
    assert share_of(size, 0, 1) == slice(0, size)


def test_no_thread_where_torch_takes_every_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert spare_cores(on_gpu=False) == 0
    assert spare_cores(on_gpu=True) == 7
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    assert spare_cores(on_gpu=False) == 1
