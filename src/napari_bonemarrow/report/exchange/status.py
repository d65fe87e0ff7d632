"""The standing of a count in exchange: preliminary, final or corrected, and how it was made."""

from __future__ import annotations

from napari_bonemarrow.cytology import Differential
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review import Case, Signature


def shown_signature(case: Case) -> Signature | None:
    """Return the signature in force; None in a blind reading and of a case that must not be relied on."""
    return None if case.is_blind or case.distrust else case.signature


def status_of(case: Case) -> str:
    """Return the status of a count in FHIR R4, the same for the report and its observations.

    Returns
    -------
    str
        ``unknown`` for a case that must not be relied on. ``preliminary`` while nobody has signed it, also
        while an amendment is under way: nobody vouches for its figures then. ``final`` for the first
        signature. After an amendment ``corrected`` if the signed counts changed, else ``amended``.
    """
    if case.distrust:
        return "unknown"
    signature = shown_signature(case)
    if signature is None:
        return "preliminary"
    before = [each for each in case.sign_off.signatures if each.seq < signature.seq]
    if not before:
        return "final"
    signed = [(each.counts, each.excluded, each.estimate) for each in (before[-1], signature)]
    return "amended" if signed[0] == signed[1] else "corrected"


def counting_method(case: Case, count: Differential) -> str:
    """Return how the cells were counted, in words; it never names the model in a blind reading."""
    seen = count.reviewed + count.unreviewed
    if count.is_sampled and count.estimate is not None:
        return (
            f"estimate from a random sample of {count.estimate.reviewed} reviewed cells of "
            f"{count.estimate.frame} found on a digital image"
        )
    if count.fully_reviewed:
        return "count on a digital image, every cell classified or confirmed by eye"
    if case.predictions is None:
        return f"count on a digital image by eye, under way: {count_of(count.reviewed, 'cell', of=seen)}"
    return (
        f"classification by the model {case.predictions.model.name} on a digital image, "
        f"{count_of(count.reviewed, 'cell', of=seen)} reviewed by eye"
    )
