"""Tables of a data set's check, as plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from napari_bonemarrow.cytology.plurals import count_of

_SHOWN = 10  # shown of a long list; --json has all


def check_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Return the result of `check` as lines: a table per source, then the problems."""
    for name, source in document["sources"].items():
        yield from _source_lines(name, source)
    yield from _file_list("unreadable", document["unreadable"])
    yield from _file_list("read, but probably damaged", document["damaged"])
    yield from _file_list(
        "of another size than the rest",
        [f"{name} ({size})" for name, size in document["odd_sizes"].items()],
    )
    yield from _file_list(
        "not plain 8-bit RGB", [f"{name} ({mode})" for name, mode in document["odd_modes"].items()]
    )
    yield from _group_lines("exact duplicates", document["exact_duplicates"])
    yield from _group_lines("near-duplicates", document["near_duplicates"])
    if "split" in document:
        split = document["split"]
        parts = ", ".join(f"{part} {n}" for part, n in split["images"].items())
        yield f"split {split['name']}: {parts}; named but missing: {split['absent']}"


def _source_lines(name: str, source: Mapping[str, Any]) -> Iterator[str]:
    scale = source["microns_per_pixel"]
    facts = [
        count_of(source["images"], "image"),
        f"scheme {source['scheme']}",
        f"{scale:g} µm/px" if scale else "scale not stated",
    ]
    if source["left_out"]:
        facts.append(f"{source['left_out']} of no class among the 21 left out")
    yield f"{name}: {', '.join(facts)}"
    yield f"  {'class':5}  {'images':>7}  {'share':>6}  {'published':>9}  {'share':>6}"
    classes = source["classes"]
    totals = {key: sum(each[key] for each in classes.values()) or 1 for key in ("images", "published")}
    for code, each in classes.items():
        n, published = each["images"], each["published"]
        note = "" if n == 0 or code not in source["few"] else "  too few to rely on"
        yield (
            f"  {code:5}  {n:7d}  {n / totals['images']:6.1%}  {published:9d}  "
            f"{published / totals['published']:6.1%}{note}"
        )
    absent = [code for code, each in classes.items() if not each["images"]]
    if absent:
        yield f"  no image of: {', '.join(absent)}"
    if source["single"]:
        yield f"  a single image, which can be in one part only: {', '.join(source['single'])}"
    yield f"  sizes: {_counts(source['sizes'])}; modes: {_counts(source['modes'])}"
    yield ""


def _counts(counts: Mapping[str, int]) -> str:
    shown = [f"{key} {n}" for key, n in list(counts.items())[:5]]
    return ", ".join(shown) + (f" and {len(counts) - 5} more" if len(counts) > 5 else "")


def _file_list(what: str, files: Sequence[str]) -> Iterator[str]:
    yield f"{what}: {len(files) or 'none'}"
    yield from (f"  {file}" for file in files[:_SHOWN])
    if len(files) > _SHOWN:
        yield f"  and {len(files) - _SHOWN} more (--json lists all)"


def _group_lines(what: str, groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    across = sum(len(each["classes"]) > 1 for each in groups)
    torn = sum(len(each.get("parts", ())) > 1 for each in groups)
    apart = f", {torn} separated by the split" if any("parts" in each for each in groups) else ""
    counted = f"{count_of(len(groups), 'group')}, {across} across classes{apart}" if groups else "none"
    worst = sorted(groups, key=lambda each: (-len(each.get("parts", ())), -len(each["classes"])))
    yield from (f"{what}: {counted}", *(f"  {_group(each)}" for each in worst[:_SHOWN]))
    if len(groups) > _SHOWN:
        yield f"  and {len(groups) - _SHOWN} more (--json lists all)"


def _group(group: Mapping[str, Any]) -> str:
    return " = ".join(group["files"]) + (
        f"  [{', '.join(group['parts'])}]" if len(group.get("parts", ())) > 1 else ""
    )
