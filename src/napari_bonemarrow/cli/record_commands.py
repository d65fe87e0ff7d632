"""Commands about the record of a case: verification, label import and agreement of readers."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, OutFolder, Switches, complain, say, show_json
from napari_bonemarrow.cytology.statements import UNAUTHENTICATED

if TYPE_CHECKING:
    from napari_bonemarrow.cytology import Agreement
    from napari_bonemarrow.review import Case

_HEAD = 12
"""Displayed digits of a hash."""


def verify(
    cases: Annotated[list[Path], typer.Argument(help="Cases to check.", metavar="CASE...")],
    head: Annotated[
        str,
        typer.Option("--head", help="The journal's head from a report, at least 12 digits.", metavar="HASH"),
    ] = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Verify cases: is the journal unchanged, and whose key signed it?

    Prints two lines per case: journal and signature. A changed, missing or forbidden line is found. A cut-off
    end is found by the head printed in a report.

    Example: napari-bonemarrow verify smear.bmcase --head 3f2a91c04b7d
    """
    wanted = _head(head, cases)
    found = [_checked(path, wanted) for path in cases]
    if as_json:
        show_json({"cases": found})
    for each in found:
        if not each["ok"]:
            complain(f"{each['case']}: {each['text']}")
        elif not as_json:
            say(f"{each['case']}: {each['text']}")
        if not as_json and each["signature"] is not None:
            say(f"{each['case']}: {each['signature']}")
    if not all(each["ok"] for each in found):
        raise typer.Exit(1)


