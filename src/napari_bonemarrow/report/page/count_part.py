"""The count in a report: the table with its bars, what was left out, tags and notes."""

from __future__ import annotations

from dataclasses import dataclass

from napari_bonemarrow.cytology import CLASSES, ClassCount, Differential
from napari_bonemarrow.cytology.messages import counted_message, message
from napari_bonemarrow.report.page.contents import (
    Bar,
    CountHeadings,
    CountRow,
    CountTable,
    Figure,
    Note,
    Section,
    Table,
)
from napari_bonemarrow.report.page.language import Language
from napari_bonemarrow.report.record import model_count
from napari_bonemarrow.review import Case


@dataclass(frozen=True)
class CountPart:
    """The parts of a report that come from the differential.

    Parameters
    ----------
    case : Case
    counted : Differential
    language : Language
    """

    case: Case
    counted: Differential
    language: Language

    @property
    def sampled(self) -> bool:
        """Return whether the percentages are a sample's."""
        return self.counted.estimate is not None and not self.counted.fully_reviewed

    def figures(self) -> tuple[Figure, ...]:
        """Return the large figures above the table."""
        counted, say = self.counted, self.language.say
        alone = counted.unreviewed - counted.imported
        found = [
            Figure(str(counted.counted), say(message("counted of {target} aimed at", target=counted.target))),
            self._ratio(),
            Figure(str(counted.reviewed), say(message("reviewed in the frame"))),
            Figure(str(alone), say(message("by the model alone"))),
        ]
        if counted.imported:
            found.append(Figure(str(counted.imported), say(message("imported, not reviewed"))))
        if counted.unclassified:
            found.append(Figure(str(counted.unclassified), say(message("not classified yet"))))
        return tuple(found)

    def _ratio(self) -> Figure:
        ratio, say, number = self.counted.ratios["m_to_e"], self.language.say, self.language.number
        name = say(message("M:E"))
        if ratio.value is None or ratio.ci95 is None:
            return Figure(f"{name} –", say(ratio.text))
        low, high = number(ratio.ci95[0]), number(ratio.ci95[1])
        template = message("M:E ratio ({low}–{high})", low=low, high=high)
        if ratio.sampled:
            template = message("M:E ratio ({low}–{high}, from the sample)", low=low, high=high)
        return Figure(f"{number(ratio.value)} : 1", say(template))

    def table(self) -> CountTable:
        """Return the differential as a table."""
        model = model_count(self.case)
        said = {} if model is None else {count.code: count for count in model.classes}
        shown = [
            count for count in self.counted.classes if CLASSES[count.code].predicted or count.count
        ]  # a class that only reviewers give appears once it was given
        rows = tuple(self._row(count, _model_said(said, count.code)) for count in shown)
        groups = tuple(self._row(count, "") for count in self.counted.groups)
        say = self.language.say
        headings = CountHeadings(
            code=say(message("Code")),
            name=say(message("Class")),
            model=say(message("Model alone")) if said else "",
            cells=say(message("Cells")),
            sample=say(message("In sample")) if self.sampled else "",
            percent=say(message("Percent")),
            interval=say(message("95 % interval")),
            adjusted=say(message("Corrected for the model's errors")) if _any(rows, "adjusted") else "",
            reference=say(message("Reference")) if _any(rows, "reference") else "",
            axis=say(message("0 to {axis} %", axis=self._axis)),
        )
        return CountTable(headings, rows, groups, self._below())

    @property
    def _axis(self) -> int:
        """Return the per cent at the end of the axis: the largest interval, rounded up to the next ten."""
        tops = [row.ci95[1] for row in self.counted.classes if row.ci95 is not None]
        return min(100, max(10, 10 * -(-int(max(tops, default=0)) // 10)))

    def _row(self, count: ClassCount, model: str) -> CountRow:
        say, group = self.language.say, count.code not in CLASSES
        return CountRow(
            code="" if group else count.code,
            name=say(count.name),
            codes=" + ".join(count.codes) if group else "",
            model=model,
            cells=str(count.count),
            sample=str(count.seen) if self.sampled else "",
            percent=say(count.percent_text),
            interval=say(count.ci_text) if count.reliable else "",
            adjusted="",
            reference="",
            reliable=count.reliable,
            bar=None if group else self._bar(count),
        )

    def _bar(self, count: ClassCount) -> Bar | None:
        if not count.reliable or count.percent is None or count.ci95 is None:
            return None
        say, axis = self.language.say, self._axis
        low, high = count.ci95
        alt = message(
            "{code}: {percent}, 95 % interval {interval}",
            code=count.code,
            percent=count.percent_text,
            interval=count.ci_text,
        )
        return Bar(
            count.percent / axis,
            low / axis,
            min(high / axis, 1.0),
            None,
            CLASSES[count.code].color,
            say(alt),
        )

    def _below(self) -> tuple[str, ...]:
        """Return how often the model was right where it was put to the test."""
        told, say = self.case.learning.prequential_shares, self.language.say
        if told is None:
            return ()
        lines = [
            say(
                message(
                    "Of {n} reviewed cells, predicted before their class was given, the model alone named "
                    "{bundle:.0f} % rightly, with what was taught here {head:.0f} %.",
                    n=int(told["n"]),
                    bundle=100 * told["bundle"],
                    head=100 * told["head"],
                )
            )
        ]
        by = self.case.learning.predicted_by
        if by:
            lines.append(say(message("The other cells are predicted by {model}.", model=by)))
        return (" ".join(lines),)

    def excluded(self) -> Section:
        """Return the cells that were left out of the count."""
        say = self.language.say
        rows = tuple(
            (code, say(CLASSES[code].name), str(n)) for code, n in self.counted.excluded.items() if n
        )
        title = say(message("Left out of the count"))
        return (
            Section(title, tables=(Table((), rows),))
            if rows
            else Section(title, text=say(message("No cell.")))
        )

    def tags(self) -> Section | None:
        """Return the tags by lineage."""
        say = self.language.say
        lines = []
        for tag in self.counted.tags:
            values = {"tag": say(tag.name), "count": tag.count, "of": tag.of, "lineage": say(tag.lineage)}
            text = message("{tag}: {count} of {of} {lineage} cells", **values)
            if tag.percent is not None:
                text = message(
                    "{tag}: {count} of {of} {lineage} cells ({percent} %)",
                    **values,
                    percent=self.language.number(tag.percent),
                )
            lines.append(say(text))
        return Section(say(message("Tags")), tuple(lines)) if lines else None

    def notes(self) -> tuple[Note, ...]:
        """Return the notes on this count, then those on every count."""
        say, counted = self.language.say, self.counted
        arising = [Note(say(flag.text)) for flag in counted.flags if flag.text != counted.unlike_text]
        # The ratio's definition is under the rules.
        standing = [note for note in counted.notes if note.code != "m_to_e_definition"]
        return (*arising, *(Note(say(note.text), quiet=True) for note in standing))

    def tally(self) -> Section | None:
        """Return the cells that were counted by eye, apart from the count."""
        if not any(self.case.tally.fields):
            return None
        say, counted = self.language.say, self.case.tally.differential()
        fields = sum(1 for field in self.case.tally.fields if field)
        rows = [
            (row.code, say(row.name), str(row.count), say(row.percent_text), say(row.ci_text))
            for row in counted.classes
            if row.count
        ]
        out = say(message("left out"))
        rows += [
            (code, say(CLASSES[code].name), str(n), out, "") for code, n in counted.excluded.items() if n
        ]
        headings = ("Code", "Class", "Cells", "Percent", "95 % interval")
        text = counted_message(
            "{counted} cells in {n} field, without a model; not part of the count above.",
            "{counted} cells in {n} fields, without a model; not part of the count above.",
            fields,
            counted=counted.counted,
        )
        table = Table(tuple(map(say, headings)), tuple(rows))
        return Section(say(message("Counted by eye")), text=say(text), tables=(table,))


def _any(rows: tuple[CountRow, ...], name: str) -> bool:
    return any(getattr(row, name) for row in rows)


def _model_said(said: dict[str, ClassCount], code: str) -> str:
    """Return the model's count of a class, a dash instead of 0 for a class that it has not learnt."""
    count = said.get(code)
    if count is None or not CLASSES[code].predicted or not (count.count or count.zero_tells):
        return "–" if said else ""
    return str(count.count)
