"""The model in a report: its card in three lines."""

from __future__ import annotations

from napari_bonemarrow.cytology.classes import SUPPORT_TEXT
from napari_bonemarrow.cytology.messages import Message, listed, message
from napari_bonemarrow.report.page.contents import Section
from napari_bonemarrow.report.page.language import Language
from napari_bonemarrow.report.page.options import ModelFacts
from napari_bonemarrow.review import Case

_DIGITS = 12


def model_section(case: Case, facts: ModelFacts | None, language: Language) -> Section:
    """Return the model in up to three lines: its name, what it learnt from, its figures.

    Parameters
    ----------
    case : Case
    facts : ModelFacts or None
        What its bundle's card says; a case knows only name, digest and support.
    language : Language
    """
    say, predictions = language.say, case.predictions
    title = say(message("Model"))
    if predictions is None:
        return Section(title, (say(message("none")),))
    model = predictions.model
    lines: list[str] = [
        message(
            "{name} ({digits}); {support}",
            name=model.name,
            digits=model.sha256[:_DIGITS],
            support=_support(case),
        )
    ]
    if facts is not None and facts.sha256 == model.sha256:
        lines += _card(facts, language)
    return Section(title, tuple(map(say, lines)))


def _support(case: Case) -> Message:
    predictions, told = case.predictions, []
    assert predictions is not None
    for support, text in SUPPORT_TEXT.items():
        codes = [code for code in predictions.classes if predictions.support.get(code) is support]
        if codes:
            told.append(message("{support}: {codes}", support=text, codes=", ".join(codes)))
    return listed(told, "; ")


def _card(facts: ModelFacts, language: Language) -> list[str]:
    lines: list[str] = []
    if facts.data:
        data = listed(
            (
                message(
                    "{data} ({licence}; {source})", data=each.name, licence=each.licence, source=each.source
                )
                for each in facts.data
            ),
            "; ",
        )
        lines.append(message("Learnt from {data}.", data=data))
    if facts.accuracy is not None:
        lines.append(
            message(
                "On {n} held-out cells of {source}, not of this smear: accuracy {accuracy:.1f} %, mean "
                "recall of the classes {recall:.1f} %.",
                n=facts.held_out,
                source=facts.held_out_source,
                accuracy=100 * facts.accuracy,
                recall=100 * (facts.balanced_accuracy or 0.0),
            )
        )
    return lines
