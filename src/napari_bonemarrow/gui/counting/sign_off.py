"""Sign-off: the steps missing to a signature, the signature itself, and amendments."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import CLASSES, BoneMarrowError, ClassCount, Differential
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.cytology.statements import UNAUTHENTICATED
from napari_bonemarrow.gui.core.notice_text import one_line
from napari_bonemarrow.gui.core.sample_figures import goal_text
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.counting.count_models import KeyInfo, SignInfo
from napari_bonemarrow.gui.counting.sign_off_part import HEAD_DIGITS, SignPart
from napari_bonemarrow.gui.counting.timestamp_request import TimestampRequest
from napari_bonemarrow.gui.widgets.reviewer_name import UNNAMED
from napari_bonemarrow.report.page.basis import which_count
from napari_bonemarrow.review import (
    WHERE,
    Authentication,
    Case,
    Signature,
    authentication,
    fingerprint_of,
    key_record,
    open_key,
    planned_keeping,
    timestamp_server,
)
from napari_bonemarrow.review.journal.events import Draft


class SignOff(SmearPart):
    """The controller of the sign-off at the bottom of the Count tab."""

    waits = Signal(bool)
    """Emitted when a prepared signature waits for its timestamp, and when it waits no longer."""

    def __init__(self, session: Session, part: SignPart, acts: CaseActs, parent: QObject) -> None:
        super().__init__(session, parent)
        self.part, self._acts = part, acts
        self._timestamp = TimestampRequest(self)
        part.key_of = key_info
        self.follow(part.sign_requested, self.sign)
        self.follow(part.amend_requested, self.amend)
        self.follow(part.wait_ended, self._on_wait_ended)

    def close(self) -> None:
        """Write a signature that waits for a timestamp, without it."""
        self._timestamp.give_up("the smear was left before it came")
        super().close()
        self.part.show_info(SignInfo())

    def _on_wait_ended(self) -> None:
        self._timestamp.give_up("it was not waited for")

    def show(self, counted: Differential | None) -> None:
        """Show the state of the case."""
        info = sign_info(self.session.case, counted)
        head, text = self.part.unstamped
        if info.is_signed and info.head == head:
            info = replace(info, detail=f"{info.detail} · {text}")
        self.part.show_info(info)

    def ask(self) -> None:
        """Ask for the signature, or for the reason of an amendment if the case is signed."""
        if self.part.amend_button.isVisibleTo(self.part):
            self.part.ask_to_amend()
        else:
            self.part.ask_to_sign()

    def sign(self, name: str, reason: str = "", passphrase: str = "") -> None:
        """Freeze the case with the signer's key, and a timestamp if a server was named."""
        case = self.session.case
        found: list[tuple[str, Draft]] = []

        def prepare() -> object:
            """Sign at once, or prepare for a timestamp without waiting for the network."""
            key, server = open_key(name, lambda _name: passphrase), timestamp_server()
            if not server:
                return case.sign(name, reason, key)
            found.append((server, case.sign_off.prepare(name, reason, key)))
            return None

        self._acts.act(prepare)
        for server, draft in found:
            self.waits.emit(True)
            proof = bytes.fromhex(draft.new["key"]["proof"])
            self.part.show_waiting(self._timestamp.ask(server, proof, partial(self._finish, draft)))

    def _finish(self, draft: Draft, timestamp: bytes, why: str) -> None:
        """Write a signature with its timestamp, or without one and with the reason."""
        self.part.unstamped = ("", "") if timestamp else (draft.new["head"], f"without a timestamp: {why}")
        self.part.show_waiting("")
        self._acts.act(lambda: self.session.case.sign_off.finish(draft, timestamp))
        self.waits.emit(False)

    def amend(self, reason: str) -> None:
        """Begin an amendment of a signed case; the signed state is kept."""
        self._acts.act(lambda: self.session.case.sign_off.begin_amendment(reason))


def sign_info(case: Case, counted: Differential | None) -> SignInfo:
    """Return the sign-off of a case.

    Parameters
    ----------
    case : Case
    counted : Differential or None
        Its present count; None if nothing has been counted.
    """
    signature = case.signature
    if case.distrust:
        return SignInfo(text="Not to be relied on", detail=case.distrust)
    if signature is not None:
        return SignInfo(
            text=f"Signed by {signature.name} · {local_time(signature.at)}{_doubt(case, signature)}",
            detail=f"head {signature.head[:HEAD_DIGITS]} · {_worth(signature)}",
            head=signature.head,
            can_amend=not case.read_only,
            can_remember=case.model.features is not None and bool(case.reviewed().any()),
        )
    if counted is None or not counted.reviewed + counted.unreviewed:
        return SignInfo()
    if case.is_blind:
        return SignInfo("The second reading is under way", "A case is signed once it has been ended.")
    missing = "; ".join(case.sign_off.gaps(counted))
    sampled = case.sample.in_progress
    if sampled and not counted.is_sampled and counted.unreviewed:
        return SignInfo("Nothing can be signed yet", case.sample.what_is_missing)
    details = (leading_text(counted), flagged_text(case), _amendment_text(case))
    return SignInfo(
        text=missing[:1].upper() + missing[1:] or _ready_text(case, counted),
        detail="\n".join(detail for detail in details if detail),
        signer="" if case.reviewer == UNNAMED else case.reviewer,
        counts=frozen_counts(case, counted),
        caution=flagged_text(case),
        needs_reason=bool(missing),
        can_sign=not case.read_only,
    )


