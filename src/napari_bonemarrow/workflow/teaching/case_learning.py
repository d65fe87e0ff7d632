"""Learning from the reviewed cells of a case, without a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review import Case


class TeachingError(BoneMarrowError):
    """Nothing can be learnt; one line for the user."""


@dataclass(frozen=True, slots=True)
class CaseLearnt:
    """What the reviewed cells of a case taught.

    Attributes
    ----------
    reviewed : int
        Cells that a reader has classified.
    predicted_by : str
    serves : bool
        Whether what was taught predicts now.
    taught_weight : float
        Its weight beside the bundle, 0 to 1.
    learnt_here : dict of str to int
    prequential : dict or None
        ``n`` labels that were predicted before they were learnt from, and the shares predicted rightly by
        ``bundle`` alone and by ``head``, what predicted then.
    """

    reviewed: int
    predicted_by: str
    serves: bool
    taught_weight: float
    learnt_here: dict[str, int]
    prequential: dict[str, Any] | None

    @property
    def text(self) -> str:
        """Return it in one line."""
        if self.prequential is None:
            return f"{count_of(self.reviewed, 'cell')} reviewed: nothing is learnt yet"
        told = self.prequential
        shares = f"model alone {told['bundle']:.0%}, with what was taught {told['head']:.0%}"
        now = f"the other cells are predicted by {self.predicted_by}"
        return f"{count_of(told['n'], 'cell')} predicted before they were named: {shares}; {now}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def learn_case(case: Case) -> CaseLearnt:
    """Let the reviewed cells of a case teach the predictions of the others.

    Raises
    ------
    TeachingError
        If the cells have no features to learn from, or it is switched off.
    CaseError
        If it cannot be written.
    """
    if case.is_signed:
        raise TeachingError(f"{case.path.name} is signed: begin an amendment before it learns")
    if not case.learning.on:
        raise TeachingError(f"{case.path.name}: learning is switched off: switch it on in the window")
    predictions, features = case.predictions, case.model.features
    if predictions is None or features is None or features.model != predictions.model:
        raise TeachingError(
            f"{case.path.name}: its cells have no features to learn from: count it again with its model"
        )
    case.learning.bring_up_to_date()
    return learnt_of(case)


def learnt_of(case: Case) -> CaseLearnt:
    """Return what the reviewed cells of a case have taught."""
    learning = case.learning
    return CaseLearnt(
        reviewed=int(case.reviewed().sum()),
        predicted_by=learning.predicted_by,
        serves=learning.serves,
        taught_weight=learning.taught_weight,
        learnt_here=dict(learning.learnt_here),
        prequential=learning.prequential_shares,
    )
