"""The commands in this process, and what only a process of its own can show."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import create_autospec

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.drawing import draw_cell, draw_smear, write_sample
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.report.formats import FORMATS
from napari_bonemarrow.workflow import default_reviewer
from tests.shared_engines import shared

COMMANDS = (
    ["demo"],
    ["open"],
    ["count"],
    ["detect"],
    ["classify"],
    ["explain"],
    ["train"],
    ["evaluate"],
    ["models", "list"],
    ["models", "show"],
    ["models", "import"],
    ["models", "fetch"],
    ["models", "export"],
    ["export"],
)


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    smear = draw_smear(
        5, width=640, height=480, microns_per_pixel=0.1, cells_per_class={"LYT": 3, "NGS": 3, "EBO": 2}
    )
    return write_sample(tmp_path_factory.mktemp("field") / "field.png", smear)


@pytest.fixture(scope="module")
def counted(field: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of `count`, run as a process of its own."""
    out = tmp_path_factory.mktemp("counted")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "napari_bonemarrow",
            "count",
            field,
            "--out",
            out,
            "--device",
            "cpu",
            "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["inputs"][0]["status"] == "ok"
    named, *doing = done.stderr.splitlines()
    assert named == f"The journal names {default_reviewer()}, who is logged in; --reviewer names another."
    assert doing == [f"Counting 1/1: {field}"]
    return out / "field"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(
    run: Callable[..., tuple[int, str, str]], command: list[str]
) -> None:
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert f"Example: napari-bonemarrow {' '.join(command)}" in " ".join(out.split())
    assert "--json" in out or command == ["open"]
    assert "--debug" in out


