"""Sign-off of a count, and its amendment."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

from napari_bonemarrow.cytology import Differential
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.acts.permission import NotAllowedError
from napari_bonemarrow.review.acts.readings import Readings
from napari_bonemarrow.review.acts.sample_review import SampleReview
from napari_bonemarrow.review.acts.statement import (
    proof_fails,
    signed_estimate,
    signed_otherwise,
    statement,
)
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.identity.signing_key import SigningKey
from napari_bonemarrow.review.journal.documents import SignaturePayload
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.payloads import AmendedSignature, Amendment
from napari_bonemarrow.review.journal.program import program_name
from napari_bonemarrow.review.journal.reading import SECOND, SETTLING
from napari_bonemarrow.review.journal.signature import Signature
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statistics import Statistics, tallied

Stamp = Callable[[bytes], bytes]
"""A function from bytes to an RFC 3161 response over them."""


class SignOff:
    """Sign-off and amendment of a count."""

    def __init__(
        self, core: CaseCore, statistics: Statistics, readings: Readings, sample: SampleReview
    ) -> None:
        self._core, self._state = core, core.state
        self._statistics, self._readings, self._sample = statistics, readings, sample

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """Return every signature, oldest first; those before an amendment are kept unchanged."""
        return tuple(self._state.signatures)

    def gaps(self, count: Differential | None = None) -> tuple[str, ...]:
        """Return the gaps that have to be closed to sign the count without a reason, a line each.

        Parameters
        ----------
        count : Differential, optional
            The current `differential`, if known: this saves a second count at each key of the review.
        """
        count = count or self._statistics.differential()
        if self._sample.in_progress:
            return self._sample.gaps()
        gaps = []
        if without := count.unreviewed - count.imported:
            gaps.append(f"{count_of(without, 'cell')} of {count.reviewed + count.unreviewed} not reviewed")
        if imported := count.imported:
            gaps.append(f"{count_of(imported, 'cell')} with a class that came with the data, not confirmed")
        reads = self._state.reads
        if SECOND in reads and reads[SECOND].reading.ended_at is None:
            gaps.append("the second reading has not been ended")
        elif unsettled := len(self._readings.disagreements()):
            gaps.append(f"{count_of(unsettled, 'cell')} on which the two readers differ, not settled")
        return tuple(gaps)

    def sign(
        self, name: str, reason: str = "", key: SigningKey | None = None, timestamp: Stamp | None = None
    ) -> Change:
        """Sign the count; the case refuses every other act until an amendment is begun.

        Parameters
        ----------
        name : str
            Name of the signer.
        reason : str
            Why it is signed despite remaining `gaps`; the report prints it.
        key : SigningKey, optional
            The signer's key, see `open_key`. Without one the signature shows only that a name was written.
        timestamp : callable, optional
            Takes the signature's bytes and returns an RFC 3161 response over them.

        Raises
        ------
        CaseError
            If the name is empty, nothing is counted, the shown reading is not the one to sign,
            gaps remain and no reason is given, or the timestamp could not be obtained. To sign
            without one in that case, use `prepare` and `finish`.
        """
        draft = self.prepare(name, reason, key)
        signed: SignaturePayload = draft.new
        proof = signed["key"]["proof"] if "key" in signed else ""
        try:
            stamped = timestamp(bytes.fromhex(proof)) if timestamp and proof else b""
        except CaseError as error:
            raise CaseError(f"{error}: nothing was signed") from error
        return self.finish(draft, stamped)

    def prepare(self, name: str, reason: str = "", key: SigningKey | None = None) -> Draft:
        """Return the line that signs the current count, without writing it; parameters as in `sign`."""
        name, reason = name.strip(), reason.strip()
        if not name:
            raise CaseError("a signature needs a name: type it")
        self._check_signable()
        gaps = self.gaps()
        if gaps and not reason:
            raise CaseError(f"not ready to be signed: {'; '.join(gaps)}. Finish it, or give a reason")
        count = self._statistics.differential()
        signature = Signature(
            name=name,
            reason=reason if gaps else "",
            counted=count.counted,
            reviewed=count.reviewed,
            unreviewed=count.unreviewed,
            imported=count.imported,
            disagreements=len(self._readings.disagreements()),
            counts=_counts(count),
            excluded=dict(count.excluded),
            tallied=dict(tallied(self._state)),
            rules=count.profile.title,
            reading=self._state.reading,
            model=self._state.model,
            head=self._core.journal.lines.last.hash,
            program=program_name(),
            estimate=signed_estimate(self._state),
        )
        draft = Draft(EventKind.SIGNED, new=signature.to_json(), time=self._core.journal.time())
        if key is None:
            return draft
        line = self._core.journal.planned(draft, self._core.reviewer)
        proof = key.sign(statement(self._state, line, key.public))
        return replace(draft, new=replace(signature, public=key.public, proof=proof).to_json())

    def finish(self, draft: Draft, timestamp: bytes = b"") -> Change:
        """Write a prepared signature.

        Parameters
        ----------
        draft : Draft
            The result of `prepare`.
        timestamp : bytes
            An RFC 3161 response over the signature's bytes, if one was requested.

        Raises
        ------
        CaseError
            If the case or its reviewer has changed meanwhile, or the signature could not be written.
        """
        if draft.new["head"] != self._core.journal.lines.last.hash:
            raise CaseError("the case was changed while it was being signed: sign it again")
        if proof_fails(self._state, self._core.journal.planned(draft, self._core.reviewer)):
            raise CaseError("another person reviews than when it was signed: sign it again")
        if timestamp:
            draft = replace(draft, new={**draft.new, "timestamp": b64encode(timestamp).decode()})
        return self._core.act(draft)

    def begin_amendment(self, reason: str) -> Change:
        """Begin an amendment of a signed case; its signature stays in `signatures`.

        Raises
        ------
        CaseError
            If the case is not signed or no reason is given.
        """
        signature = self._state.signature
        if signature is None:
            raise CaseError("the case is not signed: change it as it is")
        if not reason.strip():
            raise CaseError("an amendment needs a reason: type it")
        old: AmendedSignature = {"signature": signature.seq}
        new: Amendment = {"reason": reason.strip()}
        return self._core.act(Draft(EventKind.AMENDED, old=old, new=new))

    def _check_signable(self) -> None:
        reads = self._state.reads
        if self._state.blind:
            raise CaseError("the second reading is blind and is not signed: end it first")
        if SETTLING in reads and self._state.reading != SETTLING:
            raise CaseError(f"the settled reading is what is signed: go to reading {SETTLING}")
        if self._sample.in_progress and self._sample.estimate() is None:
            raise CaseError(self._sample.what_is_missing)
        count = self._statistics.differential()
        if not (count.counted or count.excluded or tallied(self._state)):
            raise CaseError("nothing has been counted yet, so there is nothing to sign")


def _counts(count: Differential) -> dict[str, int]:
    return {row.code: row.count for row in count.classes if row.count}


def _sign(state: State, event: Event) -> None:
    """Apply a signature; earlier acts can no longer be undone."""
    signed: SignaturePayload = event.new
    if signed["head"] != event.previous:
        raise NotAllowedError("it signs another state than the one before it")
    if proof_fails(state, event):
        raise NotAllowedError("the key that it names did not sign this")
    if state.replaying:
        state.catch_up()
    differs = signed_otherwise(state, signed)
    if differs:
        raise NotAllowedError(differs)
    state.signatures.append(Signature.from_json(signed, event.at, event.seq))
    state.forget_acts()


def _amend(state: State, event: Event) -> None:
    """Revoke the signature in force, and keep it."""
    old: AmendedSignature = event.old
    new: Amendment = event.new
    if state.signature is None or old["signature"] != state.signature.seq:
        raise NotAllowedError("it amends a signature that was not in force")
    state.signatures[-1] = replace(state.signatures[-1], amended=new["reason"])


EFFECTS: Effects = {EventKind.SIGNED: Effect(_sign), EventKind.AMENDED: Effect(_amend)}
