"""Commands about who answers for a count: is a case as it was written, and do its readers agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, complain, show_json

if TYPE_CHECKING:
    from napari_bonemarrow.cytology import Agreement
    from napari_bonemarrow.review import Case

_HEAD = 12
"""Digits of a hash that are shown to people."""
_CHAIN = "tamper-evident, not authenticated"


def verify(
    cases: Annotated[list[Path], typer.Argument(help="Cases to check.", metavar="CASE...")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Check cases against their chain of hashes: a changed or missing line is found.

    Two lines a case: its journal and its signature. The chain is tamper-evident, not authenticated.

    Example: napari-bonemarrow verify smear.bmcase
    """
    found = [_checked(path) for path in cases]
    if as_json:
        show_json({"cases": found})
    for each in found:
        if not each["ok"]:
            complain(f"{each['case']}: {each['text']}")
        elif not as_json:
            print(f"{each['case']}: {each['text']}")
        if not as_json and each["signature"] is not None:
            print(f"{each['case']}: {each['signature']}")
    if not all(each["ok"] for each in found):
        raise typer.Exit(1)


def agreement(
    case: Annotated[Path, typer.Argument(help="A case that two readers have read.", metavar="CASE")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Tell how far the two readers of a case agree: per cent alike and Cohen's kappa.

    Example: napari-bonemarrow agreement smear.bmcase --json
    """
    from napari_bonemarrow.review import Case, CaseError

    with Case.open(case, read_only=True) as opened:
        found = opened.agreement()
        if found is None:
            raise CaseError(f"{case.name} has no two ended readings: a second reader reads it in the window")
        unsettled = len(opened.disagreements())
        if as_json:
            readers = [reading.reviewer for reading in opened.readings]
            show_json({"readers": readers, **found.to_dict(), "unsettled": unsettled})
        else:
            print(_in_words(found, opened, unsettled))


def _checked(path: Path) -> dict[str, Any]:
    """Check one case; one that cannot be opened at all is a failed check, and the others go on."""
    from napari_bonemarrow.cytology import BoneMarrowError
    from napari_bonemarrow.review import Case

    try:
        with Case.open(path, read_only=True) as case:
            result = case.verify()
            signature = _signed(case) if result.ok else None
            return {"case": str(path), "ok": result.ok, "text": result.text, "signature": signature}
    except BoneMarrowError as error:
        return {"case": str(path), "ok": False, "text": str(error), "signature": None}


def _signed(case: Case) -> str:
    signature = case.signature
    if signature is not None:
        head = signature.head[:_HEAD]
        return f"signed by {signature.name} at {signature.at} over head {head}; {_CHAIN}"
    if case.signatures:
        last = case.signatures[-1]
        return f"not signed: an amendment of what {last.name} signed at {last.at} is under way"
    return "not signed"


def _in_words(found: Agreement, case: Case, unsettled: int) -> str:
    first, second = (reading.reviewer for reading in case.readings[:2])
    share = "" if found.percent is None else f" ({found.percent:.1f} %)"
    kappa = "not defined" if found.kappa is None else f"{found.kappa:.3f}"
    if found.kappa_ci95 is not None:
        kappa += f" (95 % interval {found.kappa_ci95[0]:.3f} to {found.kappa_ci95[1]:.3f})"
    return (
        f"{first} and {second}: {found.agreed} of {found.n} cells alike{share}, Cohen's kappa {kappa}, "
        f"{unsettled} not settled"
    )
