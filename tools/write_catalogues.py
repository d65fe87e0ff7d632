"""Extract the report's texts from the code, and update its catalogues: ``make catalogues``.

Templates are found by the calls of `message` and `counted_message`; names of classes, lineages and tags come
from their tables. Translations that stand are kept, texts that are gone are removed.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import napari_bonemarrow
from napari_bonemarrow.cytology import CLASSES, TAGS, Lineage
from napari_bonemarrow.cytology.classes import SUPPORT_TEXT
from napari_bonemarrow.cytology.statements import RESEARCH_USE, UNAUTHENTICATED

SOURCE = Path(napari_bonemarrow.__file__).parent
FOLDERS = ("cytology", "estimation", "review", "report")
"""Folders whose messages a report can print."""
_KEYWORDS = {"message": None, "counted_message": (1, 2)}
_WIDTH = 110


def template() -> Catalog:
    """Return the catalogue of every text of a report, without translations."""
    made = Catalog(project="napari-bonemarrow", fuzzy=False)
    for texts in sorted(_extracted(), key=str):
        made.add(texts)
    return made


def _extracted() -> Iterator[str | tuple[str, str]]:
    for folder in FOLDERS:
        found = extract_from_dir(SOURCE / folder, [("**.py", "python")], keywords=_KEYWORDS)
        yield from (each[2] for each in found)  # type: ignore[misc]
    yield from (cell.name for cell in CLASSES.values())
    yield from (str(lineage) for lineage in Lineage)
    yield from TAGS.values()
    yield from SUPPORT_TEXT.values()
    yield from (RESEARCH_USE, UNAUTHENTICATED)


def catalogues() -> dict[Path, str]:
    """Return the text that each catalogue should have, by its path."""
    made = {}
    for path in sorted((SOURCE / "report" / "locale").glob("*/LC_MESSAGES/report.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parent.parent.name)
        catalogue.update(template(), no_fuzzy_matching=True, update_header_comment=False)
        made[path] = _text(catalogue)
    return made


def _text(catalogue: Catalog) -> str:
    catalogue.fuzzy = False
    for entry in catalogue:
        entry.flags.clear()  # babel guesses a format, often a wrong one: "95 % interval" is none
    file = io.BytesIO()
    write_po(
        file,
        catalogue,
        width=_WIDTH,
        no_location=True,
        omit_header=True,
        ignore_obsolete=True,
        sort_output=True,
    )
    head = (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Language: {catalogue.locale}\\n"\n"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    return head + file.getvalue().decode("utf-8")


def main() -> None:
    """Write the catalogues, and say which texts wait for a translation."""
    for path, text in catalogues().items():
        path.write_text(text, encoding="utf-8")
        with path.open("rb") as file:
            catalogue = read_po(file)
        waiting = [entry.id for entry in catalogue if entry.id and not all(_forms(entry.string))]
        sys.stdout.write(f"{path}: {len(catalogue)} texts, {len(waiting)} without a translation\n")
        for each in waiting:
            sys.stdout.write(f"  {each!r}\n")


def _forms(said: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


if __name__ == "__main__":
    main()
