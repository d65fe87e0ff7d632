"""Draw the map of the source from its imports: ``make copies`` writes ``docs/pictures/source-map.svg``.

The picture holds the data that it was drawn from, and a test compares these with the imports as they are.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import grimp

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "pictures" / "source-map.svg"
PACKAGE = "napari_bonemarrow"
_SHOWN = {"qtpy": "Qt", "napari": "napari", "torch": "torch", "pandas": "pandas"}
"""Libraries that only some layers may know, as `pyproject.toml` has it, and what they are called."""
_WIDTH, _LEFT, _RIGHT, _ROW, _CHARACTER = 1080, 280, 118, 29, 7.3
_BOX, _PURPOSE = 118, 92
"""Width of a package's box, px, and letters of what stands beside it."""
_LEGEND = "violet: packages, which import only from below the next dashed line; white: modules"
_STYLE = """
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #222; }
.layer { font-weight: bold; font-size: 15px; } .purpose { fill: #555; font-size: 11px; }
line { stroke: #cbbfe3; stroke-dasharray: 3 3; } .band { fill: #f6f4fa; stroke: #d9d2e9; }
.package { fill: #d8c9f2; stroke: #8a6fc0; } .module { fill: #fff; stroke: #ccc; }
.library { fill: #2d6a4f; font-weight: bold; }
"""


def read_map() -> list[dict[str, Any]]:
    """Return the layers from the top: name, purpose, rows of packages and modules, known libraries.

    Inside a layer, too, what stands in a row imports only from rows below it; what stands in a circle of
    imports is put into one row. Type-only imports count.
    """
    graph = grimp.build_graph(PACKAGE, include_external_packages=True, cache_dir=None)
    return [
        {
            "name": layer,
            "purpose": _purpose(layer),
            "rows": (rows := _rows(graph, f"{PACKAGE}.{layer}")),
            "packages": {
                name: _purpose(f"{layer}/{name}") for row in rows for name in row if name[-1] == "/"
            },
            "knows": [text for library, text in _SHOWN.items() if _imports(graph, layer, library)],
        }
        for layer in _layers()
    ]


def drawn_map() -> list[dict[str, Any]]:
    """Return what the picture was drawn from."""
    found = re.search(r"<metadata>(.*?)</metadata>", PICTURE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1].replace("&lt;", "<").replace("&amp;", "&"))


def _layers() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    [layers] = [found["layers"] for found in contracts if f"{PACKAGE}.cli" in found.get("layers", ())]
    return [layer.rpartition(".")[2] for layer in layers]


def _purpose(layer: str) -> str:
    source = (ROOT / "src" / PACKAGE / layer / "__init__.py").read_text("utf-8")
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0].replace("\n", " ")
    return first.partition(". ")[0].rstrip(".").replace("``", "")


def _imports(graph: grimp.ImportGraph, layer: str, library: str) -> bool:
    return any(
        module == f"{PACKAGE}.{layer}" or module.startswith(f"{PACKAGE}.{layer}.")
        for module in graph.find_modules_that_directly_import(library)
    )


def _rows(graph: grimp.ImportGraph, layer: str) -> list[list[str]]:
    """Return the children of a layer in rows, a package's name ending in a slash."""
    children = sorted(graph.find_children(layer))
    inside = {child: {child, *graph.find_descendants(child)} for child in children}
    home = {module: child for child, modules in inside.items() for module in modules}
    below = {
        child: {home[found] for module in modules for found in graph.find_modules_directly_imported_by(module)
                if home.get(found, child) != child}
        for child, modules in inside.items()
    }  # fmt: skip
    reached = {child: _reached(child, below) for child in children}
    if not any(graph.find_children(child) for child in children):
        return [[child.rpartition(".")[2] for child in children]]
    depth = {child: _depth(child, below, reached) for child in children}
    return [
        [child.rpartition(".")[2] + "/" * bool(graph.find_children(child)) for child in children
         if depth[child] == level]
        for level in sorted(set(depth.values()), reverse=True)
    ]  # fmt: skip


