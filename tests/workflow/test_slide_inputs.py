"""What counts as one input where a slide is more than a file."""

from __future__ import annotations

from pathlib import Path

from napari_bonemarrow.workflow.inputs import find_inputs


def test_a_slide_of_many_files_is_one_input(tmp_path: Path) -> None:
    (tmp_path / "a.zarr" / "0").mkdir(parents=True)
    (tmp_path / "a.zarr" / "zarr.json").write_text("{}")
    (tmp_path / "a.zarr" / "0" / "x.png").write_text("x")
    (tmp_path / "series").mkdir()
    for name in ("1.dcm", "2.dcm"):
        (tmp_path / "series" / name).write_bytes(bytes(128) + b"DICM")
    (tmp_path / "m.mrxs").write_text("x")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "Data.png").write_text("x")
    (tmp_path / "fields").mkdir()
    for name in ("1.png", "2.png"):
        (tmp_path / "fields" / name).write_text("x")
    names = [str(each.path.relative_to(tmp_path)) for each in find_inputs([tmp_path])]
    assert names == ["a.zarr", "fields/1.png", "fields/2.png", "m.mrxs", "series"]
    assert [each.path.name for each in find_inputs([tmp_path / "series"])] == ["series"]
    assert [each.path.name for each in find_inputs([str(tmp_path / "*.zarr")])] == ["a.zarr"]
    assert [each.path.name for each in find_inputs([tmp_path / "fields"], together=True)] == ["fields"]
