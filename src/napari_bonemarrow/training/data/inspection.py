"""Inspection of labelled crops before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL, CROP_SIZE
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.cytology.published import MATEK_2021
from napari_bonemarrow.models.crops import fit_crop
from napari_bonemarrow.review import SUFFIX
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.crop_index import Crops, Source
from napari_bonemarrow.training.data.duplicates import Prints, join
from napari_bonemarrow.training.data.images import all_images, in_order, looks_damaged, read_image, read_rgb
from napari_bonemarrow.training.data.labelled_crops import find_sources, keep_together
from napari_bonemarrow.training.data.split import (
    PARTS,
    describe_split,
    make_split,
    read_parts,
    split_file,
    write_split,
)

Progress = Callable[[int, int, str], None]

ENOUGH = 100
"""Fewest images for a class to count as trained."""

_EVERY = 1000  # images between two progress reports


@dataclass(frozen=True, slots=True)
class ImageKind:
    """The kind of an image file: its size in px, its mode, and whether it has a bit error."""

    width: int
    height: int
    mode: str
    damaged: bool = False

    @property
    def size(self) -> str:
        """Return width and height as text."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of reading every image once.

    Attributes
    ----------
    sources : tuple of Source
    images : list of (Source, int)
        The readable ones.
    unreadable : tuple of str
        Names of the unreadable ones.
    prints : Prints
        Fingerprints of `images`.
    kinds : list of ImageKind
        Kinds of `images`.
    """

    sources: tuple[Source, ...]
    images: list[tuple[Source, int]]
    unreadable: tuple[str, ...]
    prints: Prints
    kinds: list[ImageKind]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the readable images."""
        return tuple(source.name_of(source.files[index]) for source, index in self.images)

    @property
    def codes(self) -> list[str]:
        """Return the classes of the readable images."""
        return [source.codes[index] for source, index in self.images]

    def crops(self) -> Crops:
        """Return the images as crops without pixels, for a split."""
        return Crops(
            np.empty((0, 1, 1, 3), np.uint8),
            np.array(self.codes),
            np.array([source.name for source, _ in self.images]),
            self.names,
            keep_together(self.images, self.prints.groups()),
            self.unreadable,
            self.sources,
            self.names,
        )


def look(data: Path, scheme: str | None = None, progress: Progress | None = None) -> Seen:
    """Read every image once for its kind and fingerprint; pixels are not kept.

    Raises
    ------
    TrainingError
        If no image can be read.
    """
    sources = find_sources(data, scheme)
    images = all_images(sources)
    seen = Seen(sources, [], (), Prints(), [])
    unreadable: list[str] = []

    def read(place: int) -> tuple[NDArray[np.uint8], ImageKind] | None:
        source, index = images[place]
        return _square(source, source.files[index])

    for place, found in enumerate(in_order(read, len(images))):
        source, index = images[place]
        if found is None:
            unreadable.append(source.name_of(source.files[index]))
        else:
            seen.prints.add(found[0])
            seen.images.append((source, index))
            seen.kinds.append(found[1])
        if progress is not None and place % _EVERY == 0:
            progress(place, len(images), source.name)
    if not seen.images:
        raise TrainingError(f"{data}: none of its {count_of(len(images), 'image')} can be read")
    return Seen(sources, seen.images, tuple(unreadable), seen.prints, seen.kinds)


def _square(source: Source, file: Path) -> tuple[NDArray[np.uint8], ImageKind] | None:
    """Return the middle square of an image, and its kind."""
    from PIL import Image

    if file.parent.suffix == SUFFIX:
        cell = read_image(source, file, CROP_SIZE, CROP_MICRONS_PER_PIXEL)
        return None if cell is None else (cell, ImageKind(CROP_SIZE, CROP_SIZE, "RGB"))
    rgb = read_rgb(file)
    if rgb is None:
        return None
    height, width = rgb.shape[:2]
    try:
        with Image.open(file) as image:
            mode, damaged = image.mode, image.format == "JPEG" and looks_damaged(rgb)
    except OSError:  # a TIFF of more than 8 bits, left to another reader
        mode, damaged = "more than 8 bits", False
    return fit_crop(rgb, min(height, width)), ImageKind(width, height, mode, damaged)