def _reached(start: str, below: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for found in below[waiting.pop()] - seen:
            seen.add(found)
            waiting.append(found)
    return seen


def _depth(child: str, below: dict[str, set[str]], reached: dict[str, set[str]]) -> int:
    """Return how many rows there must be below, a circle counting as one."""
    circle = {child, *(other for other in reached[child] if child in reached[other])}
    down = {found for member in circle for found in below[member]} - circle
    return max((1 + _depth(found, below, reached) for found in down), default=0)


def draw(layers: list[dict[str, Any]]) -> str:
    """Return the picture as SVG."""
    parts: list[str] = []
    top = 38
    for layer in layers:
        lines = [list(_lines(row)) for row in layer["rows"]]
        purpose = textwrap.wrap(layer["purpose"], 40)
        height = max(_ROW * sum(map(len, lines)) + 10, 30 + 14 * len(purpose))
        parts.append(f'<rect class="band" x="8" y="{top}" width="{_WIDTH - 16}" height="{height}" rx="6"/>')
        parts.append(f'<text class="layer" x="20" y="{top + 21}">{layer["name"]}/</text>')
        parts.extend(
            f'<text class="purpose" x="20" y="{top + 38 + 14 * row}">{escape(text)}</text>'
            for row, text in enumerate(purpose)
        )
        y = top + 8
        for row in lines:
            if y > top + 8:
                parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y - 3}" y2="{y - 3}"/>')
            for line in row:
                parts.extend(_boxes(line, y, layer["packages"]))
                y += _ROW
        known = " ".join(layer["knows"])
        parts.append(f'<text class="library" x="{_WIDTH - _RIGHT}" y="{top + 21}">{known}</text>')
        top += height + 6
    data = escape(json.dumps(layers, ensure_ascii=False), quote=False)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 4}" width="{_WIDTH}"'
            f' height="{top + 4}" role="img">',
            "<title>The folders of src/napari_bonemarrow: each imports only from those below it</title>",
            f"<metadata>{data}</metadata>",
            f"<style>{_STYLE}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            '<text x="20" y="24">A folder imports only from folders below it.</text>',
            f'<text class="purpose" x="{_LEFT}" y="24">{_LEGEND}</text>',
            f'<text class="purpose" x="{_WIDTH - _RIGHT}" y="24">knows</text>',
            *parts,
            "</svg>\n",
        )
    )


def _lines(row: list[str]) -> Iterator[list[str]]:
    """Yield what a row shows, line by line: a package a line, the modules as many as there is room for."""
    yield from ([name] for name in row if name.endswith("/"))
    line: list[str] = []
    for name in row:
        if name.endswith("/"):
            continue
        if line and sum(_wide(other) for other in [*line, name]) > _WIDTH - _LEFT - _RIGHT:
            yield line
            line = []
        line.append(name)
    if line:
        yield line


def _wide(name: str) -> float:
    return _BOX if name.endswith("/") else len(name) * _CHARACTER + 24


def _boxes(names: list[str], y: int, purposes: dict[str, str]) -> Iterator[str]:
    x = float(_LEFT)
    for name in names:
        kind = "package" if name in purposes else "module"
        yield f'<rect class="{kind}" x="{x:.0f}" y="{y}" width="{_wide(name) - 8:.0f}" height="22" rx="4"/>'
        yield f'<text x="{x + 8:.0f}" y="{y + 15}">{name}</text>'
        x += _wide(name)
    if names[0] in purposes:
        text = escape(textwrap.shorten(purposes[names[0]], _PURPOSE, placeholder=" …"))
        yield f'<text class="purpose" x="{x + 4:.0f}" y="{y + 15}">{text}</text>'


if __name__ == "__main__":
    PICTURE.write_text(draw(read_map()), "utf-8")
