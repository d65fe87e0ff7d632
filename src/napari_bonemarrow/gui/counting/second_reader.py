"""Two readers: the blind reading, their agreement, and the settling of disagreements."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from threading import Thread

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import CLASSES, Agreement, Differential
from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.counting.agreement_dialog import AgreementDialog
from napari_bonemarrow.gui.counting.count_models import AgreementInfo, ClassAgreement, ReadersInfo
from napari_bonemarrow.gui.counting.second_reader_part import SecondReaderPart
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.review import Case

FIRST, SECOND, SETTLING = 1, 2, 3
_KAPPA = "statsmodels.stats.inter_rater"
"""Takes two seconds to import: it is prepared during the second reading, not at its end."""
ADVICE = "A count near a threshold: ICSH asks for a second reader."


class SecondReader(SmearPart):
    """The readings of a case: their begin, end and comparison."""

    settling = Signal()
    reader_changed = Signal()
    banner_changed = Signal(str)
    """The banner above every tab during a second reading; empty without one."""

    def __init__(
        self,
        session: Session,
        part: SecondReaderPart,
        selection: Selection,
        reviewer: ReviewerName,
        acts: CaseActs,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self.part, self._selection, self._reviewer, self._acts = part, selection, reviewer, acts
        self.dialog: AgreementDialog | None = None
        self._found: Agreement | None = None
        self._settler = ""
        for signal, slot in (
            (part.begin_requested, self.begin),
            (part.end_requested, self.end),
            (part.resume_requested, self.resume),
            (part.agreement_requested, self.show_agreement),
            (part.settle_requested, self.ask_who_settles),
            (part.settler_named, self.settle),
        ):
            self.follow(signal, slot)
        self.follow_reader()  # a second reading under way continues under its reader's name

    def close(self) -> None:
        """Close the page of the agreement."""
        if self.dialog is not None:
            self.dialog.close()
        super().close()
        self.part.show_info(ReadersInfo())
        self.banner_changed.emit("")

    def follow_reader(self) -> None:
        """Write under the second or settling reader's name, else under the window's."""
        case = self.session.case
        settler = self._settler if case.reading == SETTLING else ""
        case.reviewer = (
            case.readings.all[SECOND - 1].reviewer if case.is_blind else settler or self._reviewer.text
        )
        if len(case.readings.all) >= SECOND:
            Thread(target=import_module, args=(_KAPPA,), name="kappa", daemon=True).start()

    def name_reader(self) -> None:
        """Write under the window's name from now on, after a reviewer was named."""
        self._settler = ""
        self.follow_reader()

    def show(self, counted: Differential | None) -> None:
        """Show the readers and the next step."""
        info = readers_info(self.session.case, counted, self._agreement())
        self.part.show_info(info)
        self.banner_changed.emit(self.session.case.distrust or info.banner)

    def follow_settling(self) -> None:
        """Update the number of cells to settle, during settling in another tab."""
        if self.session.case.reading == SETTLING:
            self.banner_changed.emit(settling_banner(self.session.case))

    def begin(self, name: str) -> None:
        """Begin the blind reading."""
        self._turn(lambda case: case.readings.begin_second(name))

    def resume(self) -> None:
        """Resume an unfinished second reading."""
        self._turn(lambda case: case.readings.go_to(SECOND))

    def end(self) -> None:
        """End the present reading; after a second one show the agreement."""
        second = self.session.case.reading == SECOND
        if self._turn(lambda case: case.readings.end()) and second:
            self.show_agreement()

    def ask_who_settles(self) -> None:
        """Ask for the settling person, a reader or a third one, unless named before."""
        case = self.session.case
        if case.reading == SETTLING and self._settler:
            self.settling.emit()
        else:
            self.part.ask_who_settles([reading.reviewer for reading in case.readings.all])

    def settle(self, name: str) -> None:
        """Show the disagreements to the settling person, one after another."""
        self._settler = name
        if self._turn(lambda case: case.readings.begin_settling(name)):
            self.settling.emit()

    def _turn(self, act: Callable[[Case], object]) -> bool:
        """Change the reading; every view looks up its cells again, since they are another reader's."""
        if not self._acts.act(lambda: act(self.session.case)):
            return False
        self.follow_reader()
        self.reader_changed.emit()
        self._selection.clear()
        return True

    def show_agreement(self) -> None:
        """Open the page of the agreement."""
        found = self._agreement()
        if found is None:
            return
        info = agreement_info(self.session.case, found)
        if self.dialog is not None:
            self.dialog.close()
        dialog = AgreementDialog(self.part, info, self.part.colors)
        dialog.settle_requested.connect(self.ask_who_settles)
        dialog.finished.connect(self._on_finished)
        self.dialog = dialog
        dialog.open()

    def _agreement(self) -> Agreement | None:
        """Compare the readers once, since two ended readings no longer change."""
        if self._found is None:
            self._found = self.session.case.readings.agreement()
        return self._found

    def _on_finished(self, _result: int) -> None:
        self.dialog = None


