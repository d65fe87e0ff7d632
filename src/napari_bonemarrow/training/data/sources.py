"""Sources of labelled crops: folders named by class code, manifests and reviewed cases."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from napari_bonemarrow.cytology.schemes import SCHEMES, Scheme, scheme_of
from napari_bonemarrow.review import SUFFIX
from napari_bonemarrow.slides.formats.registry import IMAGE_SUFFIXES
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.case_crops import read_cases
from napari_bonemarrow.training.data.crop_index import Source
from napari_bonemarrow.training.data.manifest import read_manifest

log = logging.getLogger(__name__)


ABOUT = "source.json"
"""File in a data set's folder with its ``scheme`` and ``microns_per_pixel``."""

ALL = "*"
"""Name for every data set where scales are given by name."""


def find_sources(
    data: Path, scheme: str | None = None, scales: Mapping[str, float] | None = None
) -> tuple[Source, ...]:
    """Return the data sets in a folder, a manifest or cases.

    Parameters
    ----------
    data : Path
        One data set (folders named by class code, images in them at any depth), a folder of several, a
        manifest (a CSV file, see `read_manifest`), a reviewed case, or a folder of cases.
    scheme : str, optional
        A name in `SCHEMES`; recognised by the labels if not given.
    scales : mapping of str to float, optional
        µm per pixel of data sets by name, which override their own; `ALL` is every other data set.

    Raises
    ------
    TrainingError
        If the data are missing, empty, or a folder's name is not a class code.
    """
    if scheme is not None and scheme not in SCHEMES:
        raise TrainingError(f"no class scheme {scheme!r}: choose one of {', '.join(sorted(SCHEMES))}")
    if data.is_file() and data.suffix.lower() == ".csv":
        sources = read_manifest(data, scheme)
    elif data.is_file() and data.suffix.lower() == SUFFIX:
        sources = (_from_cases(data),)
    elif data.is_dir():
        sources = _from_folder(data, scheme)
    elif data.exists():
        raise TrainingError(f"{data}: give a folder of crops, a .csv manifest or a {SUFFIX} case")
    else:
        raise TrainingError(f"{data}: no such folder; give a folder of crops in folders named by class code")
    return _with_scales(sources, scales or {})


def _with_scales(sources: tuple[Source, ...], scales: Mapping[str, float]) -> tuple[Source, ...]:
    known = {source.name for source in sources}
    for name, scale in scales.items():
        if name not in known and name != ALL:
            raise TrainingError(
                f"microns-per-pixel {name}: no data set of that name; here are {', '.join(sorted(known))}"
            )
        check_scale(scale, "microns-per-pixel" if name == ALL else f"microns-per-pixel {name}")
    given = {source.name: scales.get(source.name, scales.get(ALL)) for source in sources}
    return tuple(
        source
        if given[source.name] is None
        else replace(source, microns_per_pixel=given[source.name], scales={})
        for source in sources
    )


def check_scale(scale: float, where: str) -> float:
    """Return a scale if it is plausible.

    Raises
    ------
    TrainingError
        If it is not a number between 0.01 and 5 µm per pixel.
    """
    if not (math.isfinite(scale) and 0.01 <= scale <= 5):
        raise TrainingError(f"{where}: {scale:g} µm per pixel is not a scale of a smear; give 0.01 to 5")
    return scale


def _from_folder(data: Path, scheme: str | None) -> tuple[Source, ...]:
    folders = _folders(data)
    known = {code for each in SCHEMES.values() for code in each.codes}
    if any(folder.name in known for folder in folders):
        return (_source(data, folders, scheme),)
    inner = {child: _folders(child) for child in folders}
    found = tuple(
        _source(child, classes, scheme)
        for child, classes in inner.items()
        if any(folder.name in known for folder in classes)
    )
    if found:
        return found
    if next(data.rglob(f"*{SUFFIX}"), None) is not None:
        return (_from_cases(data),)
    named = ", ".join(repr(folder.name) for folder in folders[:5])
    raise TrainingError(
        f"{data}: no folder here is named by a class code such as BLA, LYT or NGS"
        + (f" (found {named}{' and more' if len(folders) > 5 else ''})" if named else "")
    )


