"""A student that learns from a finished bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.training import TrainingError, train
from napari_bonemarrow.training.config import Stage
from napari_bonemarrow.training.fitting.losses import label_losses, teaching_losses
from napari_bonemarrow.training.fitting.teachers import Teachers
from tests.training.drawn_crops import OBJECTS, draw_blob, quick, write_blobs


@pytest.mark.slow
def test_a_student_without_labels_says_what_its_teacher_says(
    trained: tuple[Bundle, Path], tmp_path: Path
) -> None:
    teacher, _ = trained
    # Labels are moved on by one class: only from the teacher can a student know better.
    codes = list(OBJECTS)
    data = tmp_path / "data"
    for code, other in zip(codes, codes[1:] + codes[:1], strict=True):
        write_blobs(tmp_path / other, 40, (code,))
        (data / other).parent.mkdir(exist_ok=True)
        (tmp_path / other / code).rename(data / other)
    # One epoch in the last stage, so that the labels do not choose the best one either.
    stages = (Stage(epochs=8, size=48), Stage(epochs=1, size=48))
    config = quick(teachers=(str(teacher.path),), teacher_weight=1.0, stages=stages)
    student = train(data, tmp_path / "run", config=config, device="cpu")
    crops = np.stack([draw_blob(code, seed)[0] for code in codes for seed in range(5000, 5010)])
    told = Classifier(student, "cpu").classify(crops)
    taught = Classifier(teacher, "cpu").classify(crops)
    assert np.mean(told.probabilities.argmax(1) == taught.probabilities.argmax(1)) >= 0.85


def test_loss_of_a_student_that_agrees_is_nothing() -> None:
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weights = torch.tensor([[0.0, 0.0, -torch.inf, -3.0]]).expand(5, 4)
    taught = torch.softmax(logits.detach() / 3 + weights, dim=1)
    loss = teaching_losses(logits, taught, weights, 3.0)
    torch.testing.assert_close(loss, torch.zeros(5), atol=1e-6, rtol=0)
    loss.sum().backward()
    assert logits.grad is not None
    assert bool((logits.grad[:, 2] == 0).all())  # a class that the source cannot show is left alone


def test_loss_is_the_divergence_times_the_temperature_squared() -> None:
    generator = torch.Generator().manual_seed(1)
    logits, theirs = torch.randn(6, 4, generator=generator), torch.randn(6, 4, generator=generator)
    p, q = torch.softmax(theirs / 2, dim=1), torch.softmax(logits / 2, dim=1)
    torch.testing.assert_close(
        teaching_losses(logits, p, torch.zeros(6, 4), 2.0), 4 * (p * (p / q).log()).sum(dim=1)
    )
    assert label_losses(logits, torch.zeros(6, dtype=torch.int64), torch.zeros(6, 4), 0.1).shape == (6,)


def test_a_teacher_says_nothing_of_classes_it_was_not_taught(trained: tuple[Bundle, Path]) -> None:
    bundle, _ = trained
    config = quick(teachers=(str(bundle.path), str(bundle.path)))
    teachers = Teachers(config, bundle.card.classes, torch.device("cpu"))
    known = [code for code, known in zip(bundle.card.classes, teachers.known.tolist(), strict=True) if known]
    assert sorted(known) == sorted(OBJECTS)
    crop = torch.from_numpy(draw_blob("EOS", 1)[0]).permute(2, 0, 1)[None].float()
    within = torch.zeros(1, len(bundle.card.classes)).masked_fill(~teachers.known, -torch.inf)
    said = teachers.probabilities(crop, within, bundle.card.temperature)
    direct = Classifier(bundle, "cpu").classify(draw_blob("EOS", 1)[0][None]).probabilities
    np.testing.assert_allclose(said, direct, atol=1e-4)  # the average of two alike is either


def test_teachers_that_do_not_fit(trained: tuple[Bundle, Path], blobs: Path, tmp_path: Path) -> None:
    config = quick(teachers=(str(trained[0].path),), microns_per_pixel=0.1)
    with pytest.raises(TrainingError, match=r"looks at crops of 19.2 µm, this run at 6.4 µm"):
        train(blobs, tmp_path / "run", config=config, device="cpu")