def _ready_text(case: Case, counted: Differential) -> str:
    """Return that a count can be signed without a reason."""
    if not counted.is_sampled:
        return "Every cell in the frame is reviewed"
    goal = case.sample.goal
    return "Every cell of the wave is named" if goal is None else f"{goal_text(goal)}: ready to sign"


def key_info(name: str) -> KeyInfo:
    """Return the key with which a person would sign, and its present or future place."""
    try:
        record = key_record(name)
    except BoneMarrowError as error:
        return KeyInfo(one_line(error))
    if record is None:
        return KeyInfo(f"A signing key will be made for {name}, {WHERE[planned_keeping()]}")
    return KeyInfo(f"{fingerprint_of(record.public)}, {record.where}", record.needs_passphrase)


def _doubt(case: Case, signature: Signature) -> str:
    """Return a note that a date may be wrong."""
    return " (the computer's clock was wrong)" if case.history.date_in_doubt(signature.seq) else ""


def _worth(signature: Signature) -> str:
    """Return what a signature proves on this computer."""
    try:
        word, text = authentication(signature)
    except BoneMarrowError as error:
        return one_line(error)
    return UNAUTHENTICATED if word is Authentication.NONE else text


def leading_text(counted: Differential) -> str:
    """Return the largest class of the count, with its percentage if that is printed."""
    if counted.is_sampled:
        return _leading_in_sample(counted)
    rows = [row for row in counted.classes if row.count]
    if not rows:
        return ""
    top = max(row.count for row in rows)
    leads = [row for row in rows if row.count == top]
    figure = f" {leads[0].percent_text}" if all(row.reliable for row in leads) else f" ({top})"
    names = " and ".join(CLASSES[row.code].name if row.code in CLASSES else row.code for row in leads[:2])
    return f"{names}{figure} {'leads' if len(leads) == 1 else 'lead'} · {which_count(counted)}"


def _leading_in_sample(counted: Differential) -> str:
    lead = max(counted.classes, key=lambda row: row.percent or 0.0)
    if not lead.percent:
        return ""
    return f"{lead.name} {lead.percent_text} leads · {which_count(counted)}"


def flagged_text(case: Case) -> str:
    """Return the number of flagged cells in words."""
    flagged = len(case.flags)
    if not flagged:
        return ""
    return f"{count_of(flagged, 'cell')} {'is' if flagged == 1 else 'are'} still flagged"


def frozen_counts(case: Case, counted: Differential) -> tuple[tuple[str, str], ...]:
    """Return the counts that a signature would freeze, by name, for its confirmation."""
    blasts = counted.row("blasts")
    figure = blasts.percent_text if blasts.reliable else "no percentage"
    lines = [
        ("Counted", f"{counted.counted} of {counted.target} aimed at"),
        ("This count", which_count(counted)),
        ("Leading", leading_text(counted).partition(" · ")[0] or "no cell"),
        ("Blasts", _blasts(blasts, figure)),
        ("M:E", counted.ratios["m_to_e"].text),
        ("Not counted", str(sum(counted.excluded.values()))),
    ]
    tallied = case.tally.total.total()
    if tallied:
        lines.append(("Tallied by eye", f"{tallied}, kept apart"))
    predictions = case.predictions
    if predictions is not None:
        lines.append(("Model", f"{predictions.model.name} ({predictions.model.sha256[:12]})"))
    return tuple(lines)


def _blasts(row: ClassCount, figure: str) -> str:
    if row.seen is None or row.ci95 is None:
        return f"{row.count} ({figure})"
    if row.percent is None:
        return f"none seen in the sample, at most {row.ci95[1]:.1f} %"
    return f"{figure} ({row.ci95[0]:.1f}–{row.ci95[1]:.1f}), {row.seen} in the sample"


def _amendment_text(case: Case) -> str:
    """Return the signed count that is being amended, and the reason."""
    if not case.sign_off.signatures:
        return ""
    last = case.sign_off.signatures[-1]
    return f"Amends the count signed by {last.name}, {local_time(last.at)}: {last.amended}"


def local_time(at: str) -> str:
    """Return a time of the journal, which is UTC, in local time."""
    return f"{datetime.fromisoformat(at).astimezone():%d %b %Y %H:%M}"
