"""The layout of the package: no circle of imports of any kind, no crowded folder, names that are nouns."""

from __future__ import annotations

from collections import Counter, defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import napari_bonemarrow

PACKAGE = "napari_bonemarrow"
SOURCE = Path(napari_bonemarrow.__file__).parent
MOST_IN_A_FOLDER, MOST_VERBS = 20, 12


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import: of modules, inside functions, and for the type checker alone."""
    return grimp.build_graph(PACKAGE, cache_dir=None)


def _circle(edges: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others(graph: grimp.ImportGraph) -> None:
    edges = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert _circle(edges) == []


def test_no_folder_imports_itself_by_way_of_its_neighbours(graph: grimp.ImportGraph) -> None:
    neighbours: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = importer.split("."), imported.split(".")
            shared = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
            if shared is not None:
                one_part, other_part = ".".join(one[: shared + 1]), ".".join(other[: shared + 1])
                neighbours[".".join(one[:shared])][one_part].add(other_part)
    assert {folder: _circle(edges) for folder, edges in neighbours.items() if _circle(edges)} == {}


def test_no_folder_is_crowded() -> None:
    modules = Counter(path.parent.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))
    assert {str(folder): held for folder, held in modules.items() if held > MOST_IN_A_FOLDER} == {}


def test_modules_are_named_by_nouns() -> None:
    verbs = sorted(path.stem for path in SOURCE.rglob("*.py") if path.stem.endswith("ing"))
    assert len(verbs) <= MOST_VERBS, verbs
