"""A case of 100,000 cells written in the formats of other programs, and a million labels read.

``python -m benchmarks.exchange`` runs it alone. Each format is written in a process of its own from a case on
the disk, whose slide is a drawn DICOM series. The time is that of the export alone, with the libraries that
it loads; the memory is what the process takes at its peak beyond what it took before, looked at every 5 ms.
FHIR holds the count and no cells. The million labels are ten copies of the GeoJSON's features in one file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from tests.slides._dicom import write_dicom

from napari_bonemarrow.cytology import BMC21, Cells, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.report import FORMATS, export
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import open_slide
from napari_bonemarrow.workflow import import_labels

CELLS, COPIES = 100_000, 10
KINDS = ("csv", "geojson", "coco", "dicom", "xlsx", "fhir")
BARS = {"fhir": "under 10 s", "geojson": "under 10 s", "dicom": "under 10 s"}
_SIDE = 4096


def run() -> list[dict[str, object]]:
    """Return the rows of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        case = _case(Path(folder))
        rows = []
        for kind in (*KINDS, "import"):
            found = _child(kind, case)
            what = f"{CELLS:,} cells as {kind}, {found['size']:.1f} MB"
            if kind == "import":
                what = f"GeoJSON of {CELLS * COPIES:,} features imported, {found['size']:.0f} MB"
            rows.append(
                {
                    "name": f"{what}; memory {found['memory']:.0f} MiB",
                    "value": round(found["seconds"], 2),
                    "unit": "s",
                    "peer": "–",
                    "ratio": None,
                    "bar": BARS.get(kind, "–"),
                }
            )
    return rows


def _child(kind: str, case: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.exchange", kind, str(case)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def _case(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    write_dicom(folder / "slide", [np.full((_SIDE, _SIDE, 3), 230, np.uint8)])
    slide = open_slide(folder / "slide")
    with Case.create(folder / "slide.bmcase", slide, reviewer="benchmark") as case:
        case.sampling.set_frame(Frame.whole_field(_SIDE, _SIDE, 0.0), 500)
        across = int(np.ceil(np.sqrt(CELLS)))
        at = np.arange(CELLS)
        spacing = (_SIDE - 20) / across
        x, y = 10 + at % across * spacing, 10 + at // across * spacing
        ones = np.ones(CELLS, np.float32)
        diameters = rng.uniform(7, 20, CELLS).astype(np.float32)
        case.detection.record(Cells(at + 1, x, y, diameters, 0.9 * ones, ones > 0), {})
        probabilities = rng.dirichlet(np.full(len(BMC21), 0.2), CELLS).astype(np.float32)
        support = dict.fromkeys(BMC21, Support.TRAINED)
        model = ModelReference("benchmark", "ab" * 32)
        case.model.record_predictions(Predictions(case.cells.cell_id, probabilities, BMC21, support, model))
        case.set_label((at[: CELLS // 20] + 1).tolist(), "LYT")
    return folder / "slide.bmcase"


def _copied(path: Path, copies: int) -> None:
    """Repeat the features of a GeoJSON file of ours."""
    features = path.read_bytes().partition(b"[\n")[2].rpartition(b"\n]}")[0]
    with path.open("wb") as file:
        file.write(b'{"type":"FeatureCollection","features":[\n' + features)
        for _each in range(copies - 1):
            file.write(b",\n" + features)
        file.write(b"\n]}\n")


class _Memory(threading.Thread):
    """A thread that keeps the most memory this process takes beyond what it took at first, MiB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._process, self._ended, self.most = psutil.Process(), threading.Event(), 0.0
        self._first = self._process.memory_info().rss

    def run(self) -> None:
        while not self._ended.wait(0.005):
            self.most = max(self.most, (self._process.memory_info().rss - self._first) / 2**20)

    def end(self) -> float:
        self._ended.set()
        self.join()
        return self.most


def _measure(kind: str, path: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, Case.open(path, reviewer="benchmark") as case:
        out = Path(folder) / f"out.{kind}"
        case.differential()
        if kind == "import":
            command = [sys.executable, "-m", "benchmarks.exchange", "geojson-file", str(path), str(out)]
            subprocess.run(command, check=True)
        memory = _Memory()
        memory.start()
        started = time.perf_counter()
        if kind == "import":
            found = import_labels(case, out, vouch=True)
            assert found.taken == CELLS, found.text
        else:
            export(case, kind, out)
        seconds = time.perf_counter() - started
        files = [out] if out.is_file() else [*out.rglob("*")]
        size = sum(each.stat().st_size for each in files) / 1e6
        return {"seconds": seconds, "memory": memory.end(), "size": size}


def main(arguments: list[str]) -> None:
    """Run all, or one part in this process."""
    if not arguments:
        for row in run():
            print(f"{row['name']}: {row['value']} {row['unit']} ({row['bar']})")
    elif arguments[0] == "geojson-file":
        with Case.open(arguments[1], read_only=True) as case:
            export(case, "geojson", Path(arguments[2]))
        _copied(Path(arguments[2]), COPIES)
    else:
        print(json.dumps(_measure(arguments[0], Path(arguments[1]))))


if __name__ == "__main__":
    assert set(KINDS) <= set(FORMATS)
    main(sys.argv[1:])
