"""The record in a report: signatures, readers, how it was counted, and the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_bonemarrow.cytology import CLASSES, Differential
from napari_bonemarrow.cytology.domain import UNCHECKED_TEXT
from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.cytology.messages import Message, counted_message, listed, message
from napari_bonemarrow.cytology.statements import UNAUTHENTICATED
from napari_bonemarrow.report.page.contents import Entry, JournalCode, Section, SignedText, Table
from napari_bonemarrow.report.page.drawings import qr_code
from napari_bonemarrow.report.page.language import Language
from napari_bonemarrow.review import Case

_SCALE_TEXT: Mapping[str, Message] = {
    "file": message("from the file"),
    "user": message("given by the user"),
    "estimate": message("estimated from red cells and accepted"),
}
_READING_TEXT: Mapping[str, Message] = {
    "first": message("first"),
    "second": message("second"),
    "settling": message("settling"),
}
_DIGITS = 12


@dataclass(frozen=True)
class RecordPart:
    """The parts of a report that come from the record of the case.

    Parameters
    ----------
    case : Case
    counted : Differential
    record : mapping
        See `record_document`.
    language : Language
    """

    case: Case
    counted: Differential
    record: Mapping[str, Any]
    language: Language

    def signatures(self) -> tuple[SignedText, ...]:
        """Return every signature, those no longer in force too."""
        return tuple(self._signature(each) for each in self.record["signatures"])

    def unsigned(self) -> str:
        """Return that the count is not signed; empty if it is."""
        if self.case.is_signed:
            return ""
        if self.record["signatures"]:
            return self.language.say(message("Not signed: an amendment is under way."))
        return self.language.say(message("Not signed."))

    def _signature(self, signed: Mapping[str, Any]) -> SignedText:
        say = self.language.say
        title = message("Signed by {name}", name=signed["name"])
        if not signed["in_force"]:
            title = message("Signed before, no longer in force: by {name}", name=signed["name"])
        at: str = self.language.time(signed["at"])
        if signed["date_in_doubt"]:
            at = say(message("{at} (a date in doubt: the computer's clock was wrong)", at=at))
        told = [
            message(
                "{counted:,} cells counted, {reviewed:,} in the frame reviewed",
                counted=signed["counted"],
                reviewed=signed["reviewed"],
            )
        ]
        for key, left in (
            ("unreviewed", message("{n} not", n=signed["unreviewed"])),
            ("imported", message("{n} with an unconfirmed class from the data", n=signed["imported"])),
            ("disagreements", message("{n} on which the readers differ", n=signed["disagreements"])),
        ):
            if signed[key]:
                told.append(left)
        head = message("Journal head {head}", head=signed["head"])
        if not signed["key"]:
            head = message("Journal head {head}; {chain}", head=signed["head"], chain=signed["chain"])
        text = say(message("{at}: {what}.", at=at, what=listed(told)))
        return SignedText(say(title), text, self._details(signed), say(head) + ".", signed["in_force"])

    def _details(self, signed: Mapping[str, Any]) -> tuple[str, ...]:
        say, lines = self.language.say, []
        if signed["estimate"]:
            estimate = signed["estimate"]
            values = {name: estimate[name] for name in ("reviewed", "frame", "seed")}
            lines.append(
                message(
                    "The signed percentages are estimates from a random sample: {reviewed:,} of {frame:,} "
                    "cells reviewed, seed {seed}.",
                    **values,
                )
            )
        if signed["reason"]:
            lines.append(
                message("Reason for signing with this left to do: {reason}", reason=signed["reason"])
            )
        if signed["amended"]:
            lines.append(message("Amended: {reason}", reason=signed["amended"]))
        said = [say(line) for line in lines]
        if signed["key"]:
            said.append(capital(say(signed["told"])) + ".")
        return tuple(said)

    def readers(self) -> Section | None:
        """Return the readers and their agreement; None with one reader."""
        readings = self.record["readings"]
        if len(readings) < 2:
            return None
        say = self.language.say
        lines = tuple(self._reading(each) for each in readings)
        found = self.record["agreement"]
        if not found:
            return Section(say(message("Readers")), lines)
        return Section(
            say(message("Readers")),
            lines,
            self._agreement(found),
            (self._per_class(found), self._table(found)),
        )

    def _reading(self, reading: Mapping[str, Any]) -> str:
        time, say = self.language.time, self.language.say
        ended = reading["ended_at"]
        text = message(
            "{kind}: {reader}, {begun} to {ended}",
            kind=_READING_TEXT[reading["kind"]],
            reader=reading["reviewer"],
            begun=time(reading["begun_at"]),
            ended=time(ended) if ended else message("now"),
        )
        if reading["counted_here"]:
            text = message("{reading}; counted above", reading=text)
        return say(text)

    def _agreement(self, found: Mapping[str, Any]) -> str:
        number, say = self.language.number, self.language.say
        kappa: str = message("not defined")
        if found["kappa"] is not None:
            kappa = number(found["kappa"], 2)
            if found["kappa_ci95"]:
                low, high = (number(limit, 2) for limit in found["kappa_ci95"])
                kappa = message("{kappa} (95 % interval {low} to {high})", kappa=kappa, low=low, high=high)
        alike = message(
            "{agreed} of {n} cells that both read are alike", agreed=found["agreed"], n=found["n"]
        )
        if found["percent"] is not None:
            percent = number(found["percent"])
            alike = message("{alike} ({percent} %)", alike=alike, percent=percent)
        return say(
            message(
                "{alike}; Cohen's κ {kappa}; {unsettled} not settled.",
                alike=alike,
                kappa=kappa,
                unsettled=found["unsettled"],
            )
        )

    def _per_class(self, found: Mapping[str, Any]) -> Table:
        say, number = self.language.say, self.language.number
        headings = (
            say(message("Code")),
            say(message("Class")),
            say(message("First")),
            say(message("Second")),
            say(message("Both")),
            "κ",
        )
        rows = tuple(
            (
                row["code"],
                say(CLASSES[row["code"]].name),
                str(row["n_first"]),
                str(row["n_second"]),
                str(row["both"]),
                "–" if row["kappa"] is None else number(row["kappa"], 2),
            )
            for row in found["per_class"]
        )
        return Table(headings, rows)

    def _table(self, found: Mapping[str, Any]) -> Table:
        caption = message("Cells by class: a row each of the first reader's, a column each of the second's.")
        rows = tuple(
            (code, *(str(n) if n else "·" for n in line))
            for code, line in zip(found["codes"], found["confusion"], strict=True)
        )
        return Table(("", *found["codes"]), rows, 1, self.language.say(caption))

    def method(self) -> tuple[Entry, ...]:
        """Return how it was counted."""
        case, say, record = self.case, self.language.say, self.record
        ratio = self.counted.ratios["m_to_e"]
        entries: list[tuple[str, str]] = [
            (message("Frame"), self._frame()),
            (message("Scale"), self._scale()),
            (
                message("Rules"),
                message(
                    "{rules}; M:E = {definition}",
                    rules=self.counted.profile.title,
                    definition=ratio.definition,
                ),
            ),
        ]
        if record["model_only"]:
            domain = self.counted.domain
            entries.append((message("Out-of-domain check"), domain.text if domain else UNCHECKED_TEXT))
        reviewers = sorted({label.by for label in case.labels.values() if not label.imported})
        if reviewers:
            entries.append((message("Reviewed by"), ", ".join(reviewers)))
        entries += [(message("Imported"), self._imported(each)) for each in record["imports"]]
        found = counted_message("{n} cell found", "{n} cells found", len(case.cells))
        digits = case.slide_record.fingerprint[:_DIGITS]
        entries.append(
            (message("Slide"), message("{found}; fingerprint {digits}", found=found, digits=digits))
        )
        return tuple(Entry(say(label), say(text)) for label, text in entries)

    def _imported(self, each: Mapping[str, Any]) -> Message:
        values = {
            "cells": each["cells"],
            "by": each["by"],
            "at": self.language.time(each["at"]),
            "digits": each["sha256"][:_DIGITS],
        }
        if each["vouched"]:
            return message(
                "{cells} classes by {by}, {at}, from a file with SHA-256 {digits}, for which {by} vouches",
                **values,
            )
        return message("{cells} classes by {by}, {at}, from a file with SHA-256 {digits}", **values)

    def _scale(self) -> Message:
        scale = self.case.scale
        if scale is None:
            return message("unknown")
        return message(
            "{scale:.4g} µm per pixel, {source}",
            scale=float(scale.microns_per_pixel),
            source=_SCALE_TEXT[str(scale.source)],
        )

    def _frame(self) -> Message:
        case, frame, microns_per_pixel = self.case, self.case.frame, self.case.microns_per_pixel
        if frame is None or microns_per_pixel is None:
            return message("not set")
        what = message("the whole field")
        if case.sampling.frame_choice == "ranked":
            ranked = len(case.sampling.ranking.regions) if case.sampling.ranking is not None else 0
            what = message(
                "the first {n} of {ranked} regions that were ranked before any class was seen",
                n=len(frame.regions),
                ranked=ranked,
            )
        elif case.sampling.frame_choice == "reviewer":
            what = message("regions chosen by the reviewer ({n})", n=len(frame.regions))
        elif frame.images:
            what = counted_message("the whole of {n} field", "the whole of {n} fields", len(frame.images))
        return message(
            "cells whose centre lies in {what}, less {margin:g} µm at the image's border ({area:.3g} mm²)",
            what=what,
            margin=float(frame.margin_um),
            area=frame.counted_area(microns_per_pixel) * microns_per_pixel**2 / 1e6,
        )

    def journal(self) -> JournalCode:
        """Return the last hash of the journal, which names this state of the case."""
        say, journal = self.language.say, self.record["journal"]
        text: Message = message("{n} lines; {chain}", n=journal["lines"], chain=UNAUTHENTICATED)
        if journal["clock"]:
            text = message("{lines}; {clock}", lines=text, clock=journal["clock"])
        head = journal["head"]
        alt = say(message("QR code of the journal head {head}", head=head))
        return JournalCode(say(message("Journal head")), head, say(text), qr_code(head, alt))
