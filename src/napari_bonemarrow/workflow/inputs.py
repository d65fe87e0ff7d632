"""Inputs of a command, and the names of their results."""

from __future__ import annotations

import glob
import hashlib
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from napari_bonemarrow.cytology.lines import one_line
from napari_bonemarrow.slides import SUFFIXES, SlideError, fingerprint
from napari_bonemarrow.slides.formats.registry import is_one_slide
from napari_bonemarrow.slides.formats.vms import parts_within

logger = logging.getLogger(__name__)

_MOST_BESIDE = 10_000
WILDCARDS = frozenset("*?[")
"""Characters that make a name a pattern, unless there is such a file."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input file.

    Attributes
    ----------
    path : Path
        As given or found.
    name : str
        Name of its folder of results: its stem, with a short hash if another input has the same one, or its
        fingerprint with ``anonymous``.
    shown : str
        Its name in tables.
    error : str
        Why it cannot be processed, empty if no error is known yet.
    """

    path: Path
    name: str
    shown: str
    error: str = ""

    def hide_name(self, text: str) -> str:
        """Return a message without the file's name if names are hidden."""
        if self.shown == str(self.path):
            return text
        path = self.path
        if path.is_dir():  # changed fields, some of which may not exist any more
            text = re.sub(r" \(.*\):", ":", text)
        places = {str(path), str(path.absolute()), str(path.resolve()), path.as_posix(), path.name}
        # A folder can also contain a patient's name, and a slide of several files has its parts there.
        places |= {str(folder) for folder in (path.parent, path.absolute().parent)}
        places |= {folder.name for folder in (path.absolute().parent, path.resolve().parent)}
        places |= _names_beside(path)
        for part in sorted((each for each in places if len(each) > 1), key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", self.shown, text)
        # A case's message may name its slide, with the same stem and another suffix.
        text = re.sub(rf"(?<!\w){re.escape(path.stem)}(?!\w)", self.shown, text)
        return re.sub(r"(?<![\w.])(?:[A-Za-z]:)?(?:[\\/][^\s:,;()]+){2,}", self.shown, text)  # any other path

    def tell_left_out(self, warnings: Sequence[str]) -> None:
        """Log missing or unreadable parts of a slide of several files."""
        if self.shown == str(self.path):
            for line in warnings:
                logger.warning("warning: %s", one_line(line))
        elif warnings:  # lines name files in the folder, which must stay hidden
            logger.warning(
                "warning: %s: %d of its parts are missing or cannot be read",
                one_line(self.shown),
                len(warnings),
            )


def _names_beside(path: Path) -> set[str]:
    """Return the names of files in a slide's folder, and in the folder that is the slide."""
    names: set[str] = set()
    for folder in (path, path.parent, path.with_suffix("")):
        with suppress(OSError):
            if folder.is_dir():
                names |= {each.name for each in islice(folder.iterdir(), _MOST_BESIDE)}
    return names


def find_inputs(
    given: Iterable[str | Path],
    *,
    out: Path | None = None,
    anonymous: bool = False,
    suffixes: tuple[str, ...] = SUFFIXES,
    together: bool = False,
    slide_folders: bool = True,
) -> list[Input]:
    """Return the files of paths, folders and patterns.

    Parameters
    ----------
    given : iterable of str or Path
        Files, folders (searched with those below them), or patterns with ``*``, ``?``, ``[...]``, ``**``.
    out : Path, optional
        The folder of results, which is excluded.
    anonymous : bool
        Name results by fingerprint.
    suffixes : tuple of str
        Suffixes to take from a folder, in lower case. An OME-Zarr, and a folder of only a DICOM series, is
        one input; the folder of a MIRAX file belongs to the file.
    together : bool
        Treat each given folder as the fields of one case.
    slide_folders : bool
        Take a folder that is one slide as an input. Otherwise it is searched like any other.

    Returns
    -------
    list of Input
        Each file once, in the given order, a folder's sorted by path. A path without files is an `Input`
        with its error.
    """
    once: dict[Path, tuple[Path, str]] = {}
    for entry in given:
        for path, error in _expand(str(entry), out, suffixes, together, slide_folders):
            once.setdefault(path.resolve(), (path, error))
    found = list(once.values())
    if anonymous:
        return [_anonymous(path, error, number) for number, (path, error) in enumerate(found, 1)]
    # Case-folded, since the disk of the results may ignore case.
    shared = Counter(path.stem.casefold() for path, _ in found)
    return [
        Input(path, _name(path, shared[path.stem.casefold()] > 1), str(path), error) for path, error in found
    ]


def _expand(
    entry: str, out: Path | None, suffixes: tuple[str, ...], together: bool, slide_folders: bool
) -> Iterator[tuple[Path, str]]:
    path = Path(entry)
    if path.is_dir() and not together and not (slide_folders and _is_one_slide(path)):
        files = sorted(_files_below(path, out, suffixes, slide_folders))
        yield from ((file, "") for file in files)
        what = "image" if slide_folders else "case"
        if not files:
            yield path, f"{path}: no {what} in this folder: name one with {', '.join(suffixes)}"
    elif not path.exists() and WILDCARDS & set(entry):
        # Path.glob does not accept absolute patterns.
        names = glob.glob(entry, recursive=True)  # noqa: PTH207
        files = sorted(Path(name) for name in names if Path(name).is_file() or _is_one_slide(Path(name)))
        yield from ((file, "") for file in files)
        if not files:
            yield path, f"{entry}: no file has such a name: check the pattern"
    else:
        yield path, ""  # opening it reports whether it can be read


def _files_below(
    folder: Path, out: Path | None, suffixes: tuple[str, ...], slide_folders: bool
) -> Iterator[Path]:
    skip = out.resolve() if out is not None else None
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = [
            name for name in folders if not name.startswith(".") and (here / name).resolve() != skip
        ]
        if here.resolve() == skip:
            continue
        mirax = {Path(name).stem for name in files if Path(name).suffix.lower() == ".mrxs"}
        single = [
            name for name in folders if slide_folders and name not in mirax and _is_one_slide(here / name)
        ]
        yield from (here / name for name in single)
        folders[:] = [name for name in folders if name not in mirax and name not in single]
        parts = parts_within(here)
        for name in files:
            if name in parts or name.startswith("."):
                continue
            if Path(name).suffix.lower() in suffixes:
                yield here / name


def _is_one_slide(path: Path) -> bool:
    """Return whether a folder is a slide: an OME-Zarr or a DICOM series."""
    try:
        return path.is_dir() and is_one_slide(path)
    except OSError:
        return False


def _name(path: Path, shared: bool) -> str:
    if not shared:
        return path.stem
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:6]
    return f"{path.stem}-{digest}"


def _anonymous(path: Path, error: str, number: int) -> Input:
    try:
        name = fingerprint(path)[:12]
    except (OSError, SlideError):
        name = f"input-{number}"
    return Input(path, name, name, error)
