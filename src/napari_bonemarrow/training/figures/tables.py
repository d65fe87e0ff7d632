"""Tables of an evaluation in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_bonemarrow.cytology.published import MATEK_2021, PUBLISHED_NOTE, TOLERATED_NOTE

_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "ece": "calibration error",
}


def _measured(document: Mapping[str, Any], key: str) -> str:
    bounds = document.get(f"{key}_ci95")
    spread = f" ({bounds[0]:.3f}–{bounds[1]:.3f})" if bounds else ""
    return f"{document[key]:.3f}{spread}"


def table(name: str, document: Mapping[str, Any], *, tolerant: bool = False) -> str:
    """Return one source's figures next to the paper's in Markdown; the tolerant ones in their own table."""
    model = document["model"]
    measured = ", ".join(f"{text} {_measured(document, key)}" for key, text in _NAMES.items())
    few = ", ".join(f"{code} ({n})" for code, n in document["too_few"].items())
    lines = [
        f"## {name}: {model['name']} (`{model['sha256'][:12]}`), n = {document['n']}",
        "",
        f"Protocol: {document['protocol']}.",
        "",
        f"{measured[0].upper()}{measured[1:]}, weighted F1 {document['weighted_f1']:.3f} (in brackets: 95 % "
        "bootstrap, images drawn within their class).",
        "",
        *_strict(document),
        "",
        f"Too few images for figures: {few}." if few else "",
        PUBLISHED_NOTE,
        "",
    ]
    if tolerant:
        lines += _tolerant(document["tolerant"])
    for key, section in (
        ("closed", _closed),
        ("selective", _selective),
        ("prior", _prior),
        ("transfer", _transfer),
        ("robustness", _robustness),
    ):
        if document.get(key):
            lines += section(document[key])
    return "\n".join(lines)


def _strict(document: Mapping[str, Any]) -> list[str]:
    lines = [
        "| class | support | n | precision | recall | F1 | published n | precision | recall |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for code, own in document["per_class"].items():
        paper = MATEK_2021[code]
        lines.append(
            f"| {code} | {document['support'][code]} | {own['n']} | {own['precision']:.2f} "
            f"| {own['recall']:.2f} | {own['f1']:.2f} "
            f"| {paper.n} | {paper.precision} | {paper.recall} |"
        )
    return lines


def _tolerant(told: Mapping[str, Any]) -> list[str]:
    lines = [
        "### Tolerant",
        "",
        f"Tolerant: accuracy {told['accuracy']:.3f}, balanced accuracy {told['balanced_accuracy']:.3f}; "
        f"forgiven are {', '.join(told['pairs'])}, and no pair through a third class. {TOLERATED_NOTE}",
        "",
        "| class | n | tolerant precision | tolerant recall | tolerant F1 | published precision | recall |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for code, own in told["per_class"].items():
        paper = MATEK_2021[code]
        lines.append(
            f"| {code} | {own['n']} | {own['precision']:.2f} | {own['recall']:.2f} | {own['f1']:.2f} "
            f"| {paper.tolerant_precision} | {paper.tolerant_recall} |"
        )
    return [*lines, ""]


def _closed(told: Mapping[str, Any]) -> list[str]:
    measured = ", ".join(f"{text} {_measured(told, key)}" for key, text in _NAMES.items())
    return [f"When only the scheme's own classes may be answered: {measured}.", ""]


def _selective(told: Mapping[str, Any]) -> list[str]:
    if not told["n"]:
        return [f"No image reaches a confidence of {told['abstain_below']:.3f}.", ""]
    return [
        f"Of the images, {told['coverage']:.1%} reach the confidence of {told['abstain_below']:.3f} below "
        f"which the bundle abstains; on these {told['n']}, accuracy {told['accuracy']:.3f}, balanced "
        f"accuracy {told['balanced_accuracy']:.3f}.",
        "",
    ]


def _prior(told: Mapping[str, Any]) -> list[str]:
    lines = ["### Under another class distribution", ""]
    if "distance" in told:
        found, true = told["shares"], told["true_shares"]
        named = ", ".join(
            f"{code} {found.get(code, 0):.3f} ({true.get(code, 0):.3f})"
            for code in sorted({*found, *true})
            if max(found.get(code, 0), true.get(code, 0)) >= 0.0005
        )
        lines += [
            "Shares estimated from the probabilities alone (Saerens et al. 2002, expectation and "
            f"maximisation), in brackets the true ones: {named}. Half the summed difference: "
            f"{told['distance']:.3f}. Figures on the images as they are, with and without the correction:",
            "",
        ]
    else:
        lines += [
            f"Expected where classes come as in `{told['target']}`: images weigh by their class. Classes "
            f"with images here make up {told['covered']:.1%} of that distribution, and the figures hold for "
            "that part. Posteriors corrected after Saerens et al. 2002; training shares: "
            f"{told['training_text']}.",
            "",
        ]
    if "as_is" not in told:
        return [*lines, "None of its classes has images here.", ""]
    head = " | ".join(_NAMES.values())
    lines += [f"| posteriors | {head} |", "| --- |" + " ---: |" * len(_NAMES)]
    for key, text in (("as_is", "as they are"), ("corrected", "corrected")):
        lines.append(f"| {text} | " + " | ".join(_measured(told[key], name) for name in _NAMES) + " |")
    if "distance" not in told:
        lines += [
            "",
            "| class | share | precision | recall | corrected precision | recall |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for code, own in told["as_is"]["per_class"].items():
            new = told["corrected"]["per_class"][code]
            lines.append(
                f"| {code} | {told['shares'][code]:.4f} | {own['precision']:.2f} | {own['recall']:.2f} "
                f"| {new['precision']:.2f} | {new['recall']:.2f} |"
            )
    return [*lines, ""]


def _transfer(told: Mapping[str, Any]) -> list[str]:
    low, high = told["share_ci95"]
    lines = [
        "### Learnt from blood only",
        "",
        f"{told['right']} of {told['n']} right ({told['share']:.1%}, 95 % Wilson {low:.1%}–{high:.1%}); "
        f"{told['tolerant_right']} with our tolerance. Protocol: {told['protocol']}.",
        "",
        "| class | n | right | called |",
        "| --- | ---: | ---: | --- |",
    ]
    for code, own in told["classes"].items():
        called = ", ".join(f"{name} {n}" for name, n in own["called"].items())
        lines.append(f"| {code} | {own['n']} | {own['right']} | {called} |")
    return [*lines, ""]


def _robustness(told: Mapping[str, Any]) -> list[str]:
    worst = told["largest_drop"]
    lines = [
        "### Robustness",
        "",
        f"Balanced accuracy {told['balanced_accuracy']:.3f} on the {told['n']} crops as they are; it falls "
        f"most, by {100 * worst['drop']:.1f} points, at {worst['change']}.",
        "",
        "| change | balanced accuracy | fall, points (95 %, paired) |",
        "| --- | ---: | ---: |",
    ]
    for name, row in told["changes"].items():
        low, high = (100 * bound for bound in row["drop_ci95"])
        fall = f"{100 * row['drop']:z.1f} ({low:z.1f} to {high:z.1f})"
        lines.append(f"| {name} | {row['balanced_accuracy']:.3f} | {fall} |")
    return [*lines, ""]


def background_table(told: Mapping[str, Any]) -> str:
    """Return the table of source prediction."""
    lines = [
        "## Which source is it?",
        "",
        f"Guessed among {' and '.join(told['sources'])} by cross-validated logistic regression, on equally "
        f"many images of each class that all of them hold ({', '.join(told['classes'])}).",
        "",
        "| from | n | balanced accuracy | chance | recognised with 95 % certainty |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for key, text in (("background", "the background alone"), ("features", "the network's features")):
        own = told[key]
        lines.append(
            f"| {text} | {own['n']} | {_measured(own, 'balanced_accuracy')} | {own['chance']:.2f} "
            f"| {own['told']:.1%} |"
        )
    return "\n".join([*lines, "", told["text"], ""])
