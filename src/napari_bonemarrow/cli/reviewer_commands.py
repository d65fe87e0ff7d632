"""Commands about reviewers and signing keys: the user's own, and those known on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, say, show_json, tell

app = typer.Typer(
    help="Whose signatures this computer knows: list, add, remove, export; one's own key; timestamps.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Option("--name", help="Reviewer; by default the user of this account.")]


@app.command(name="list")
def list_(as_json: AsJson = False, debug: Debug = False) -> None:
    """List the reviewers with known keys and the keys' fingerprints.

    Example: napari-bonemarrow reviewers list
    """
    from napari_bonemarrow.review import known_reviewers

    known = known_reviewers()
    if as_json:
        show_json({"reviewers": [_told(each) for each in known]})
        return
    for each in known:
        say(f"{each.fingerprint}  {each.name}{' (made on this computer)' if each.own else ''}")
    if not known:
        tell("no key is known here: yours is made with the first signature, or by `reviewers key`")


@app.command()
def key(
    name: Name = "",
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Ask for a passphrase for the new key.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show your signing key and its file; make one if there is none.

    Example: napari-bonemarrow reviewers key --name "Dr Ada" --passphrase
    """
    from napari_bonemarrow.review import CaseError, fingerprint_of, key_record, make_key
    from napari_bonemarrow.workflow.cases import default_reviewer

    name = name.strip() or default_reviewer()
    record = key_record(name)
    if record is not None and passphrase:
        raise CaseError(f"{name} has a signing key already, {record.where}: it does not change")
    if record is None:
        record = make_key(name, _new_passphrase() if passphrase else "")
    if as_json:
        kept = {"kept": str(record.keeping), "fingerprint": fingerprint_of(record.public)}
        show_json({"name": record.name, "public": record.public, **kept})
    else:
        say(f"{fingerprint_of(record.public)}  {record.name}, {record.where}")


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="The file to write.", metavar="FILE.json")],
    name: Annotated[list[str] | None, typer.Option("--name", help="Only these; may be repeated.")] = None,
    debug: Debug = False,
) -> None:
    """Write public keys to a file that colleagues add. No private key is ever written.

    Example: napari-bonemarrow reviewers export --name "Dr Ada" --out ada.json
    """
    from napari_bonemarrow.report import write_text
    from napari_bonemarrow.review import CaseError, known_reviewers, reviewers_text

    wanted = {each.strip().casefold() for each in name or ()}
    chosen = [each for each in known_reviewers() if not wanted or each.name.casefold() in wanted]
    if not chosen:
        raise CaseError("no such reviewer is known: see `reviewers list`")
    write_text(out, reviewers_text(chosen))
    tell(f"{', '.join(each.name for each in chosen)}: written to {out}")


@app.command()
def add(
    source: Annotated[
        Path, typer.Argument(help="A file of `reviewers export`, or a signed case.", metavar="FILE|CASE")
    ],
    debug: Debug = False,
) -> None:
    """Add reviewers' keys from a file, or the signer's key from a case.

    Compare the printed fingerprints with those that the reviewers see.

    Example: napari-bonemarrow reviewers add ada.json
    """
    from napari_bonemarrow.review import SUFFIX, add_reviewer, read_reviewers

    if source.suffix.lower() == SUFFIX:
        found = [_signer(source)]
    else:
        found = [(each.name, each.public) for each in read_reviewers(source)]
    for name, public in found:
        added = add_reviewer(name, public)
        say(f"{added.fingerprint}  {added.name}")
    tell("compare each fingerprint with the one that its reviewer sees under `reviewers key`")


@app.command()
def remove(
    reviewer: Annotated[str, typer.Argument(help="A name or a fingerprint.", metavar="NAME")],
    debug: Debug = False,
) -> None:
    """Remove a reviewer's key.

    Example: napari-bonemarrow reviewers remove "Dr Ada"
    """
    from napari_bonemarrow.review import remove_reviewer

    for each in remove_reviewer(reviewer):
        tell(f"{each.fingerprint}  {each.name}: no longer known")


@app.command()
def timestamp(
    url: Annotated[
        str, typer.Argument(help="Address of an RFC 3161 server; without one the setting is shown.")
    ] = "",
    roots: Annotated[
        Path | None, typer.Option("--roots", help="Certificates of its authority, PEM.", metavar="FILE.pem")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Stop timestamping.")] = False,
    debug: Debug = False,
) -> None:
    """Set the server that timestamps signatures. Only the hash of a signature is sent.

    Example: napari-bonemarrow reviewers timestamp https://timestamp.example.org --roots authority.pem
    """
    from napari_bonemarrow.review import set_timestamp_server, timestamp_server

    if off or url:
        set_timestamp_server("" if off else url, roots)
    now = timestamp_server()
    say(f"signatures are timestamped by {now}" if now else "signatures are not timestamped")


def _signer(path: Path) -> tuple[str, str]:
    from napari_bonemarrow.review import Case, CaseError

    with Case.open(path, read_only=True) as case:
        signature = case.signature
        if case.distrust:
            raise CaseError(f"{path.name}: {case.distrust}")
        if signature is None or not signature.public:
            raise CaseError(f"{path.name} is not signed with a key: there is none to add")
        return signature.name, signature.public


def _new_passphrase() -> str:
    text: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    return text


def _told(reviewer: Any) -> dict[str, Any]:
    return {
        "name": reviewer.name,
        "public": reviewer.public,
        "fingerprint": reviewer.fingerprint,
        "own": reviewer.own,
    }
