"""Changes to a case's image since the case was begun, in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bonemarrow.cytology import Field

if TYPE_CHECKING:
    from napari_bonemarrow.review.journal.journal_json import SlideRecord

_NAMED = 3
"""Number of photographs that a line names before it counts the rest."""


def what_changed(record: SlideRecord, path: Path) -> str:
    """Return how an image differs from the record of a case when their bytes differ.

    Parameters
    ----------
    record : SlideRecord
    path : Path
        Current path of the image of that name.
    """
    from napari_bonemarrow.slides import SlideError
    from napari_bonemarrow.slides.formats.field_folder import read

    if not record.fields or not path.is_dir():
        return "it was changed or replaced"
    try:
        return difference(record.fields, read(path).fields)
    except SlideError:
        return "none of its photographs can be read"


def difference(before: Sequence[Field], now: Sequence[Field]) -> str:
    """Return which photographs of a folder are missing, new or of another size.

    Parameters
    ----------
    before, now : sequence of Field
        The readable photographs of the folder.
    """
    sizes_before, sizes_now = (
        {each.name: (each.region.width, each.region.height) for each in fields} for fields in (before, now)
    )
    shared = sizes_before.keys() & sizes_now.keys()
    parts = [
        (sizes_before.keys() - shared, "missing or unreadable"),
        (sizes_now.keys() - shared, "new"),
        ({name for name in shared if sizes_before[name] != sizes_now[name]}, "of another size"),
    ]
    texts = [f"{_names(sorted(names))} {_is(len(names))} {what}" for names, what in parts if names]
    return ", ".join(texts) or "one of its photographs was changed"


def _names(names: Sequence[str]) -> str:
    named = ", ".join(names[:_NAMED])
    return named + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