def readers_info(case: Case, counted: Differential | None, found: Agreement | None = None) -> ReadersInfo:
    """Return the readers of a case and the next step; ``found`` is the agreement of two readers."""
    if counted is None or not counted.reviewed + counted.unreviewed:
        return ReadersInfo()
    first, *further = case.readings.all
    free = not case.read_only and not case.is_signed
    advised = any(flag.code.endswith("_straddle") for flag in counted.flags)
    if not further:
        return ReadersInfo(
            text=f"First reader {first.reviewer}",
            advice=ADVICE if advised and not case.sample.in_progress else "",
            readers=(first.reviewer,),
            can_begin=free and not case.sample.in_progress,
        )
    second = further[0]
    if case.is_blind:
        total = counted.reviewed + counted.unreviewed
        return ReadersInfo(
            text=f"Second reader {second.reviewer}: {count_of(counted.reviewed, 'cell', of=total)} read",
            banner=f"second reading, blind · {second.reviewer}",
            can_end=free,
        )
    if second.ended_at is None:
        text = f"The second reading by {second.reviewer} is not ended."
        return ReadersInfo(text=text, can_resume=free)
    return _compared(case, found, free)


def _compared(case: Case, found: Agreement | None, free: bool) -> ReadersInfo:
    first, second = case.readings.all[:2]
    text = f"First reader {first.reviewer}, second reader {second.reviewer}"
    if found is not None:
        text += f": {agreement_text(found)}"
    waiting = len(case.readings.disagreements())
    settling = case.reading == SETTLING
    if settling:
        text += f". {case.readings.all[SETTLING - 1].reviewer} settles."
    return ReadersInfo(
        text=text,
        banner=settling_banner(case) if settling else "",
        can_compare=found is not None,
        to_settle=waiting if free else 0,
    )


def settling_banner(case: Case) -> str:
    """Return the banner with the settling person and the open disagreements; empty without settling."""
    left = len(case.readings.disagreements())
    if not left:
        return ""
    return f"settling · {left} left · {case.reviewer}"


def agreement_text(found: Agreement) -> str:
    """Return an agreement on one line."""
    if not found.n:
        return "no cell read by both"
    text = f"{found.percent:.1f} % of {count_of(found.n, 'cell')} alike"
    if found.kappa is None:
        return f"{text}, Cohen's κ not defined"
    text += f", Cohen's κ {found.kappa:.2f}"
    if found.kappa_ci95 is None:
        return text
    low, high = found.kappa_ci95
    return f"{text} (95 % interval {low:.2f} to {high:.2f})"


def agreement_info(case: Case, found: Agreement) -> AgreementInfo:
    """Return the agreement of the two readers of a case."""
    first, second = case.readings.all[:2]
    rows = tuple(
        ClassAgreement(row.code, CLASSES[row.code].name, row.n_first, row.n_second, row.both, row.kappa)
        for row in found.per_class
    )
    return AgreementInfo(
        first=first.reviewer,
        second=second.reviewer,
        headline=capital(agreement_text(found)),
        rows=rows,
        codes=found.codes,
        confusion=tuple(tuple(line) for line in found.confusion.tolist()),
        disagreements=len(case.readings.disagreements()),
    )