def _folders(path: Path) -> list[Path]:
    return [child for child in sorted(path.iterdir()) if child.is_dir() and not child.name.startswith(".")]


def _source(root: Path, folders: list[Path], scheme: str | None) -> Source:
    about_scheme, scale = _about(root)
    names = [folder.name for folder in folders]
    stated = scheme or about_scheme
    recognised = SCHEMES[stated] if stated else scheme_of(names)
    if recognised is None:
        closest = max(SCHEMES.values(), key=lambda each: len(set(names) & set(each.codes)))
        unknown = sorted(set(names) - set(closest.codes))
        raise TrainingError(
            f"{root / unknown[0]}: {unknown[0]!r} is not a class code; rename or move the folder"
        )
    unknown = sorted(set(names) - set(recognised.codes))
    if unknown:
        raise TrainingError(f"{root / unknown[0]}: {unknown[0]!r} is not a class code of {recognised.name}")
    files, codes, left_out = _labelled(folders, recognised)
    if not files:
        raise TrainingError(f"{root}: its class folders hold no images")
    return Source(
        root.name if root.name not in ("", "..") else root.resolve().name,
        recognised,
        files,
        codes,
        left_out,
        root,
        scale,
    )


def _labelled(folders: list[Path], scheme: Scheme) -> tuple[tuple[Path, ...], tuple[str, ...], int]:
    files: list[Path] = []
    codes: list[str] = []
    left_out = 0
    for folder in folders:
        code = scheme.codes[folder.name]
        images = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
        if code is None:
            left_out += len(images)
            continue
        files += images
        codes += [code] * len(images)
    return tuple(files), tuple(codes), left_out


def _about(root: Path) -> tuple[str | None, float | None]:
    """Return the scheme and the µm per pixel that a data set states."""
    path = root / ABOUT
    if not path.is_file():
        return None, None
    try:
        facts = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise TrainingError(f'{path}: is not JSON; write {{"microns_per_pixel": 0.1}}') from error
    if not isinstance(facts, dict) or set(facts) - {"scheme", "microns_per_pixel"}:
        raise TrainingError(f"{path}: may hold scheme and microns_per_pixel and nothing else")
    scheme, scale = facts.get("scheme"), facts.get("microns_per_pixel")
    if scheme is not None and scheme not in SCHEMES:
        raise TrainingError(f"{path}: no class scheme {scheme!r}; choose one of {', '.join(sorted(SCHEMES))}")
    if scale is not None and (isinstance(scale, bool) or not isinstance(scale, int | float)):
        raise TrainingError(f"{path}: microns_per_pixel {scale!r} is not a number")
    return scheme, None if scale is None else check_scale(float(scale), str(path))


def _from_cases(data: Path) -> Source:
    """Return the reviewed cells as a source; labels outside the 21 classes are counted."""
    found = read_cases([data])
    for line in found.skipped:
        log.warning("%s", line)
    files = [case.path / str(cell) for case in found.cases for cell in case.cell_id.tolist()]
    codes = [code for case in found.cases for code in case.codes]
    if not files:
        why = f" ({found.skipped[0]})" if found.skipped else ""
        raise TrainingError(f"{data}: no reviewed cell to learn from{why}; review its cases first")
    slides = {
        case.path / str(cell): case.slide_fingerprint
        for case in found.cases
        for cell in case.cell_id.tolist()
    }
    root = data.resolve() if data.is_dir() else data.resolve().parent
    name = data.resolve().stem if data.is_file() else data.resolve().name
    left_out = sum(found.other().values())
    return Source(name, SCHEMES["bmc21"], tuple(slides), tuple(codes), left_out, root, together=slides)
