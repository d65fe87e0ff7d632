"""Code that is planted where a format or a library could carry it does not run."""

from __future__ import annotations

import ast
import contextlib
import json
import pickle
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
import zarr
from PIL import Image

import napari_bonemarrow
from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.bundles.checkpoint_file import read_checkpoint
from napari_bonemarrow.models.networks.architectures import build
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import SlideError, open_slide
from tests.slides._pyramids import picture, write_zarr

SOURCES = Path(napari_bonemarrow.__file__).parent


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The file that planted code would make."""
    return tmp_path / "the-code-ran"


@pytest.fixture
def planted(mark: Path) -> bytes:
    """A pickle that runs code, and does so when it is read as one."""
    data = pickle.dumps(Payload(mark))
    pickle.loads(data)
    assert mark.exists()
    mark.unlink()
    return data


def _zarr(tmp_path: Path, version: int) -> Path:
    path = tmp_path / "smear.zarr"
    write_zarr(path, [picture(96, 128)], version, 64)
    return path


def _edit(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    told = json.loads(file.read_text())
    change(told)
    file.write_text(json.dumps(told))


def _plant_chunks(array: Path, planted: bytes) -> None:
    chunks = [each for each in array.rglob("*") if each.is_file() and each.name[0].isdigit()]
    assert chunks
    for chunk in chunks:
        chunk.write_bytes(planted)


def _refused(path: Path, mark: Path, *words: str) -> None:
    with pytest.raises(SlideError) as caught:
        np.asarray(open_slide(path).levels[0])
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text
    assert not mark.exists()


V2_CODECS: dict[str, Callable[[dict[str, Any]], None]] = {
    "compressor": lambda told: told.update(compressor={"id": "pickle", "protocol": 5}),
    "filter": lambda told: told.update(compressor=None, filters=[{"id": "pickle", "protocol": 5}]),
}


@pytest.mark.parametrize("where", V2_CODECS)
@pytest.mark.parametrize("dtype", ["|u1", "|O"])
def test_a_pickle_codec_of_zarr_2_is_named_and_not_run(
    tmp_path: Path, mark: Path, planted: bytes, where: str, dtype: str
) -> None:
    path = _zarr(tmp_path, 2)
    _edit(path / "0" / ".zarray", V2_CODECS[where])
    _edit(path / "0" / ".zarray", lambda told: told.update(dtype=dtype))
    _plant_chunks(path / "0", planted)
    _refused(path, mark, "'pickle'" if dtype == "|u1" else "'|O'", "export it")


def test_consolidated_metadata_are_not_taken_for_what_was_checked(
    tmp_path: Path, mark: Path, planted: bytes
) -> None:
    path = _zarr(tmp_path, 2)
    told = {
        "zarr_consolidated_format": 1,
        "metadata": {str(file.relative_to(path)): json.loads(file.read_text()) for file in path.rglob(".z*")},
    }
    told["metadata"]["0/.zarray"]["compressor"] = {"id": "pickle", "protocol": 5}
    (path / ".zmetadata").write_text(json.dumps(told))
    _plant_chunks(path / "0", planted)
    with pytest.raises(SlideError):
        np.asarray(open_slide(path).levels[0])
    assert not mark.exists()


NESTED = {
    "plain": [{"name": "numcodecs.pickle", "configuration": {"protocol": 5}}],
    "shard": [
        {
            "name": "sharding_indexed",
            "configuration": {
                "chunk_shape": [3, 32, 32],
                "codecs": [{"name": "bytes"}, {"name": "numcodecs.pickle", "configuration": {}}],
                "index_codecs": [
                    {"name": "bytes", "configuration": {"endian": "little"}},
                    {"name": "crc32c"},
                ],
            },
        }
    ],
}


@pytest.mark.parametrize("where", NESTED)
def test_a_pickle_codec_of_zarr_3_is_named_and_not_run(
    tmp_path: Path, mark: Path, planted: bytes, where: str
) -> None:
    path = _zarr(tmp_path, 3)
    _edit(path / "0" / "zarr.json", lambda told: told.update(codecs=NESTED[where]))
    _plant_chunks(path / "0", planted)
    _refused(path, mark, "'numcodecs.pickle'", "export it")


def test_a_codec_that_an_installed_package_offers_is_not_loaded(
    tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entry points are code that a name in the data would import."""
    package = tmp_path / "site"
    (package / "evil-1.dist-info").mkdir(parents=True)
    (package / "evil.py").write_text(
        f"import pathlib\npathlib.Path({str(mark)!r}).touch()\nclass Codec: pass\n"
    )
    (package / "evil-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1\n")
    points = "[numcodecs.codecs]\nevil = evil:Codec\n[zarr.codecs]\nevil = evil:Codec\n"
    (package / "evil-1.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(package)
    zarr.registry._reload_config()
    for version, file in ((2, ".zarray"), (3, "zarr.json")):
        folder = tmp_path / str(version)
        folder.mkdir()
        path = _zarr(folder, version)
        step = {"compressor": {"id": "evil"}} if version == 2 else {"codecs": [{"name": "evil"}]}
        _edit(path / "0" / file, lambda told, step=step: told.update(step))
        _refused(path, mark, "'evil'")


@pytest.mark.parametrize("name", ["../../secret", "/etc", "0/../../secret"])
def test_an_array_outside_of_its_image_is_not_read(tmp_path: Path, mark: Path, name: str) -> None:
    path = _zarr(tmp_path, 3)
    write_zarr(tmp_path / "secret", [picture(96, 128)], 3, 64)
    _edit(
        path / "zarr.json",
        lambda told: told["attributes"]["ome"]["multiscales"][0]["datasets"][0].update(path=name),
    )
    _refused(path, mark, "not a readable")


NESTED_ENTITIES = "".join(
    f'<!ENTITY {one} "{f"&{other};" * 10}">' for one, other in zip("bcdefghi", "abcdefgh", strict=True)
)
ENTITIES = (
    f'<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a "aaaaaaaaaa">{NESTED_ENTITIES}]>'
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    "<Image><Pixels>&i;</Pixels></Image></OME>"
)


def test_entities_of_an_ome_tiff_are_not_expanded(tmp_path: Path, mark: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, picture(96, 128), photometric="rgb", description=ENTITIES, metadata=None)
    _refused(path, mark, "entities")


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.dcm", "a.npy", "a.pkl"])
def test_a_pickle_under_an_images_name_is_not_read(
    tmp_path: Path, mark: Path, planted: bytes, name: str
) -> None:
    (tmp_path / name).write_bytes(planted)
    _refused(tmp_path / name, mark)


def test_a_pickled_array_in_a_case_is_not_read(tmp_path: Path, mark: Path, planted: bytes) -> None:
    path = tmp_path / "smear.png"
    Image.fromarray(picture(96, 128)).save(path)
    slide = open_slide(path, microns_per_pixel=0.25)
    case = tmp_path / "a.bmcase"
    Case.create(case, slide, reviewer="Dr A").close()
    with sqlite3.connect(case) as file:
        tables = [name for (name,) in file.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            columns = [row[1] for row in file.execute(f"pragma table_info({table})")]
            for column in columns:
                for change in (
                    f"update {table} set {column} = ?",
                    f"insert into {table} ({column}) values (?)",
                ):
                    with contextlib.suppress(sqlite3.Error):
                        file.execute(change, (planted,))
    file.close()
    with contextlib.suppress(Exception):  # what else is wrong with it is not asked here
        Case.open(case, read_only=True).close()
    assert not mark.exists()


def test_a_pickle_in_place_of_weights_is_not_read(tmp_path: Path, mark: Path, planted: bytes) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    card = {"name": "evil", "architecture": "resnet18"}
    (bundle / "card.json").write_text(json.dumps(card))
    torch.save({"a": Payload(mark)}, tmp_path / "a.pt")
    for data in (planted, (tmp_path / "a.pt").read_bytes()):
        (bundle / "weights.safetensors").write_bytes(data)
        with pytest.raises(BoneMarrowError):
            Bundle.open(bundle)
    assert not mark.exists()


def test_a_checkpoint_of_pytorch_that_carries_code_is_refused(tmp_path: Path, mark: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}, "code": Payload(mark)}, tmp_path / "a.pt")
    with pytest.raises(BoneMarrowError):
        read_checkpoint(tmp_path / "a.pt")
    assert not mark.exists()


