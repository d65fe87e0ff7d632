from __future__ import annotations

import csv
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import BoneMarrowError, Region
from napari_bonemarrow.drawing import DrawnSmear
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.report import ReportError
from napari_bonemarrow.review import Case
from napari_bonemarrow.system.files import DRAFT
from napari_bonemarrow.workflow import CountOptions, count_inputs
from napari_bonemarrow.workflow.teaching.laboratory import remember_cases
from tests.disk import small_disk

SCALED = CountOptions(microns_per_pixel=0.1)


def numbers(path: Path) -> dict[str, object]:
    """A differential without what changes from run to run."""
    return json.loads((path / "differential.json").read_text("utf-8"))  # type: ignore[no-any-return]


def test_a_field_is_counted_into_a_folder_of_its_own(engine: Engine, field: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told: list[tuple[int, int, str]] = []
    [row] = count_inputs([field], out, engine=engine, progress=lambda *what: told.append(what))
    assert row.ok
    assert (row.folder, row.scale_source, row.model, row.device) == ("field", "file", "starter", "cpu")
    assert row.found >= 6
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files == {
        "summary.csv",
        "field/cells.csv",
        "field/differential.json",
        "field/report.html",
        "field/field.bmcase",
    }
    assert row.differential is not None
    assert numbers(out / "field")["counted"] == row.differential.counted
    with (out / "field" / "cells.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert len(cells) == row.found
    assert all(cell["predicted"] for cell in cells)
    assert told[0] == (0, 1, str(field))
    assert told[-1][:2] == (1, 1)


def test_counting_again_keeps_the_review_and_gives_the_same_numbers(
    engine: Engine, field: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    count_inputs([field], out, engine=engine)
    first = numbers(out / "field")
    with Engine("cpu") as idle:
        count_inputs([field], out, engine=idle)
        assert idle.pid is None  # nothing was computed again
    assert numbers(out / "field") == first
    with Case.open(out / "field" / "field.bmcase", reviewer="Dr A") as case:
        number = int(case.cells.cell_id[case.cells.in_frame][0])
        case.set_label(number, "PLM")
        expected = case.differential().to_dict()
    count_inputs([field], out, engine=engine)
    again = numbers(out / "field")
    assert again["reviewed"] == 1
    assert {key: again[key] for key in expected} == json.loads(json.dumps(expected))


def test_a_case_can_be_counted_wherever_it_lies(engine: Engine, field: Path, tmp_path: Path) -> None:
    count_inputs([field], tmp_path / "one", engine=engine)
    case = tmp_path / "one" / "field" / "field.bmcase"
    [row] = count_inputs([case], tmp_path / "two", engine=engine)
    assert row.ok
    assert numbers(tmp_path / "two" / "field") == numbers(tmp_path / "one" / "field")


def test_a_region_and_a_target_are_what_is_counted(engine: Engine, field: Path, tmp_path: Path) -> None:
    options = CountOptions(regions=(Region(0, 0, 320, 480),), target=300)
    [half] = count_inputs([field], tmp_path / "half", options, engine=engine)
    [whole] = count_inputs([field], tmp_path / "whole", engine=engine)
    assert half.differential is not None
    assert whole.differential is not None
    assert half.differential.target == 300
    assert half.found == whole.found
    counted = half.differential.counted + sum(half.differential.excluded.values())
    assert 0 < counted < whole.differential.counted + sum(whole.differential.excluded.values())
    [changed] = count_inputs(
        [field], tmp_path / "half", CountOptions(regions=(Region(0, 0, 100, 100),)), engine=engine
    )
    assert "its frame was fixed" in changed.error
    [outside] = count_inputs(
        [field], tmp_path / "none", CountOptions(regions=(Region(700, 0, 50, 50),)), engine=engine
    )
    assert "leaves nothing to count" in outside.error


def test_anonymous_results_name_no_file(engine: Engine, field: Path, tmp_path: Path) -> None:
    named = field.rename(field.with_name("B24-0815.png"))
    bad = field.with_name("B24-0816.png")
    bad.write_bytes(b"")
    out = tmp_path / "out"
    rows = count_inputs([named, bad], out, CountOptions(anonymous=True), engine=engine)
    assert [row.ok for row in rows] == [True, False]
    assert not any("B24" in path.name for path in out.rglob("*"))
    assert not any(b"B24" in path.read_bytes() for path in out.rglob("*") if path.is_file())
    [again] = count_inputs([named], out, CountOptions(anonymous=True), engine=engine)
    assert again.device == ""  # the case was continued: nothing had to be computed
    assert not any(b"B24" in path.read_bytes() for path in out.rglob("*") if path.is_file())


def test_a_count_begins_with_a_head_and_a_sample(
    engine: Engine, field: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path / "home"))
    with pytest.raises(LearningError, match="no laboratory head 'lab'"):
        count_inputs([field], tmp_path / "first", CountOptions(head="lab"), engine=engine)
    count_inputs([field], tmp_path / "first", engine=engine)
    path = tmp_path / "first" / "field" / "field.bmcase"
    with Case.open(path, reviewer="Dr A") as case:
        for cell in case.cells.cell_id[case.cells.in_frame].tolist():
            case.set_label(cell, "PLM")
        case.sign("Dr A")
    assert remember_cases([path], "lab").taught
    options = CountOptions(head="lab", sample=True)
    [row] = count_inputs([field], tmp_path / "next", options, engine=engine)
    assert row.ok
    document = numbers(tmp_path / "next" / "field")
    assert document["learning"]["predicted_by"] == "starter+lab"
    with Case.open(tmp_path / "next" / "field" / "field.bmcase", reviewer="Dr A") as case:
        assert case.sample.in_progress
        case.set_label(int(case.sample.next(1)[0]), "PLM")
    [row] = count_inputs([field], tmp_path / "next", options, engine=engine)
    assert row.ok  # a review that has begun goes on


def test_two_inputs_with_one_stem_do_not_meet(engine: Engine, field: Path, tmp_path: Path) -> None:
    other = tmp_path / "more" / "field.png"
    other.parent.mkdir()
    shutil.copy(field, other)
    rows = count_inputs([field, other], tmp_path / "out", engine=engine)
    assert all(row.ok for row in rows)
    assert len({row.folder for row in rows}) == 2


def _save(smear: DrawnSmear, mode: str, suffix: str = ".png") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"{mode}{suffix}"
        if mode == "16-bit":
            import tifffile

            path = path.with_suffix(".tif")
            tifffile.imwrite(path, smear.image.astype(np.uint16) * 257, photometric="rgb")
        else:
            Image.fromarray(smear.image).convert(mode).save(path)
        return path

    return make


@pytest.mark.parametrize(
    ("mode", "suffix"), [("16-bit", ".tif"), ("RGBA", ".png"), ("CMYK", ".jpg"), ("L", ".png"), ("P", ".png")]
)
def test_other_kinds_of_image_are_counted_or_refused_in_one_line(
    engine: Engine, smear: DrawnSmear, tmp_path: Path, mode: str, suffix: str
) -> None:
    path = _save(smear, mode, suffix)(tmp_path)
    [row] = count_inputs([path], tmp_path / "out", SCALED, engine=engine)
    if mode == "L":  # no stain to tell a nucleus by: found or not, it must not be an accident
        assert "\n" not in row.error
    else:
        assert row.error == ""
        assert row.found >= 6


def _truncated(folder: Path, smear: DrawnSmear) -> Path:
    path = folder / "truncated.jpg"
    Image.fromarray(smear.image).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    return path


def _written(name: str, data: bytes) -> Callable[[Path, DrawnSmear], Path]:
    def make(folder: Path, _smear: DrawnSmear) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return make


def _dot(folder: Path, _smear: DrawnSmear) -> Path:
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    return folder / "dot.png"


def _directory(folder: Path, _smear: DrawnSmear) -> Path:
    (folder / "folder.png").mkdir()
    return folder / "folder.png"


BAD = {
    "truncated": (_truncated, "damaged or incomplete"),
    "zero bytes": (_written("zero.png", b""), "empty"),
    "text": (_written("text.png", b"not an image\n"), "not an image"),
    "one pixel": (_dot, "too small"),
    "missing": (lambda folder, _smear: folder / "gone.png", "no such file"),
    "empty folder": (_directory, "no image in this folder"),
    "other suffix": (_written("notes.docx", b"x"), "cannot be read"),
    "a case that is none": (_written("false.bmcase", b"x" * 200), "false.bmcase"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_a_row_with_one_line_and_the_others_go_on(
    engine: Engine, field: Path, smear: DrawnSmear, tmp_path: Path, kind: str
) -> None:
    make, text = BAD[kind]
    (tmp_path / "bad").mkdir()
    path = make(tmp_path / "bad", smear)
    out = tmp_path / "out"
    bad, good = count_inputs([path, field], out, engine=engine)
    assert text in bad.error
    assert path.name in bad.error
    assert "\n" not in bad.error
    assert good.ok
    assert sorted(entry.name for entry in out.iterdir()) == ["field", "summary.csv"]
    with (out / "summary.csv").open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["error", "ok"]


def test_a_field_without_scale_is_an_error_that_says_what_to_pass(
    engine: Engine, mute: Path, tmp_path: Path
) -> None:
    [row] = count_inputs([mute], tmp_path / "out", engine=engine)
    assert "its scale is unknown" in row.error
    assert "--microns-per-pixel" in row.error
    [row] = count_inputs([mute], tmp_path / "out", SCALED, engine=engine)
    assert row.ok
    assert (row.microns_per_pixel, row.scale_source) == (0.1, "user")


def test_an_empty_field_has_no_cells_and_no_percentages(engine: Engine, tmp_path: Path) -> None:
    Image.new("RGB", (640, 480), (236, 228, 234)).save(tmp_path / "blank.png")
    [row] = count_inputs([tmp_path / "blank.png"], tmp_path / "out", SCALED, engine=engine)
    assert row.ok
    assert row.found == 0
    assert numbers(tmp_path / "out" / "blank")["counted"] == 0
    [again] = count_inputs([tmp_path / "blank.png"], tmp_path / "out", engine=engine)
    assert again.ok


def test_another_slide_in_place_of_the_first_is_told(engine: Engine, field: Path, tmp_path: Path) -> None:
    count_inputs([field], tmp_path / "out", engine=engine)
    before = (tmp_path / "out" / "field" / "cells.csv").read_bytes()
    Image.new("RGB", (640, 480), (236, 228, 234)).save(field)
    [row] = count_inputs([field], tmp_path / "out", SCALED, engine=engine)
    assert "belongs to another slide" in row.error
    assert (tmp_path / "out" / "field" / "cells.csv").read_bytes() == before


def test_a_bad_bundle_stops_before_anything_is_written(field: Path, tmp_path: Path) -> None:
    with pytest.raises(BoneMarrowError, match="no-such-model"):
        count_inputs([field], tmp_path / "out", CountOptions(model="no-such-model"))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_stops_at_once(engine: Engine, field: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="a file stands where a folder is needed"):
        count_inputs([field], field / "out", engine=engine)
    with pytest.raises(ReportError, match="/proc/out"):
        count_inputs([field], Path("/proc/out"), engine=engine)


@pytest.mark.parametrize("room", [400, 20_000])
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    engine: Engine, field: Path, tmp_path: Path, room: int
) -> None:
    out = tmp_path / "out"
    with small_disk(room):
        [row] = count_inputs([field], out, engine=engine)
    assert "disk" in row.error
    assert "\n" not in row.error
    assert not list(out.rglob(f"{DRAFT}*"))
    [row] = count_inputs([field], out, engine=engine)
    assert row.ok
    assert len(list((out / "field").iterdir())) == 4


def test_a_disk_that_fills_up_later_keeps_the_results_of_before(
    engine: Engine, field: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    count_inputs([field], out, engine=engine)
    before = {path: path.read_bytes() for path in (out / "field").iterdir()}
    with small_disk(400):
        [row] = count_inputs([field], out, engine=engine)
    assert "disk" in row.error
    assert {path: path.read_bytes() for path in (out / "field").iterdir()} == before


def fields(real_data: Path, width: int) -> list[Path]:
    found = []
    for path in sorted((real_data / "fields" / "images").iterdir()):
        with Image.open(path) as image:
            if image.width == width:
                found.append(path)
    return found


SCALES = {2040: 0.0413, 2560: 0.05}


@pytest.mark.parametrize("width", SCALES)
def test_a_real_field_is_counted(engine: Engine, real_data: Path, tmp_path: Path, width: int) -> None:
    options = CountOptions(microns_per_pixel=SCALES[width])
    [row] = count_inputs(fields(real_data, width)[:1], tmp_path / "out", options, engine=engine)
    assert row.error == ""
    assert row.found > 0
    assert row.differential is not None
    assert row.differential.unclassified == 0


@pytest.mark.slow
@pytest.mark.parametrize("width", SCALES)
def test_all_real_fields_are_counted(engine: Engine, real_data: Path, tmp_path: Path, width: int) -> None:
    options = CountOptions(microns_per_pixel=SCALES[width])
    rows = count_inputs(fields(real_data, width), tmp_path / "out", options, engine=engine)
    assert len(rows) > 5
    assert [row.error for row in rows if not row.ok] == []


def _nan(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "weights.safetensors")
    name = max(weights, key=lambda key: weights[key].size)
    weights[name] = np.full_like(weights[name], np.nan)
    save_file(weights, folder / "weights.safetensors")


def _pickle(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(pickle.dumps({"fc.weight": [1.0]}))


def _one_class_less(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text("utf-8"))
    gone = card["classes"].pop()
    del card["support"][gone]
    (folder / "card.json").write_text(json.dumps(card), "utf-8")


@pytest.mark.parametrize(
    ("spoil", "text"),
    [(_nan, "NaN or infinity"), (_pickle, "pickle"), (_one_class_less, "classes")],
    ids=["nan", "pickle", "one class less"],
)
def test_a_spoilt_bundle_is_one_line_and_gives_no_number(
    engine: Engine, field: Path, tmp_path: Path, spoil: Callable[[Path], None], text: str
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(Bundle.open("starter").path, bundle)
    spoil(bundle)
    out = tmp_path / "out"
    try:
        [row] = count_inputs([field], out, CountOptions(model=bundle), engine=engine)
    except BoneMarrowError as error:  # told by the file alone, before any slide is opened
        message = str(error)
        assert not out.exists()
    else:
        message = row.error
        assert not list(out.rglob("differential.json"))
    assert text in message
    assert "\n" not in message
    [row] = count_inputs([field], out, engine=engine)
    assert row.ok


def test_the_fields_of_a_folder_are_one_case(
    engine: Engine, field: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(field, field.with_name("second.png"))
    field.with_name("torn.png").write_bytes(field.read_bytes()[:2000])
    [alone] = count_inputs([field], tmp_path / "alone", engine=engine)
    [row] = count_inputs([field.parent], tmp_path / "out", CountOptions(together=True), engine=engine)
    assert row.ok, row.error
    assert row.folder == field.parent.name
    [told] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "torn.png" in told
    assert row.differential is not None
    assert alone.differential is not None
    both = row.differential.counted + sum(row.differential.excluded.values())
    one = alone.differential.counted + sum(alone.differential.excluded.values())
    assert both == 2 * one > 0
    with (tmp_path / "out" / row.folder / "cells.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert [cell["field"] for cell in cells].count("1") == [cell["field"] for cell in cells].count("2")
    first = {
        (round(float(c["field_x_px"])), round(float(c["field_y_px"]))) for c in cells if c["field"] == "1"
    }
    again = {(round(float(c["x_px"])), round(float(c["y_px"]))) for c in _cells(tmp_path / "alone" / "field")}
    assert first == again
    slides = numbers(tmp_path / "out" / row.folder)["slides"]
    assert [each["file"] for each in slides[0]["fields"]] == ["field.png", "second.png"]  # type: ignore[index]


def _cells(folder: Path) -> list[dict[str, str]]:
    with (folder / "cells.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_smear_of_another_laboratory_is_said_to_look_unlike(
    engine: Engine, real_data: Path, tmp_path: Path
) -> None:
    smear = real_data / "fields" / "images" / "2044.jpg"  # myeloma: plasma cells, which no class is for
    options = CountOptions(microns_per_pixel=0.0413)
    [row] = count_inputs([smear], tmp_path / "out", options, engine=engine)
    assert row.differential is not None
    assert row.differential.domain is not None
    assert row.differential.domain.unlike
    assert str(row.values()["flags"]).startswith("unlike_training")
    document = numbers(tmp_path / "out" / "2044")
    assert document["domain"]["unlike_training"]
    assert {entry["percent"] for entry in document["classes"]} == {None}
    with Case.open(tmp_path / "out" / "2044" / "2044.bmcase", read_only=True) as case:
        assert case.statistics.domain_check() == row.differential.domain


def test_a_count_by_a_profile_of_the_laboratory(engine: Engine, field: Path, tmp_path: Path) -> None:
    rules = tmp_path / "ours.yaml"
    rules.write_text("extends: ICSH 2008\nname: Ours\ntarget: 400\nrules: {monocytes_in_me: false}\n")
    out = tmp_path / "out"
    count_inputs([field], out, CountOptions(profile=rules), engine=engine)
    counted = numbers(out / "field")
    assert counted["target"] == 400
    assert counted["profile"]["name"] == "Ours"  # type: ignore[index]
    rules.unlink()
    count_inputs([field], out, engine=engine)
    assert numbers(out / "field") == counted  # the case keeps its rules
    [row] = count_inputs([field], out, CountOptions(profile="ICSH 2008", target=450), engine=engine)
    assert row.error == ""
    assert numbers(out / "field")["target"] == 450
    assert "Ours" not in json.dumps(numbers(out / "field"))
