"""Names and texts of files do nothing to a terminal, and are not told where names must not be."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from napari_bonemarrow.cytology.lines import LONGEST, one_line
from napari_bonemarrow.slides.library_messages import reason
from tests.slides._dicom import write_dicom
from tests.slides._pyramids import picture
from tests.slides.vendors import WRITERS
from tests.slides.vendors.planted import MARK


def _detect(folder: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "napari_bonemarrow", "detect", str(folder), "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, errors="surrogateescape")


UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028\ud800-\udfff]")


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be")
def test_a_name_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    names = ["\x1b[31mred\x1b]0;title\x07.png", "two\nlines.png", "\u202egnp.exe.png", "[bold]x.png"]
    for name in [*names, "n" * 250 + ".png"]:
        (folder / name).write_bytes(b"no image")
    Image.fromarray(picture(64, 64)).save(folder / "\x1b[2Jfield.png", dpi=(101_600, 101_600))
    done = _detect(folder, tmp_path / "out")
    text = done.stdout + done.stderr
    assert done.returncode == 1
    assert not UNSEEN.search(text)
    assert "\\x1b[31mred" in text
    assert "[bold]x.png" in text
    assert max(map(len, text.splitlines())) <= LONGEST
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    assert len(errors) == 5
    assert all("not an image of a known kind" in line for line in errors)


BAD = "\x1b[31mred\x1b]0;title\x07\u202e two\nlines\r\u2028\udce4"


@pytest.mark.parametrize(
    "arguments",
    [
        [BAD],
        ["models", BAD],
        ["models", "show", "starter", BAD],
        ["count", f"--{BAD}"],
        ["count", f"--{BAD}=1", "a.png"],
        ["count", "a.png", "--out", "o", f"-{BAD}"],
        ["count", "a.png", "--out", "o", "--device", BAD],
        ["count", "a.png", "--out", "o", "--region", BAD],
        ["count", "a.png", "--out", "o", "--target", BAD],
        ["count", "a.png", "--out", "o", f"--anonymous={BAD}"],
        ["train", "crops", "--out", "o", "--precision", BAD],
        ["train", "crops", "--out", "o", "--fold", BAD],
        ["train", "crops", "--out", "o", "--config", BAD, "--epochs", BAD],
        ["verify", "a.bmcase", "--head", BAD],
    ],
    ids=lambda arguments: " ".join(arguments).replace(BAD, "BAD"),
)
@pytest.mark.parametrize("times", [1, 40])
def test_a_wrong_usage_is_one_bounded_line_that_does_nothing_to_the_terminal(
    run: Callable[..., tuple[int, str, str]], arguments: list[str], times: int
) -> None:
    code, out, err = run(*(text.replace(BAD, BAD * times) for text in arguments))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert len(err.rstrip("\n")) <= LONGEST
    assert not UNSEEN.search(err)


def test_a_wrong_usage_says_what_is_wrong_and_where_the_right_one_stands(
    run: Callable[..., tuple[int, str, str]],
) -> None:
    for arguments, begin in (
        (["models", "show"], "error: Missing argument 'NAME|DIR'; see "),
        (["models", "show", "starter", "--" + "x" * 1000], "error: No such option"),
    ):
        code, _, err = run(*arguments)
        assert code == 2
        assert err.startswith(begin)
        assert err.endswith("napari-bonemarrow models show --help\n")
    assert run("models")[0] == 2  # which prints the help


def _damaged_inputs(folder: Path) -> None:
    levels = [picture(512, 768), picture(256, 384)]
    Image.fromarray(picture(64, 64)).save(folder / f"{MARK}  WHOLE.png", dpi=(101_600, 101_600))
    (folder / f"{MARK}  TEXT.png").write_text("no image")
    whole = (folder / f"{MARK}  WHOLE.png").read_bytes()
    (folder / f"{MARK}-CUT.png").write_bytes(whole[: len(whole) // 2])
    for name in ("mirax", "vms", "leica", "czi"):
        place = folder / f"{MARK}-{name}"
        place.mkdir()
        path = WRITERS[name][1](place, levels, (0.25, 0.25)).path
        if name == "mirax":
            shutil.rmtree(path.with_suffix(""))
        elif name == "vms":
            path.with_name("part1.jpg").rename(path.with_name(f"{MARK}.jpg"))
        else:
            path.write_bytes(path.read_bytes()[:-3000])
    series = folder / f"{MARK}-series"
    for path in write_dicom(series, levels)[:1]:
        path.rename(path.with_name(f"{MARK}.txt"))  # the finest level is missing
        (series / f"{MARK}.txt").unlink()
    (folder / f"{MARK}-nothing").mkdir()


def test_anonymous_tells_no_name_on_the_terminal_or_in_a_file(tmp_path: Path) -> None:
    folder = tmp_path / f"{MARK}-STUDY"
    folder.mkdir()
    _damaged_inputs(folder)
    for given in (folder, folder / f"{MARK}-nothing", folder / f"{MARK}-MISSING.png"):
        out = tmp_path / f"out-{given.name == folder.name}-{given.suffix}"
        done = _detect(given, out, "--anonymous", "--json")
        assert done.returncode == 1
        assert "error: " in done.stderr
        assert MARK not in done.stdout + done.stderr, done.stderr
        made = [file for file in out.rglob("*") if file.is_file()]
        assert not [
            file for file in made if MARK in str(file.relative_to(out)) or MARK.encode() in file.read_bytes()
        ]
    shown = _detect(folder, tmp_path / "named")
    assert MARK in shown.stderr  # where it may be told it is


def test_lines_keep_their_beginning_and_their_end() -> None:
    line = one_line(f"{'a/' * 400}smear.png: the image is damaged; copy it again")
    assert len(line) == LONGEST
    assert line.startswith("a/a/")
    assert line.endswith("the image is damaged; copy it again")
    assert one_line("x\x1b[0m\r\ny\udce4\u2066") == "x\\x1b[0m y\\xe4\\u2066"
    assert one_line("a" * 400, None) == "a" * 400


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"could not convert string to float: '{MARK}'"),
        KeyError(f"{MARK} NAME"),
        ValueError(f'invalid literal: b"{MARK}\'s"'),
        TypeError(f'bad tag “{MARK}” and "{MARK}'),
    ],
)
def test_a_librarys_words_are_told_without_what_they_quote(error: Exception) -> None:
    assert MARK not in reason(error)
    assert reason(ValueError("it doesn't end")) == "it doesn't end"


def test_no_command_prints_by_itself() -> None:
    import ast

    import napari_bonemarrow.cli

    wrong = []
    for file in sorted(Path(napari_bonemarrow.cli.__file__).parent.glob("*.py")):
        if file.name == "common.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name == "print":
                wrong.append(f"cli/{file.name}:{node.lineno}: print, take say, tell or complain")
    assert not wrong, wrong