@pytest.mark.parametrize(
    "name", ["timm:hf-hub:evil/model", "timm:local-dir:/tmp/evil", "os.system", "../evil"]
)
def test_a_card_names_no_network_of_elsewhere(name: str) -> None:
    with pytest.raises(BoneMarrowError):
        build(name, 3)


FORBIDDEN = {"eval", "exec", "__import__"}
UNPICKLING = {
    ("pickle", "load"),
    ("pickle", "loads"),
    ("marshal", "loads"),
    ("shelve", "open"),
    ("joblib", "load"),
}
OWN_PICKLES = {"engine/child_errors.py"}
"""It tries whether an error of our own survives the way between our own two processes."""


def _calls(file: Path) -> list[tuple[str, str, ast.Call]]:
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                found.append((node.func.value.id, node.func.attr, node))
            elif isinstance(node.func, ast.Name):
                found.append(("", node.func.id, node))
    return found


def test_no_source_reads_a_pickle_or_runs_a_text() -> None:
    wrong = []
    for file in sorted(SOURCES.rglob("*.py")):
        where = file.relative_to(SOURCES).as_posix()
        for module, name, call in _calls(file):
            told = {each.arg: ast.unparse(each.value) for each in call.keywords}
            unsafe = (
                (not module and name in FORBIDDEN)
                or ((module, name) in UNPICKLING and where not in OWN_PICKLES)
                or (module == "torch" and name == "load" and told.get("weights_only") != "True")
                or (name == "load" and told.get("allow_pickle", "False") != "False")
                or (module == "yaml" and name not in {"safe_load", "SafeLoader"})
                or name == "enable_load_extension"
            )
            if unsafe:
                wrong.append(f"{where}:{call.lineno} {module}.{name}")
    assert not wrong, wrong