def split_data(
    data: str | Path,
    out: str | Path,
    *,
    test: float,
    calibration: float,
    seed: int = 0,
    scheme: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Split the crops of a data set for all runs and write ``file,part``.

    Parameters
    ----------
    data : path
    out : path
    test, calibration : float
        Shares of the images.
    seed : int
    scheme : str, optional
    progress : callable, optional
        Called with the images read, all images and the present source.

    Returns
    -------
    dict
        ``sources`` to classes to the number of images per part, and ``unreadable`` files.

    Raises
    ------
    TrainingError
    """
    crops = look(Path(data), scheme, progress).crops()
    split = make_split(crops, test=test, calibration=calibration, seed=seed)
    write_split(crops, split, Path(out))
    return {"split": str(out), "sources": describe_split(crops, split), "unreadable": list(crops.unreadable)}


def check(
    data: str | Path,
    *,
    split: str | None = None,
    scheme: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return problems of a data set: damaged, odd and duplicate images, small classes.

    Parameters
    ----------
    data : path
    split : str, optional
        A table ``file,part``, by path or by its name in the package.
    scheme : str, optional
    progress : callable, optional

    Returns
    -------
    dict
        ``sources`` (by name: ``scheme``, ``images``, ``left_out``, ``microns_per_pixel``, ``classes``,
        ``sizes``, ``modes``, ``few``, ``single``), ``unreadable``, ``damaged``, ``odd_sizes``, ``odd_modes``,
        ``exact_duplicates`` and ``near_duplicates`` (groups with ``files``, ``classes`` and ``parts``), and
        ``split`` where one was given.

    Raises
    ------
    TrainingError
    """
    parts = None if split is None else read_parts(split_file(split))
    seen = look(Path(data), scheme, progress)
    names = seen.names
    sources = {source.name: _of_source(seen, source) for source in seen.sources}
    usual = {name: max(facts["sizes"], key=facts["sizes"].get) for name, facts in sources.items()}
    kinds = list(zip(names, seen.images, seen.kinds, strict=True))
    near, exact = seen.prints.near_pairs(), seen.prints.exact_pairs()
    document: dict[str, Any] = {
        "sources": sources,
        "unreadable": list(seen.unreadable),
        "damaged": [name for name, _, kind in kinds if kind.damaged],
        "odd_sizes": {
            name: kind.size for name, (source, _), kind in kinds if kind.size != usual[source.name]
        },
        "odd_modes": {name: kind.mode for name, _, kind in kinds if kind.mode != "RGB"},
        "exact_duplicates": _groups(seen, [exact], parts),
        "near_duplicates": _groups(seen, [near, exact], parts, beyond=exact),
    }
    if parts is not None:
        document["split"] = _on_split(str(split), names, parts)
    return document


def _of_source(seen: Seen, source: Source) -> dict[str, Any]:
    """Return one source's numbers of classes, sizes and modes."""
    rows = [row for row, (whose, _) in enumerate(seen.images) if whose is source]
    counts = Counter(seen.codes[row] for row in rows)
    every = BMC21 if source.scheme.marrow else source.scheme.targets
    return {
        "scheme": source.scheme.name,
        "images": len(rows),
        "left_out": source.left_out,
        "microns_per_pixel": source.microns_per_pixel,
        "classes": {
            code: {"images": counts[code], "published": MATEK_2021[code].n} for code in sorted(every)
        },
        "sizes": dict(Counter(seen.kinds[row].size for row in rows).most_common()),
        "modes": dict(Counter(seen.kinds[row].mode for row in rows).most_common()),
        "few": {code: n for code, n in sorted(counts.items()) if n < ENOUGH},
        "single": sorted(code for code, n in counts.items() if n == 1),
    }


def _groups(
    seen: Seen,
    pairs: Sequence[NDArray[np.intp]],
    parts: Mapping[str, int] | None,
    beyond: NDArray[np.intp] | None = None,
) -> list[dict[str, Any]]:
    """Return the groups that pairs link; with `beyond`, only those that its pairs do not link."""
    group = join(len(seen.images), *pairs)
    known = None if beyond is None else join(len(seen.images), beyond)
    members: dict[int, list[int]] = {}
    for row in np.flatnonzero(np.bincount(group, minlength=len(group))[group] > 1):
        members.setdefault(int(group[row]), []).append(int(row))
    names, codes, found = seen.names, seen.codes, []
    for rows in members.values():
        if known is not None and len({int(known[row]) for row in rows}) == 1:
            continue
        each: dict[str, Any] = {
            "files": [names[row] for row in rows],
            "classes": sorted({codes[row] for row in rows}),
        }
        if parts is not None:
            each["parts"] = sorted({PARTS[parts.get(names[row], 0)] for row in rows})
        found.append(each)
    return found


def _on_split(name: str, names: Sequence[str], parts: Mapping[str, int]) -> dict[str, Any]:
    there = Counter(PARTS[parts.get(each, 0)] for each in names)
    return {
        "name": name,
        "images": {part: there[part] for part in PARTS},
        "absent": len(parts.keys() - set(names)),
    }
