"""Doubtful labels, ranked by confident learning over a network's features.

Northcutt, Jiang and Chuang, *Confident Learning: Estimating Uncertainty in Dataset Labels*, JAIR 70 (2021),
1373-1411 (arXiv:1911.00068), as implemented in cleanlab. Each source is judged separately: a model of
several would separate their classes by the background.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.review import SUFFIX
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.labelled_crops import find_sources
from napari_bonemarrow.training.label_review.held_out_judges import (
    Judged,
    Progress,
    judge_by_features,
    judge_by_run,
)
from napari_bonemarrow.training.label_review.review_queue import CASE, Doubt, write_queue

TOP = 200
"""Default number of queued crops."""

_MOST = 2500  # most cells of a queue: its sheet is decoded as one field


def find_doubts(
    data: str | Path,
    out: str | Path,
    *,
    model: str | Path | Bundle = "starter",
    run: str | Path | None = None,
    folds: int = 5,
    top: int = TOP,
    scheme: str | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a review queue of the crops whose label a cross-validated model disputes.

    A logistic regression on the bundle's features is fitted on all folds but one and judges that one.
    Features of a bundle that was trained on the same wrong labels find fewer of them.

    Parameters
    ----------
    data : path
        As for `find_sources`, of image files.
    out : path
        Gets ``doubts.csv``, the review queue ``doubts.bmcase`` with its sheet ``doubts.png``, and
        ``crops.csv``, a manifest of all crops.
    model : Bundle, or name or folder of one
        Used for its features; with `run`, only for its scale.
    run : path, optional
        A run of ``train --fold all`` on these data: its held-out probabilities instead.
    folds : int
    top : int
        Most crops to queue.
    scheme : str, optional
    device : {"auto", "cpu", "cuda", "cuda:N"}
    seed : int
        Seed of the folds.
    progress : callable, optional
        Called with the crops done, all crops, and the present step.

    Returns
    -------
    dict
        ``crops``, ``disputed`` (crops), ``queued``, ``too_few`` (by source and class), ``unreadable``,
        ``case`` (path).

    Raises
    ------
    TrainingError, BundleError
    """
    data, out = Path(data), Path(out)
    _check(folds, top, out)
    sources = find_sources(data, scheme)
    if any(file.parent.suffix == SUFFIX for source in sources for file in source.files):
        raise TrainingError(
            f"{data}: holds cases; doubts are of crops in files, so review the cases themselves"
        )
    bundle = Bundle.open(model)
    if run is not None:
        judgement = judge_by_run(sources, data, Path(run), folds=folds)
    else:
        classifier = Classifier(bundle, device)
        judgement = judge_by_features(sources, classifier, folds=folds, seed=seed, progress=progress)
    disputes = (doubt for each in judgement.sources for doubt in dispute(each))
    doubts = sorted(disputes, key=lambda doubt: doubt.score)
    write_queue(out, judgement.images, doubts[:top], bundle)
    return {
        "crops": len(judgement.images),
        "disputed": len(doubts),
        "queued": min(len(doubts), top),
        "too_few": {each.source.name: dict(each.too_few) for each in judgement.sources if each.too_few},
        "unreadable": judgement.unreadable,
        "case": str(out / CASE) if doubts else None,
    }


def _check(folds: int, top: int, out: Path) -> None:
    if folds < 2:
        raise TrainingError(f"folds: {folds} is too few; give at least 2")
    if not 1 <= top <= _MOST:
        raise TrainingError(f"top: a queue holds 1 to {_MOST} crops, not {top}")
    if (out / CASE).exists():
        raise TrainingError(f"{out / CASE}: is there already, with its review; name another folder")
    try:
        import cleanlab  # noqa: F401
    except ImportError as error:
        raise TrainingError(
            "finding doubtful labels needs cleanlab, run: pip install 'napari-bonemarrow[training]'"
        ) from error


def dispute(judged: Judged) -> list[Doubt]:
    """Return the crops of a source whose label is disputed, worst first.

    The score is cleanlab's normalised margin, (1 + p(label) - the largest other p) / 2; 0 is worst.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels = np.array([judged.classes.index(str(code)) for code in judged.labels])
    rows = find_label_issues(
        labels, judged.probabilities, return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    scores = get_label_quality_scores(labels, judged.probabilities, method="normalized_margin")
    found = []
    for row in rows:
        p = judged.probabilities[row]
        best = int(p.argmax())
        if best != labels[row]:
            found.append(
                Doubt(
                    judged.source,
                    judged.files[row],
                    str(judged.labels[row]),
                    judged.classes[best],
                    float(scores[row]),
                    {code: float(value) for code, value in zip(judged.classes, p, strict=True)},
                )
            )
    return found
