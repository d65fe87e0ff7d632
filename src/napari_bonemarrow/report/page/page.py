"""The report of a case: gathered from the case, then completed with pictures from the slide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from napari_bonemarrow.cytology import Differential
from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.cytology.messages import counted_message, message
from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.report.files import ReportError
from napari_bonemarrow.report.page.basis import basis_text
from napari_bonemarrow.report.page.contents import Banner, BannerKind, Entry, ReportPage
from napari_bonemarrow.report.page.count_part import CountPart
from napari_bonemarrow.report.page.language import Language, language
from napari_bonemarrow.report.page.layout import Layout
from napari_bonemarrow.report.page.layout_files import read_layout
from napari_bonemarrow.report.page.model_part import model_section
from napari_bonemarrow.report.page.montage import MontagePlan, cut_montage, plan_montage
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.report.page.record_part import RecordPart
from napari_bonemarrow.report.record import record_document
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.report_fields import ReportField


@dataclass(frozen=True)
class GatheredReport:
    """All that a report needs of its case: the rest can be done in another thread.

    Attributes
    ----------
    page : ReportPage
        Without the montage.
    plan : MontagePlan or None
    language : Language
    layout : Layout
    options : ReportOptions
    """

    page: ReportPage
    plan: MontagePlan | None
    language: Language
    layout: Layout
    options: ReportOptions

    def completed(self) -> ReportPage:
        """Return the page with the montage, cut from the slide's file."""
        if self.plan is None:
            page = self.page
        else:
            page = replace(self.page, montage=cut_montage(self.plan, self.language, self.options.heatmaps))
        missed = len(self.language.missed)
        if not missed:
            return page
        text = counted_message(
            "{n} text of this report is not translated.",
            "{n} texts of this report are not translated.",
            missed,
        )
        banner = Banner(BannerKind.UNTRANSLATED, str(text))
        return replace(page, banners=(*page.banners, banner))


def report_page(case: Case, *, anonymous: bool = False, options: ReportOptions | None = None) -> ReportPage:
    """Return the report of a case.

    Parameters
    ----------
    case : Case
    anonymous : bool
        Name the slide by its fingerprint.
    options : ReportOptions, optional

    Raises
    ------
    ReportError
        If layout, language or a field is invalid.
    """
    return gather_report(case, anonymous=anonymous, options=options).completed()


def gather_report(
    case: Case, *, anonymous: bool = False, options: ReportOptions | None = None
) -> GatheredReport:
    """Gather the report of a case, without opening the slide; see `report_page`."""
    options = options or ReportOptions()
    layout = read_layout(options.layout) if options.layout else Layout()
    catalogue = layout.beside(layout.catalogue, "catalogue") if layout.catalogue else None
    asked = options.language or layout.language
    own = catalogue if asked == layout.language else None
    speech = language(asked, own)
    counted = case.differential()
    count = CountPart(case, counted, speech, layout.references)
    record = RecordPart(case, counted, record_document(case), speech)
    made = options.made or datetime.now(UTC)
    say, slide = speech.say, case.slide_record
    identity, findings = _filled_in(case, layout, options.fields, speech)
    page = ReportPage(
        language=speech.code,
        made_at=made,
        heading=say(message("Differential count of nucleated marrow cells")),
        slide=slide.fingerprint[:12] if anonymous else slide.name,
        made=say(message("report of {at}", at=speech.time(made))),
        research_use=say(RESEARCH_USE),
        laboratory=layout.head(),
        banners=_banners(case, counted, count.sampled, speech),
        basis=capital(say(basis_text(case, counted))),
        figures=count.figures(),
        identity=identity,
        findings=findings,
        signatures=record.signatures(),
        unsigned=record.unsigned(),
        table=count.table(),
        excluded=count.excluded(),
        tags=count.tags(),
        notes_title=say(message("Notes")),
        notes=count.notes(),
        readers=record.readers(),
        tally=count.tally(),
        montage=None,
        model=model_section(case, options.model, speech),
        method_title=say(message("How it was counted")),
        method=record.method(),
        journal=record.journal(),
        page_of=say(message("page {page} of {pages}", page="{page}", pages="{pages}")),
    )
    wanted = layout.montage if options.montage is None else options.montage
    return GatheredReport(page, plan_montage(case, counted) if wanted else None, speech, layout, options)


def _filled_in(
    case: Case, layout: Layout, given: Mapping[str, str], speech: Language
) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Return the identity and the findings that are printed."""
    fields = layout.report_fields()
    known = {each.key: each for each in fields}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ReportError(
            f"{unknown[0]}: no such field: choose one of {', '.join(known)}, or name it in a layout"
        )
    kept = case.findings.values
    fields += tuple(ReportField(key, key) for key in sorted(set(kept) - set(known)))
    values = {**kept, **{key: text.strip() for key, text in given.items()}}
    entries: dict[bool, list[Entry]] = {True: [], False: []}
    for each in fields:
        text = values.get(each.key, "")
        if text or each.when_empty:
            entries[each.identity].append(Entry(speech.say(each.label), text))
    return tuple(entries[True]), tuple(entries[False])


def _banners(case: Case, counted: Differential, sampled: bool, speech: Language) -> tuple[Banner, ...]:
    """Return what must be read before any number."""
    say, found = speech.say, []
    if case.distrust:
        found.append(Banner(BannerKind.DISTRUST, say(case.distrust)))
    estimate = counted.estimate
    if sampled and estimate is not None:
        told = estimate.to_dict()
        text = message(
            "{reviewed:,} of {frame:,} counted cells reviewed (seed {seed}; {method}). Percentages, "
            "intervals and ratio below are the sample's.",
            reviewed=estimate.reviewed,
            frame=estimate.frame,
            seed=told["seed"],
            method=told["method"],
        )
        title = say(message("Estimated from a random sample:"))
        found.append(Banner(BannerKind.SAMPLE, title, say(text)))
    if counted.unlike_text:
        found.append(Banner(BannerKind.UNLIKE, say(counted.unlike_text)))
    if case.is_blind:
        text = message("The second reading is under way: these are the classes of the second reader alone.")
        found.append(Banner(BannerKind.BLIND, say(text)))
    return tuple(found)