def combine(
    cases: Annotated[list[Path], typer.Argument(help="Cases of one patient.", metavar="CASE CASE...")],
    out: OutFolder,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Count several smears of one patient as one, and test whether they differ more than chance.

    Counts add up; the cases are only read. They must be of different slides and counted by the same rules,
    and none may be a sample review. Writes DIR/combined.json.

    Example: napari-bonemarrow combine smear-1.bmcase smear-2.bmcase --out patient
    """
    from napari_bonemarrow.workflow.combination import RESULT, write_combined

    combined = write_combined(cases, out)
    if as_json:
        show_json(combined.to_dict())
        return
    from rich.console import Console

    from napari_bonemarrow.cli.terminal_tables import differential_table

    Console(markup=False, highlight=False).print(differential_table(combined.count))
    for part in combined.parts:
        say(f"{part.path.name}: {part.count.counted} cells counted, {part.state}")
    say(*combined.notes, f"{out / RESULT} written")


def import_(
    case: Annotated[Path, typer.Argument(help="Case to import into.", metavar="CASE")],
    file: Annotated[Path, typer.Argument(help="CSV, or GeoJSON from QuPath.", metavar="FILE")],
    reviewer: Annotated[
        str, typer.Option("--reviewer", help="Who vouches for them, so that they count as reviewed.")
    ] = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Import labels into a case, by the cell's number or for the nearest cell within 4 µm.

    A table has the columns cell_id,label or x_px,y_px,label or field,field_x_px,field_y_px,label. Without
    --reviewer the labels are shown as imported and lift no warning until a reviewer accepts them.

    Example: napari-bonemarrow import smear.bmcase labels.csv --reviewer "Dr Ada"
    """
    from napari_bonemarrow.review import Case
    from napari_bonemarrow.workflow import default_reviewer, import_labels

    vouch = bool(reviewer.strip())
    with Case.open(case, reviewer=reviewer.strip() or default_reviewer()) as opened:
        found = import_labels(opened, file, vouch=vouch)
    if as_json:
        show_json({"case": str(case), "vouched": vouch, **asdict(found)})
    else:
        say(*found.text.splitlines())


def agreement(
    case: Annotated[Path, typer.Argument(help="A case that two readers have read.", metavar="CASE")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show the agreement of a case's two readers: per cent agreement and Cohen's kappa.

    Example: napari-bonemarrow agreement smear.bmcase --json
    """
    from napari_bonemarrow.review import Case, CaseError

    with Case.open(case, read_only=True) as opened:
        if opened.distrust:
            raise CaseError(f"{case.name}: {opened.distrust}")
        found = opened.readings.agreement()
        if found is None:
            raise CaseError(f"{case.name} lacks two finished readings: a second reader works in the window")
        unsettled = len(opened.readings.disagreements())
        if as_json:
            readers = [reading.reviewer for reading in opened.readings.all]
            show_json({"readers": readers, **found.to_dict(), "unsettled": unsettled})
        else:
            say(*_in_words(found, opened, unsettled).splitlines())


def _head(text: str, cases: list[Path]) -> str:
    digits = text.strip().lower()
    if not digits:
        return ""
    if not re.fullmatch(rf"[0-9a-f]{{{_HEAD},64}}", digits):
        raise typer.BadParameter(f"'{text}' is not a head: give at least {_HEAD} digits from a report")
    if len(cases) != 1:
        raise typer.BadParameter("a head belongs to one case: give one case")
    return digits


def _checked(path: Path, head: str) -> dict[str, Any]:
    """Return the check of one case; any error is a failed check, and the others continue."""
    from napari_bonemarrow.cytology import BoneMarrowError
    from napari_bonemarrow.review import Case

    failed = {"case": str(path), "ok": False, "signature": None, "authentication": None, "head": None}
    try:
        with Case.open(path, read_only=True) as case:
            result = case.verify()
            if not result.ok:
                return {**failed, "text": result.text}
            signed, word = _signed(case)
            fits, text = _at_head(case, head, result.text)
            last = case.history.last.hash
            return {
                **failed,
                "ok": fits,
                "text": text,
                "signature": signed,
                "authentication": word,
                "head": last,
            }
    except BoneMarrowError as error:
        return {**failed, "text": str(error)}
    except Exception as error:  # a defect in one file must not stop the check of others
        if Switches.debug:
            raise
        return {**failed, "text": f"unexpected {type(error).__name__}: try it alone with --debug"}


def _at_head(case: Case, head: str, text: str) -> tuple[bool, str]:
    """Return whether a journal contains the line with a report's hash."""
    if not head:
        return True, text
    lines = case.history.events()
    at = next((line.seq for line in lines if line.hash.startswith(head)), 0)
    if not at:
        return False, "the journal does not contain the head of that report: it was cut, or is another's"
    since = len(lines) - at
    grown = f"{text}; it contains the head of that report"
    return True, grown + (f" at line {at}, and {since} more since" if since else ", which is its last line")


def _signed(case: Case) -> tuple[str, str | None]:
    """Return the signer of a case and how far this computer trusts it, as a sentence and as one word."""
    from napari_bonemarrow.review import Authentication, authentication, timestamp_of

    signature = case.signature
    if signature is not None:
        word, text = authentication(signature)
        stamp = timestamp_of(signature.timestamp, bytes.fromhex(signature.proof))
        worth = UNAUTHENTICATED if word is Authentication.NONE else text
        head = signature.head[:_HEAD]
        doubt = (
            " (a date in doubt: the computer's clock was wrong)"
            if case.history.date_in_doubt(signature.seq)
            else ""
        )
        told = f"signed by {signature.name} at {signature.at}{doubt} over head {head}; {worth}"
        return "; ".join(filter(None, (told, stamp.text))), str(word)
    if case.sign_off.signatures:
        last = case.sign_off.signatures[-1]
        return f"not signed: an amendment of what {last.name} signed at {last.at} is under way", None
    return "not signed", None


def _in_words(found: Agreement, case: Case, unsettled: int) -> str:
    from napari_bonemarrow.cytology.plurals import count_of

    first, second = (reading.reviewer for reading in case.readings.all[:2])
    share = "" if found.percent is None else f" ({found.percent:.1f} %)"
    kappa = "not defined" if found.kappa is None else f"{found.kappa:.3f}"
    if found.kappa_ci95 is not None:
        kappa += f" (95 % interval {found.kappa_ci95[0]:.3f} to {found.kappa_ci95[1]:.3f})"
    return (
        f"{first} and {second}: {count_of(found.agreed, 'cell', of=found.n)} alike{share}, "
        f"Cohen's kappa {kappa}, "
        f"{unsettled} not settled"
    )
