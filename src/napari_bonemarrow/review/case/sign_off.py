"""Signing a count, and amending what was signed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

from napari_bonemarrow.cytology import Differential
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review.case.readings import CaseReadings
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.identity.signing_key import SigningKey
from napari_bonemarrow.review.journal.events import Change, Draft, Kind
from napari_bonemarrow.review.journal.program import program_name
from napari_bonemarrow.review.journal.reading import SECOND, SETTLING
from napari_bonemarrow.review.journal.signature import Signature
from napari_bonemarrow.review.state.figures import tallied
from napari_bonemarrow.review.state.statement import proof_fails, statement

Stamp = Callable[[bytes], bytes]
"""Gets some bytes and returns an RFC 3161 response over them."""


class CaseSigning(CaseReadings):
    """Sign-off and amendment. Use it as `Case`."""

    @property
    def signature(self) -> Signature | None:
        """The signature in force, None where there is none."""
        return self._state.signature

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """Every signature, oldest first; those before an amendment keep what was signed."""
        return tuple(self._state.signatures)

    @property
    def is_signed(self) -> bool:
        """Whether the case is frozen by a signature."""
        return self._state.signature is not None

    def sign_off_gaps(self, count: Differential | None = None) -> tuple[str, ...]:
        """Return what is left to do before the count can be signed without a reason, a line each.

        Parameters
        ----------
        count : Differential, optional
            `differential` as it is now, where it is at hand: at a key of the review it need not be counted
            twice.
        """
        count = count or self.differential()
        gaps = []
        if without := count.unreviewed - count.imported:
            gaps.append(f"{count_of(without, 'cell')} of {count.reviewed + count.unreviewed} not reviewed")
        if imported := count.imported:
            gaps.append(f"{count_of(imported, 'cell')} with a class that came with the data, not confirmed")
        reads = self._state.reads
        if SECOND in reads and reads[SECOND].reading.ended_at is None:
            gaps.append("the second reading has not been ended")
        elif unsettled := len(self.disagreements()):
            gaps.append(f"{count_of(unsettled, 'cell')} on which the two readers differ, not settled")
        return tuple(gaps)

    def sign(
        self, name: str, reason: str = "", key: SigningKey | None = None, timestamp: Stamp | None = None
    ) -> Change:
        """Sign the count; the case takes no other act until an amendment is begun.

        Parameters
        ----------
        name : str
            Who signs.
        reason : str
            Why it is signed although something of `sign_off_gaps` is left; the report prints it.
        key : SigningKey, optional
            The signer's, see `open_key`. Without one it shows no more than that a name was written.
        timestamp : callable, optional
            Gets the signature's bytes and returns an RFC 3161 response over them.

        Raises
        ------
        CaseError
            Where the name is empty, nothing is counted, a reading is shown that is not the one to sign,
            something is left to do and no reason is given, or the timestamp could not be had. Who would
            rather sign without one takes `prepare_signature` and `finish_signature`.
        """
        draft = self.prepare_signature(name, reason, key)
        proof = draft.new["key"]["proof"] if key is not None else ""
        try:
            stamped = timestamp(bytes.fromhex(proof)) if timestamp and proof else b""
        except CaseError as error:
            raise CaseError(f"{error}: nothing was signed") from error
        return self.finish_signature(draft, stamped)

    def prepare_signature(self, name: str, reason: str = "", key: SigningKey | None = None) -> Draft:
        """Return the line that signs the count as it is now, without writing it; as `sign`."""
        name, reason = name.strip(), reason.strip()
        if not name:
            raise CaseError("a signature needs a name: type it")
        self._check_signable()
        gaps = self.sign_off_gaps()
        if gaps and not reason:
            raise CaseError(f"not ready to be signed: {'; '.join(gaps)}. Finish it, or give a reason")
        count = self.differential()
        signature = Signature(
            name=name,
            reason=reason if gaps else "",
            counted=count.counted,
            reviewed=count.reviewed,
            unreviewed=count.unreviewed,
            imported=count.imported,
            disagreements=len(self.disagreements()),
            counts=_counts(count),
            excluded=dict(count.excluded),
            tallied=dict(tallied(self._state)),
            rules=count.rules.name,
            reading=self._state.reading,
            model=self._state.model,
            head=self._journal.lines.last.hash,
            program=program_name(),
        )
        draft = Draft(Kind.SIGNED, new=signature.to_json(), time=self._journal.time())
        if key is None:
            return draft
        line = self._journal.planned(draft, self.reviewer)
        proof = key.sign(statement(self._state, line, key.public))
        return replace(draft, new=replace(signature, public=key.public, proof=proof).to_json())

    def finish_signature(self, draft: Draft, timestamp: bytes = b"") -> Change:
        """Write a signature that was prepared.

        Parameters
        ----------
        draft : Draft
            Of `prepare_signature`.
        timestamp : bytes
            An RFC 3161 response over the signature's bytes, if one was asked for.

        Raises
        ------
        CaseError
            Where the case was changed meanwhile, another person reviews it now, or it could not be written.
        """
        if draft.new["head"] != self._journal.lines.last.hash:
            raise CaseError("the case was changed while it was being signed: sign it again")
        if proof_fails(self._state, self._journal.planned(draft, self.reviewer)):
            raise CaseError("another person reviews than when it was signed: sign it again")
        if timestamp:
            draft = replace(draft, new={**draft.new, "timestamp": b64encode(timestamp).decode()})
        return self._act(draft)

    def begin_amendment(self, reason: str) -> Change:
        """Open a signed case again; what was signed stays in `signatures`.

        Raises
        ------
        CaseError
            Where the case is not signed or no reason is given.
        """
        signature = self._state.signature
        if signature is None:
            raise CaseError("the case is not signed: change it as it is")
        if not reason.strip():
            raise CaseError("an amendment needs a reason: type it")
        old = {"signature": signature.seq}
        return self._act(Draft(Kind.AMENDED, old=old, new={"reason": reason.strip()}))

    def _check_signable(self) -> None:
        reads = self._state.reads
        if self._state.blind:
            raise CaseError("the second reading is blind and is not signed: end it first")
        if SETTLING in reads and self._state.reading != SETTLING:
            raise CaseError(f"the settled reading is what is signed: go to reading {SETTLING}")
        count = self.differential()
        if not (count.counted or count.excluded or tallied(self._state)):
            raise CaseError("nothing has been counted yet, so there is nothing to sign")


def _counts(count: Differential) -> dict[str, int]:
    return {row.code: row.count for row in count.classes if row.count}