def test_the_program_names_its_version_and_commands(run: Callable[..., tuple[int, str, str]]) -> None:
    from napari_bonemarrow import __version__

    assert run("--version") == (0, f"napari-bonemarrow {__version__}\n", "")
    _, out, _ = run("--help")
    assert all(command[0] in out for command in COMMANDS)
    assert "Research use only, not for diagnosis" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["count"],
        ["count", "a.png"],
        ["count", "a.png", "--out", "o", "--region", "1,2,3"],
        ["count", "a.png", "--out", "o", "--region", "1,2,0,5"],
        ["count", "a.png", "--out", "o", "--microns-per-pixel", "9"],
        ["count", "a.png", "--out", "o", "--target", "0"],
        ["classify", "a.png", "--out", "o.csv", "--microns-per-pixel", "9"],
        ["evaluate", "starter", "crops", "--out", "o", "--microns-per-pixel", "0,05"],
        ["train", "crops", "--out", "o", "--microns-per-pixel", "=0.05"],
        ["count", "a.png", "--out", "o", "--device", "gpu"],
        ["explain", "a.png", "--out", "o", "--at", "here"],
        ["demo", "--no-window", "--screenshot", "x.png"],
        ["train", "--out", "o"],
        ["train", "crops", "--out", "o", "--base", "more"],
        ["train", "--from-cases", "reviewed", "--out", "o", "--architecture", "resnet18"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_two_and_writes_nothing(
    run: Callable[..., tuple[int, str, str]],
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["count", "gone.png", "--out", "o"], "error: gone.png: there is no such file"),
        (["count", "gone.png", "--out", "o", "--model", "nobody"], "error: no model 'nobody'"),
        (["detect", "gone.png", "--out", "o"], "error: gone.png: there is no such file"),
        (["classify", "gone.png", "--out", "o.csv"], "error: gone.png: there is no such file"),
        (["explain", "gone.png", "--out", "o"], "error: gone.png: there is no such file"),
        (["export", "gone.bmcase", "--format", "csv", "--out", "o"], "gone.bmcase"),
        (["evaluate", "nobody", "gone", "--out", "o"], "error: "),
        (["train", "gone", "--out", "o"], "error: "),
        (["train", "--from-cases", "gone", "--out", "o"], "error: gone: no such file or folder"),
        (["models", "show", "nobody"], "error: no model 'nobody'"),
        (["models", "import", "gone.pt", "--architecture", "resnet18"], "gone.pt"),
        (["models", "export", "nobody", "--out", "o.onnx"], "error: no model 'nobody'"),
        (["models", "fetch", "resnet18"], "no published weights 'resnet18': choose one of dinobloom_s"),
        (["models", "fetch", "dinov2_s", "--url", "dinov2.pth"], "not an address that begins with https://"),
        (["open", "gone.png"], "error: gone.png: there is no such file"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_failure_is_one_line_and_exit_one(
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*arguments)
    assert code == 1
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert text in errors[0]
    assert "Traceback" not in err


def test_debug_shows_where_an_error_arose() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "napari_bonemarrow", "models", "show", "nobody", "--debug"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "no model 'nobody'" in done.stderr


def test_a_defect_is_one_line_too(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> list[str]:
        raise KeyError("x")

    monkeypatch.setattr("napari_bonemarrow.models.list_bundles", broken)
    code, _, err = run("models", "list")
    assert code == 1
    assert err == "error: unexpected KeyError: 'x': run it again with --debug to see where\n"


def test_being_stopped_is_one_line(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_bonemarrow.models.list_bundles", stopped)
    code, _, err = run("models", "list")
    assert (code, err) == (130, "error: stopped\n")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['napari-bonemarrow', '--help']\n"
        "from napari_bonemarrow.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'scipy', 'skimage', 'pandas', 'napari', 'qtpy'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_count_writes_what_the_contract_names(counted: Path) -> None:
    assert {path.name for path in counted.iterdir()} == {
        "cells.csv",
        "differential.json",
        "report.html",
        "field.bmcase",
    }
    assert json.loads((counted / "differential.json").read_text("utf-8"))["schema"] == 1


@pytest.mark.parametrize("name", ["csv", "json", "html", "geojson"])
def test_export_gives_what_count_wrote(
    run: Callable[..., tuple[int, str, str]], counted: Path, tmp_path: Path, name: str
) -> None:
    code, _, _ = run("export", counted / "field.bmcase", "--format", name, "--out", tmp_path / "out")
    assert code == 0
    beside = {"csv": "cells.csv", "json": "differential.json"}
    if name in beside:
        assert (tmp_path / "out").read_bytes() == (counted / beside[name]).read_bytes()
    else:
        assert (tmp_path / "out").stat().st_size > 100


def test_a_folder_of_cases_is_exported_and_one_that_fails_is_a_line(
    run: Callable[..., tuple[int, str, str]], counted: Path, tmp_path: Path
) -> None:
    cases = tmp_path / "cases"
    cases.mkdir()
    shutil.copy(counted / "field.bmcase", cases)
    (cases / "broken.bmcase").write_text("no case")
    code, out, err = run("export", cases, "--format", "csv", "--out", tmp_path / "out", "--json")
    assert code == 1
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "broken.bmcase" in line
    assert [each["error"] == "" for each in json.loads(out)["cases"]] == [False, True]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["field.cells.csv"]


def test_a_patient_is_named_only_where_a_format_has_a_place(
    run: Callable[..., tuple[int, str, str]], counted: Path, tmp_path: Path
) -> None:
    given = ("--field", "patient=Jane", "--out", tmp_path / "out")
    assert run("export", counted / "field.bmcase", "--format", "fhir", *given)[0] == 0
    assert "Jane" in (tmp_path / "out").read_text("utf-8")
    code, _out, err = run("export", counted / "field.bmcase", "--format", "csv", *given)
    assert code == 2
    assert "not for csv" in err


def test_an_export_nobody_offers_names_those_that_are(
    run: Callable[..., tuple[int, str, str]], counted: Path, tmp_path: Path
) -> None:
    code, _, err = run("export", counted / "field.bmcase", "--format", "docx", "--out", tmp_path / "o")
    assert (code, err) == (1, f"error: docx: no such format: choose one of {', '.join(FORMATS)}\n")


def test_detect_needs_a_scale_and_takes_it(
    run: Callable[..., tuple[int, str, str]], field: Path, tmp_path: Path
) -> None:
    mute = tmp_path / "mute.png"
    with Image.open(field) as image:
        Image.fromarray(np.asarray(image)).save(mute)
    code, _, err = run("detect", mute, "--out", tmp_path / "o")
    assert code == 1
    assert "--microns-per-pixel" in err
    code, out, _ = run("detect", mute, "--out", tmp_path / "o", "--microns-per-pixel", "0.1", "--json")
    assert code == 0
    assert json.loads(out)["inputs"][0]["cells_found"] >= 6


@pytest.fixture(scope="module")
def kept_engine() -> Iterator[Engine]:
    """One engine that commands cannot close: each would wait for torch in a child of its own."""

    class Kept(Engine):
        def close(self) -> None:
            """Not yet."""

    with shared(Kept("cpu", threads=1)) as engine:
        yield engine


@pytest.fixture
def one_engine(kept_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("crops", "heatmap_files", "demo"):
        monkeypatch.setattr(f"napari_bonemarrow.workflow.{module}.Engine", lambda device: kept_engine)


@pytest.mark.usefixtures("one_engine")
def test_classify_and_explain_single_cells(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    Image.fromarray(draw_cell("NGS", 2)).save(tmp_path / "cell.png")
    code, _, err = run("classify", tmp_path / "cell.png", "--out", tmp_path / "o.csv", "--device", "cpu")
    assert code == 0
    assert "1 without a scale, so the model's is assumed," in err
    assert (tmp_path / "o.csv").read_text().count("\n") == 2
    code, out, _ = run("explain", tmp_path / "cell.png", "--out", tmp_path / "why", "--json")
    assert code == 0
    answer = json.loads(out)
    assert Path(answer["heatmap"]).exists()
    assert Path(answer["overlay"]).exists()


def test_models_list_and_show_the_starter(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("models", "list")
    assert code == 0
    assert out.startswith("starter ")
    code, out, _ = run("models", "show", "starter")
    assert code == 0
    assert "support trained: " in out
    code, out, _ = run("models", "show", "starter", "--json")
    assert json.loads(out)["card"]["name"] == "starter"


def test_train_and_evaluate_run_end_to_end(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    data = tmp_path / "drawn"
    for code in ("LYT", "NGS"):
        (data / code).mkdir(parents=True)
        for seed in range(8):
            Image.fromarray(draw_cell(code, seed)).save(data / code / f"{seed}.png")
    config = tmp_path / "small.json"
    config.write_text(
        '{"minimum_images": 4, "default_draws": 8, "batch_size": 4, "stages": [{"epochs": 1, "size": 64}]}'
    )
    arguments = ("--config", config, "--init", "none", "--device", "cpu", "--json")
    code, out, err = run("train", data, "--out", tmp_path / "run", *arguments)
    assert code == 0, err
    bundle = json.loads(out)["bundle"]
    code, _, err = run("evaluate", bundle, data, "--out", tmp_path / "figures", "--device", "cpu")
    assert code == 0, err
    assert (tmp_path / "figures" / "metrics.json").exists()
    assert "drawn: states no scale, so the model's is assumed, 0.1 µm per pixel" in err
    options = ("--device", "cpu", "--microns-per-pixel", "0.05")
    code, _, err = run("evaluate", bundle, data, "--out", tmp_path / "finer", *options)
    assert code == 0, err
    assert "drawn: images at 0.05 µm per pixel, resampled to the model's 0.1" in err
    told = json.loads((tmp_path / "finer" / "metrics.json").read_text("utf-8"))
    assert told["scale"] == {"images": 0.05, "resampled_to": 0.1}
    code, _, err = run("evaluate", bundle, data, "--out", tmp_path / "no", "--microns-per-pixel", "50")
    assert code == 1
    assert err.splitlines()[-1].startswith("error: microns-per-pixel: 50 µm per pixel is not a scale")


@pytest.mark.usefixtures("one_engine")
def test_the_demo_runs_without_a_window(
    run: Callable[..., tuple[int, str, str]], field: Path, tmp_path: Path
) -> None:
    """On a small field in the sample's place; drawing the sample is tested where it is drawn."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "drawn-smear.png").write_bytes(field.read_bytes())
    code, out, err = run("demo", "--no-window", "--out", tmp_path / "demo", "--device", "cpu")
    assert code == 0, err
    assert "Research use only" in out
    results = tmp_path / "demo" / "drawn-smear"
    assert (results / "differential.json").exists()
    assert len(list(results.glob("*.npy"))) == 1


def test_open_and_demo_hand_over_to_the_window(
    run: Callable[..., tuple[int, str, str]], field: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_bonemarrow.gui import launch

    window, demo = create_autospec(launch.open_window), create_autospec(launch.run_demo)
    monkeypatch.setattr(launch, "open_window", window)
    monkeypatch.setattr(launch, "run_demo", demo)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert run("open", field)[0] == 0
    assert window.call_args.args == ([field],)
    assert run("open")[0] == run()[0] == 0
    assert [call.args for call in window.call_args_list] == [([field],), ([],), ([],)]
    assert run("demo")[0] == 0
    picture = tmp_path / "window.png"
    assert run("demo", "--screenshot", picture, "--out", tmp_path)[0] == 0
    asked = [(call.kwargs["screenshot"], call.kwargs["out"]) for call in demo.call_args_list]
    assert asked == [(None, None), (picture, tmp_path)]


def test_without_a_display_the_window_is_one_line(
    run: Callable[..., tuple[int, str, str]], field: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    for command in ([], ["open"], ["open", field], ["demo"]):
        code, out, told = run(*command)
        assert (code, out) == (1, "")
        assert re.fullmatch(r"error: no display: [^\n]+ `napari-bonemarrow --help` [^\n]+\n", told)


def test_a_long_error_is_cut_in_its_middle(tmp_path: Path) -> None:
    where = tmp_path / ("x" * 200) / ("y" * 200)
    done = subprocess.run(
        [sys.executable, "-m", "napari_bonemarrow", "verify", f"{where}.bmcase"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert max(map(len, done.stderr.splitlines())) <= len("error: ") + 300


@pytest.mark.parametrize("command", [["open", "field.png"], ["demo"]])
def test_without_qt_the_window_says_what_to_install(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "field.png").touch()
    code = (
        "import sys\n"
        "for name in ('PyQt5', 'PyQt6', 'PySide2', 'PySide6'):\n"
        "    sys.modules[name] = None\n"
        f"sys.argv = ['napari-bonemarrow', *{command!r}]\n"
        "from napari_bonemarrow.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "error: the window needs Qt, which is not installed: pip install 'napari-bonemarrow[all]'"
    ]
