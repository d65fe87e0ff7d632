"""Class distributions other than that of training: correction of posteriors and estimation.

Saerens, Latinne & Decaestecker, *Adjusting the outputs of a classifier to new a priori probabilities: a
simple procedure*, Neural Computation 2002;14:21-41. It assumes that cells of a class look the same in
both places, and only the classes' shares differ.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.cytology.published import MATEK_2021
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.training.config import TrainingError

PUBLISHED = "published"
ESTIMATE = "estimate"


def training_prior(card: Card) -> tuple[NDArray[np.float64], str]:
    """Return each class's share of the images drawn in training, and its basis.

    Returns
    -------
    shares : ndarray, shape (k,)
        0 for untaught classes.
    text : str
    """
    drawn = np.array(
        [sum(source.drawn.get(code, 0) for source in card.training_data) for code in card.classes], np.float64
    )
    if drawn.any():
        return drawn / drawn.sum(), "images of each class that an epoch drew, over all sources"
    taught = np.array([card.support[code] is not Support.NONE for code in card.classes], np.float64)
    if not taught.any():
        taught[:] = 1.0
    return (
        taught / taught.sum(),
        "taken as equal for all taught classes, since the card does not say",
    )


def target_prior(wanted: str, classes: Sequence[str]) -> NDArray[np.float64]:
    """Return a class distribution.

    Parameters
    ----------
    wanted : str
        ``published`` (the class counts of Matek et al. 2021), a CSV file with a row ``CODE,number`` per
        class (optionally after a row of headings), or ``CODE=number,...``. Numbers are shares or counts;
        unnamed classes have none.
    classes : sequence of str

    Returns
    -------
    ndarray, shape (k,)
        Adds up to 1.

    Raises
    ------
    TrainingError
        If the file or a code is unknown, or the numbers are not a distribution.
    """
    if wanted == PUBLISHED:
        return _normalised({code: row.n for code, row in MATEK_2021.items()}, classes, PUBLISHED)
    if "=" in wanted and not Path(wanted).is_file():
        pairs = [part.partition("=") for part in wanted.split(",") if part.strip()]
        return _normalised({code.strip(): value for code, _, value in pairs}, classes, "--prior")
    path = Path(wanted)
    if not path.is_file():
        raise TrainingError(
            f"{wanted}: no such class distribution; give {PUBLISHED}, {ESTIMATE}, a CSV file of CODE,number "
            "or CODE=number,..."
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{path}: cannot be read as CSV ({error}); give rows of CODE,number") from error
    if rows and rows[0][0].strip() not in MATEK_2021:
        rows = rows[1:]
    values = {row[0].strip(): row[1] if len(row) > 1 else "" for row in rows}
    return _normalised(values, classes, str(path))


def _normalised(values: Mapping[str, object], classes: Sequence[str], where: str) -> NDArray[np.float64]:
    prior = np.zeros(len(classes))
    for code, value in values.items():
        if code not in MATEK_2021:
            raise TrainingError(f"{where}: {code!r} is not a class code; take one of {', '.join(MATEK_2021)}")
        try:
            number = float(str(value))
        except ValueError:
            number = -1.0
        if not 0 <= number < np.inf:
            raise TrainingError(f"{where}: {code} has {str(value)!r}; give a share or count of 0 or more")
        if code in classes:
            prior[list(classes).index(code)] = number
    if not prior.any():
        raise TrainingError(f"{where}: no class has a share; give at least one above 0")
    shares: NDArray[np.float64] = prior / prior.sum()
    return shares


def reweigh(
    probabilities: NDArray[np.floating], training: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return posteriors corrected for another class distribution (Saerens et al., eq. 2.4).

    Each class's posterior is multiplied by ``target / training`` and each row normalised to 1.

    Parameters
    ----------
    probabilities : ndarray, shape (n, k)
    training, target : ndarray, shape (k,)
        A class without a share in training keeps its posterior of about 0. A row without a class with a
        share in `target` stays unchanged.

    Returns
    -------
    ndarray, shape (n, k)
    """
    ratio = np.divide(target, training, out=np.zeros_like(target), where=training > 0)
    raw = probabilities.astype(np.float64) * ratio
    total = raw.sum(axis=1, keepdims=True)
    return np.where(total > 0, raw / np.where(total > 0, total, 1), probabilities)


def estimate_prior(
    probabilities: NDArray[np.floating],
    training: NDArray[np.float64],
    *,
    tolerance: float = 1e-6,
    rounds: int = 1000,
) -> NDArray[np.float64]:
    """Return the classes' shares in unlabelled images, estimated by expectation maximisation.

    Parameters
    ----------
    probabilities : ndarray, shape (n, k)
        Posteriors under the training distribution.
    training : ndarray, shape (k,)
    tolerance : float
        Stop when no share moves by more.
    rounds : int
        Largest number of rounds.

    Returns
    -------
    ndarray, shape (k,)
        Saerens et al., eq. 2.9: the mean of the posteriors under the last estimate.
    """
    prior = training.copy()
    for _ in range(rounds):
        new = reweigh(probabilities, training, prior).mean(axis=0)
        moved = float(np.abs(new - prior).max())
        prior = new
        if moved < tolerance:
            break
    return prior
