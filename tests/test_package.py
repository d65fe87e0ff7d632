"""The package as a whole: what an import loads, what a wheel carries, how it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import warnings
import zipfile
from email import message_from_bytes
from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path

import pytest
from _pytest.config import parse_warning_filter

import napari_bonemarrow

ROOT = Path(__file__).resolve().parents[1]


def loaded_after(statement: str, *modules: str) -> list[str]:
    """Run a statement in a fresh interpreter and tell which of the modules it loaded."""
    program = f"import sys\n{statement}\nprint([m for m in {modules!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found: list[str] = eval(done.stdout.splitlines()[-1])
    return found


QT = ("qtpy", "PyQt6", "PySide6", "PyQt5", "napari")


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = (*QT, "torch", "pandas", "skimage", "scipy", "numpy")
    assert loaded_after("import napari_bonemarrow", *heavy) == []


def test_importing_the_gui_loads_no_torch() -> None:
    statement = (
        "import pkgutil, importlib, napari_bonemarrow.gui as gui\n"
        "for found in pkgutil.walk_packages(gui.__path__, gui.__name__ + '.'):\n"
        "    importlib.import_module(found.name)"
    )
    assert loaded_after(statement, "torch", "torchvision", "captum") == []


@pytest.mark.parametrize("layer", ["cytology", "drawing", "slides", "review", "report", "workflow", "engine"])
def test_layers_below_the_window_load_neither_qt_nor_torch(layer: str) -> None:
    assert loaded_after(f"import napari_bonemarrow.{layer}", *QT, "torch") == []


@pytest.mark.parametrize("layer", ["models", "training", "cli"])
def test_everything_else_loads_no_qt(layer: str) -> None:
    assert loaded_after(f"import napari_bonemarrow.{layer}", *QT) == []


def test_lazy_names_resolve_and_unknown_ones_do_not() -> None:
    for name in ("open_slide", "detect_cells", "Classifier", "Case", "Differential"):
        assert name in dir(napari_bonemarrow)
        assert getattr(napari_bonemarrow, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        _ = napari_bonemarrow.nothing


def test_the_version_has_one_home() -> None:
    assert version("napari-bonemarrow") == napari_bonemarrow.__version__
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [napari_bonemarrow.__version__]


def test_the_manifest_is_found_where_napari_looks() -> None:
    found = entry_points(group="napari.manifest")["napari-bonemarrow"]
    assert found.value == "napari_bonemarrow:napari.yaml"
    assert files("napari_bonemarrow").joinpath("napari.yaml").is_file()
    assert (ROOT / "napari.yaml").resolve() == ROOT / "src" / "napari_bonemarrow" / "napari.yaml"


def test_a_built_wheel_carries_manifest_model_and_presets(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        [described] = [name for name in sizes if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(described)
    for inside in (
        "napari.yaml",
        "py.typed",
        "models/starter/card.json",
        "models/starter/weights.safetensors",
        "models/starter/domain.safetensors",
    ):
        assert f"napari_bonemarrow/{inside}" in sizes
    starter = sum(size for name, size in sizes.items() if "/models/starter/" in name)
    assert 0 < starter <= 12e6
    assert not [name for name in sizes if name.startswith(("tests/", "docs/", "benchmarks/"))]
    # PyPI and napari's hub show this text, and know nothing of files beside it.
    shown = message_from_bytes(metadata).get_payload()
    assert "## Two commands" in shown
    assert [target for target in re.findall(r"\]\(([^)]+)\)", shown) if not target.startswith("https:")] == []


def test_a_built_sdist_holds_what_its_makefile_calls(tmp_path: Path) -> None:
    builder = shutil.which("uv")
    if builder is None:
        pytest.skip("no uv, which builds a source distribution in a place of its own")
    subprocess.run([builder, "build", "-q", "--sdist", "-o", str(tmp_path), str(ROOT)], check=True)
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    called = set(re.findall(r"\b(?:tools|docs)/[\w.-]+\.\w+", makefile))
    assert {"tools/with-display.sh", "tools/qt-libraries.sh", "docs/make_pictures.py"} <= called
    top = ("mkdocs.yml", "pyproject.toml", "Makefile", "napari.yaml", "CITATION.cff")
    for path in (*called, *top, ".github/workflows/test.yml", "tests/test_package.py"):
        assert path in inside, path


def test_warnings_of_others_are_no_errors_of_ours() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    with warnings.catch_warnings():
        for line in settings["tool"]["pytest"]["ini_options"]["filterwarnings"]:
            warnings.filterwarnings(*parse_warning_filter(line, escape=False))
        # As numpy 2.5's deprecations inside scikit-image on Python 3.12 and 3.13.
        with warnings.catch_warnings(record=True) as seen:
            warnings.warn_explicit("later", DeprecationWarning, "x.py", 1, "skimage.filters.thresholding")
        assert len(seen) == 1
        for module in (
            "napari_bonemarrow.slides.detection.nucleus_segments",
            "tests.slides.detection.test_nuclear_lobes",
        ):
            with pytest.raises(DeprecationWarning):
                warnings.warn_explicit("later", DeprecationWarning, "x.py", 1, module)
