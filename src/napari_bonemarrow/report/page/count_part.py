"""The count in a report: the table with its bars, what was left out, tags and notes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from napari_bonemarrow.cytology import CLASSES, ClassCount, Differential
from napari_bonemarrow.cytology.messages import counted_message, message
from napari_bonemarrow.cytology.profiles.references import ReferenceRange
from napari_bonemarrow.cytology.rows import ADJUSTED_FROM, adjusted_ratio_text
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
from napari_bonemarrow.report.page.language import Language, unbroken
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
    source : str
        Beginning of the source of the reference ranges; empty for the profile's first, ``none`` for none.
    """

    case: Case
    counted: Differential
    language: Language
    source: str = ""

    @property
    def sampled(self) -> bool:
        """Return whether the percentages are a sample's."""
        return self.counted.estimate is not None and not self.counted.fully_reviewed

    def figures(self) -> tuple[Figure, ...]:
        """Return the large figures above the table."""
        counted, say, whole = self.counted, self.language.say, self.language.whole
        alone = counted.unreviewed - counted.imported
        found = [
            Figure(
                whole(counted.counted), say(message("counted of {target:,} aimed at", target=counted.target))
            ),
            self._ratio(),
            Figure(whole(counted.reviewed), say(message("reviewed in the frame"))),
            Figure(whole(alone), say(message("by the model alone"))),
        ]
        if counted.imported:
            found.append(Figure(whole(counted.imported), say(message("imported, not reviewed"))))
        if counted.unclassified:
            found.append(Figure(whole(counted.unclassified), say(message("not classified yet"))))
        return tuple(found)

    def _ratio(self) -> Figure:
        ratio, say, number = self.counted.ratios["m_to_e"], self.language.say, self.language.number
        name = say(message("M:E"))
        reference = self._reference(ratio.references)
        known = "" if reference is None else say(message("; reference {range}", range=reference.short_text))
        if ratio.value is None or ratio.ci95 is None:
            return Figure(f"{name} –", say(ratio.text) + known)
        low, high = number(ratio.ci95[0]), number(ratio.ci95[1])
        template = message("M:E ratio ({low}–{high})", low=low, high=high)
        if ratio.sampled:
            template = message("M:E ratio ({low}–{high}, from the sample)", low=low, high=high)
        adjusted = self.counted.adjusted
        if adjusted is not None:
            known = f"; {say(adjusted_ratio_text(adjusted))}{known}"
        return Figure(unbroken(f"{number(ratio.value)} : 1"), say(template) + known)

    @cached_property
    def _source(self) -> str:
        """Return the source of the printed reference ranges; empty for none."""
        sources = [each.source for each in self.counted.profile.reference_ranges]
        fitting = [each for each in sources if each.casefold().startswith(self.source.strip().casefold())]
        return fitting[0] if fitting and self.source.strip().casefold() != "none" else ""

    def _reference(self, ranges: tuple[ReferenceRange, ...]) -> ReferenceRange | None:
        return next((each for each in ranges if each.source == self._source), None)

    def table(self) -> CountTable:
        """Return the differential as a table."""
        model = model_count(self.case)
        said = {} if model is None else {count.code: count for count in model.classes}
        shown = [
            count for count in self.counted.classes if CLASSES[count.code].predicted or count.count
        ]  # a class that only reviewers give appears once it was given
        rows = tuple(self._row(count, _model_said(said, count.code, self.language)) for count in shown)
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
            adjusted=say(message("Adjusted, %")) if _any(rows, "adjusted") else "",
            reference=say(message("Reference, %")) if _any((*rows, *groups), "reference") else "",
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
        reference = self._reference(count.references)
        return CountRow(
            code="" if group else count.code,
            name=say(count.name),
            codes=" + ".join(count.codes) if group else "",
            model=model,
            cells=_cells(count, self.language),
            sample=self.language.whole(count.seen or 0) if self.sampled else "",
            percent=say(count.percent_text),
            interval=say(count.ci_text) if count.reliable else "",
            adjusted=self._adjusted(count.code),
            reference="" if reference is None else self._range(reference),
            reliable=count.reliable,
            bar=None if group else self._bar(count, reference),
        )

    def _adjusted(self, code: str) -> str:
        """Return the percentage adjusted by the model's errors, with its interval; empty without one."""
        share = None if self.counted.adjusted is None else self.counted.adjusted.row(code)
        if share is None:
            return ""
        percent, low, high = map(self.language.number, (share.percent, *share.ci95))
        return f"{percent} ({low}–{high})"

    def _range(self, reference: ReferenceRange) -> str:
        """Return a range without its unit, which stands in the column's heading."""
        low, high = (
            f"{limit:g}".replace(".", self.language.decimal) for limit in (reference.low, reference.high)
        )
        return f"{low}–{high}"

    def _bar(self, count: ClassCount, reference: ReferenceRange | None) -> Bar | None:
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
            None if reference is None else (reference.low / axis, min(reference.high / axis, 1.0)),
            CLASSES[count.code].color,
            say(alt),
        )

    def _below(self) -> tuple[str, ...]:
        """Return the rule of the percentages, the source of the ranges, and the model's test."""
        told, say = self.case.learning.prequential_shares, self.language.say
        rules = dict.fromkeys(say(row.rule) for row in self.counted.classes if row.rule)
        adjusted = (
            () if self.counted.adjusted is None else (say(message("Adjusted: {basis}", basis=ADJUSTED_FROM)),)
        )
        first = ". ".join((*rules, *adjusted, *self._sources()))
        above = (f"{first}.",) if first else ()
        if told is None:
            return above
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
        return (*above, " ".join(lines))

    def _sources(self) -> tuple[str, ...]:
        if not self._source:
            return ()
        text = message("Reference ranges, shown as pale bands behind the bars: {source}", source=self._source)
        return (self.language.say(text),)

    def excluded(self) -> Section:
        """Return the cells that were left out of the count."""
        say = self.language.say
        rows = tuple(
            (code, say(CLASSES[code].name), self.language.whole(n))
            for code, n in self.counted.excluded.items()
            if n
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
        arising = [
            Note(say(message("{note} [{rule}]", note=flag.text, rule=flag.rule) if flag.rule else flag.text))
            for flag in counted.flags
            if flag.text != counted.unlike_text
        ]
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


def _cells(count: ClassCount, language: Language) -> str:
    """Return the number of cells, a dash where it is not known."""
    return "–" if count.known_count is None else language.whole(count.known_count)


def _model_said(said: dict[str, ClassCount], code: str, language: Language) -> str:
    """Return the model's count of a class, a dash instead of 0 for a class that it has not learnt."""
    count = said.get(code)
    if count is None or not CLASSES[code].predicted:
        return "–" if said else ""
    return _cells(count, language)
