"""A signed count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from napari_bonemarrow.cytology import ModelReference
from napari_bonemarrow.review.journal.documents import ALGORITHM, SignaturePayload, SignedEstimate


@dataclass(frozen=True, slots=True)
class Signature:
    """The signer and the signed count. With a key it proves that the key's holder signed exactly that count.

    Attributes
    ----------
    name : str
        The name that the signer wrote.
    reason : str
        Why it was signed despite gaps; empty if there were none.
    counted, reviewed, unreviewed : int
        As in `Differential`: cells in the denominator; cells in the frame that a reviewer has classed or not.
    imported : int
        Cells among the unreviewed ones whose label came with data. Older versions counted them as reviewed.
    disagreements : int
        Unsettled cells on which two readers differ.
    counts : mapping of str to int
        Cells in the denominator by class; empty classes are omitted.
    excluded : mapping of str to int
        Cells left out of the denominator, by class.
    tallied : mapping of str to int
        Cells counted by eye, by class.
    rules : str
        Name and version of the counting rules; older versions wrote the name alone.
    reading : int
        The reading whose classes were counted.
    model : ModelReference or None
    head : str
        Hash of the last line of the journal that is signed.
    program : str
        Name and version of the program.
    estimate : dict or None
        In a sample review, the signed estimate: ``method``, ``frame``, ``reviewed``, ``seed``, ``shares``.
    public, proof : str
        The signer's public key and its signature over the `statement`, in hexadecimal; empty if signed
        without a key.
    timestamp : str
        An RFC 3161 response over ``proof``, base64; empty if none was requested.
    at : str
        UTC, ISO 8601.
    seq : int
        The line of the journal.
    amended : str or None
        Why it is no longer in force; None while it is, or if a later signature is independent of it.
    """

    name: str
    reason: str
    counted: int
    reviewed: int
    unreviewed: int
    imported: int
    disagreements: int
    counts: Mapping[str, int]
    excluded: Mapping[str, int]
    tallied: Mapping[str, int]
    rules: str
    reading: int
    model: ModelReference | None
    head: str
    program: str
    estimate: SignedEstimate | None = None
    public: str = ""
    proof: str = ""
    timestamp: str = ""
    at: str = ""
    seq: int = 0
    amended: str | None = None

    def to_json(self) -> SignaturePayload:
        """Return the signature as JSON, without time and number, which the line holds."""
        value = asdict(self)
        for name in ("at", "seq", "amended", "public", "proof", "timestamp"):
            del value[name]
        if self.estimate is None:
            del value["estimate"]
        if self.public:
            value["key"] = {"algorithm": ALGORITHM, "public": self.public, "proof": self.proof}
        if self.timestamp:
            value["timestamp"] = self.timestamp
        return cast(SignaturePayload, value)

    @classmethod
    def from_json(cls, value: SignaturePayload, at: str, seq: int) -> Signature:
        """Read a signature back from JSON."""
        said: dict[str, Any] = {**value, "at": at, "seq": seq}
        key, model = said.pop("key", None), value["model"]
        if key is not None:
            said |= {"public": key["public"], "proof": key["proof"]}
        return cls(**{**said, "model": None if model is None else ModelReference(**model)})
