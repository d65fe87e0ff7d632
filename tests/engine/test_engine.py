"""The engine with a real child process. One child is shared; tests that kill it have their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_bonemarrow.cytology import BoneMarrowError, Cells, Predictions
from napari_bonemarrow.engine import Engine, EngineError, SlideSource

MPP = 0.08


@pytest.fixture
def source(field: Path) -> SlideSource:
    return SlideSource(field, MPP)


def joined(futures: list[Future[Predictions]]) -> tuple[list[int], np.ndarray]:
    parts = [future.result() for future in futures]
    ids = [int(i) for part in parts for i in part.cell_id]
    return ids, np.concatenate([part.probabilities for part in parts])


def test_status_tells_what_really_serves(shared_engine: Engine, bundle: Path) -> None:
    status = shared_engine.load(bundle).result()
    assert status.device == "cpu"
    assert status.model.name == "random-0"
    assert len(status.classes) == 21
    assert (status.input_size, status.microns_per_pixel) == (250, 0.1)
    assert status.seconds_per_crop > 0
    assert shared_engine.status == status


def test_crops_are_sent_in_lots_that_soon_arrive() -> None:
    with Engine("cpu", threads=1) as engine:
        engine._child.seconds_per_cell = 1e-5  # as on a GPU
        assert [len(part) for part in engine._parts(600)] == [512, 88]
        futures = engine.classify_crops(np.zeros((600, 250, 250, 3), np.uint8))
        assert len(futures) == 7, "16 MB hold 89 crops of 250 px"


def test_it_finds_and_classifies_as_a_direct_call_does(
    shared_engine: Engine, bundle: Path, source: SlideSource
) -> None:
    from napari_bonemarrow.models import Classifier
    from napari_bonemarrow.slides import cut_crops, detect_cells, open_slide

    shared_engine.load(bundle).result()
    cells = shared_engine.detect(source).result()
    slide = open_slide(source.path, microns_per_pixel=MPP)
    expected = detect_cells(slide)
    np.testing.assert_array_equal(cells.x, expected.x)
    assert len(cells) >= 5
    ids, probabilities = joined(shared_engine.classify(source, cells))
    direct = Classifier(bundle, "cpu").classify(cut_crops(slide, cells.x, cells.y), cells.cell_id)
    assert ids == cells.cell_id.tolist()
    np.testing.assert_allclose(probabilities, direct.probabilities, atol=1e-4)


def test_crops_can_be_sent_and_explained(shared_engine: Engine, bundle: Path) -> None:
    shared_engine.load(bundle).result()
    crops = np.random.default_rng(0).integers(0, 255, (40, 250, 250, 3)).astype(np.uint8)
    ids, probabilities = joined(shared_engine.classify_crops(crops))
    assert ids == list(range(1, 41))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-3)
    heatmap = shared_engine.explain_crop(crops[0], target="BLA", against="LYT").result()
    assert heatmap.values.shape == (250, 250)
    assert (heatmap.target, heatmap.against) == ("BLA", "LYT")


def test_a_heatmap_of_a_place_is_that_of_its_crop(
    shared_engine: Engine, bundle: Path, source: SlideSource
) -> None:
    from napari_bonemarrow.slides import cut_crops, open_slide

    shared_engine.load(bundle).result()
    crop = cut_crops(open_slide(source.path), [300.25], [200.75])[0]
    placed = shared_engine.explain(source, 300.25, 200.75, target="BLA").result()
    np.testing.assert_array_equal(
        placed.values, shared_engine.explain_crop(crop, target="BLA").result().values
    )


def test_a_broken_bundle_leaves_the_one_before_in_service(
    shared_engine: Engine, bundle: Path, source: SlideSource
) -> None:
    status = shared_engine.load(bundle).result()
    with pytest.raises(BoneMarrowError, match="no-such-bundle"):
        shared_engine.load("no-such-bundle").result()
    assert shared_engine.status == status
    heatmap = shared_engine.explain(source, 300, 200).result()
    assert heatmap.target in status.classes


def test_a_slide_that_cannot_be_read_is_one_line_and_leaves_the_rest(
    shared_engine: Engine, source: SlideSource, tmp_path: Path
) -> None:
    gone = SlideSource(tmp_path / "gone.png", MPP)
    bad, good = shared_engine.detect(gone), shared_engine.detect(source)
    with pytest.raises(BoneMarrowError, match=r"gone\.png") as caught:
        bad.result()
    assert "\n" not in str(caught.value)
    assert len(good.result()) >= 5


def test_a_slide_that_changed_on_disk_is_read_again(
    shared_engine: Engine, field: Path, tmp_path: Path
) -> None:
    from PIL import Image

    path = tmp_path / "changing.png"
    path.write_bytes(field.read_bytes())
    assert len(shared_engine.detect(SlideSource(path, MPP)).result())
    Image.new("RGB", (800, 600), (235, 230, 235)).save(path)
    assert len(shared_engine.detect(SlideSource(path, MPP)).result()) == 0


def test_a_defect_in_the_child_comes_back_as_an_engine_error(
    shared_engine: Engine, bundle: Path, source: SlideSource
) -> None:
    shared_engine.load(bundle).result()
    with pytest.raises(EngineError, match="TypeError") as caught:
        shared_engine.explain_crop(None).result()  # type: ignore[arg-type]
    assert "explain_crop" in caught.value.child_traceback  # type: ignore[attr-defined]


def test_no_cells_make_no_calls(shared_engine: Engine, source: SlideSource) -> None:
    assert shared_engine.classify(source, Cells.empty()) == []


def test_killing_the_child_costs_nothing_but_a_restart(bundle: Path, source: SlideSource) -> None:
    with Engine("cpu", threads=1) as engine:
        engine.load(bundle)
        cells = engine.detect(source).result()
        _, before = joined(engine.classify(source, cells))
        pid = engine.pid
        assert pid is not None
        many = Cells(*(np.tile(getattr(cells, name), 12) for name in Cells.__slots__))
        futures = engine.classify(source, many)
        futures[0].result()
        os.kill(pid, signal.SIGKILL)
        ids, after = joined(futures)
        assert engine.pid != pid
        assert ids == many.cell_id.tolist()
        np.testing.assert_allclose(after, np.tile(before, (12, 1)), atol=1e-4)


def test_a_child_killed_while_idle_is_replaced(bundle: Path, source: SlideSource) -> None:
    with Engine("cpu", threads=1) as engine:
        cells = engine.detect(source).result()
        pid = engine.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [])
        assert len(engine.detect(source).result()) == len(cells)


def test_what_kills_the_child_twice_fails_with_one_line_and_the_engine_goes_on(source: SlideSource) -> None:
    """A slide whose path unpickles into the child's end stands for one that crashes a library."""
    with Engine("cpu", threads=1) as engine:
        fatal = engine.detect(_Fatal())  # type: ignore[arg-type]
        healthy = engine.detect(source)
        with pytest.raises(EngineError, match=r"ended twice \(exit code 7\)"):
            fatal.result()
        assert len(healthy.result()) >= 5


class _Fatal:
    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (7,)


def test_dropping_cancels_what_waits_and_what_runs(
    shared_engine: Engine, bundle: Path, source: SlideSource
) -> None:
    loading = shared_engine.load(bundle)
    cells = shared_engine.detect(source).result()
    loading.result()
    many = Cells(*(np.tile(getattr(cells, name), 200) for name in Cells.__slots__))
    futures = shared_engine.classify(source, many)
    explaining = shared_engine.explain(source, 300, 200)
    shared_engine.drop_stale("classify")
    wait(futures)
    assert futures[-1].cancelled()
    assert explaining.result().values.shape == (250, 250)


def test_closing_cancels_and_leaves_no_child(source: SlideSource) -> None:
    engine = Engine("cpu", threads=1)
    engine.detect(source).result()
    child = psutil.Process(engine.pid)
    waiting = [engine.detect(source) for _ in range(5)]
    engine.close()
    assert engine.pid is None
    gone, alive = psutil.wait_procs([child], timeout=20)
    assert gone
    assert not alive
    for future in waiting:
        with contextlib.suppress(CancelledError):
            assert len(future.result()) >= 5  # it was through before the engine closed
    with pytest.raises(EngineError, match="closed"):
        engine.detect(source)
    engine.close()


@pytest.mark.slow
def test_a_parent_killed_outright_leaves_no_child_and_the_child_never_was_the_program(
    field: Path, bundle: Path
) -> None:
    """The parent has no ``__main__`` guard, and prints a line each time it is run."""
    parent = _run_parent(field, bundle)
    children = psutil.Process(parent.pid).children(recursive=True)
    assert children
    parent.kill()
    rest, errors = parent.communicate()
    _gone, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    assert "started" not in rest
    assert "Traceback" not in errors


def _run_parent(field: Path, bundle: Path) -> subprocess.Popen[str]:
    script = field.with_name("parent.py")
    script.write_text(
        textwrap.dedent(f"""
        print("started", flush=True)
        from pathlib import Path
        from napari_bonemarrow.engine import Engine, SlideSource
        engine = Engine("cpu", threads=1)
        engine.load({str(bundle)!r})
        source = SlideSource(Path({str(field)!r}), {MPP})
        cells = engine.detect(source).result()
        import numpy as np
        from napari_bonemarrow.cytology import Cells
        many = Cells(*(np.tile(getattr(cells, name), 5000) for name in Cells.__slots__))
        futures = engine.classify(source, many)
        futures[0].result()
        print("classifying", flush=True)
        futures[-1].result()
        """)
    )
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "started\n"
    assert parent.stdout.readline() == "classifying\n"
    return parent


def test_importing_the_engine_loads_neither_torch_nor_qt() -> None:
    code = (
        "import sys, napari_bonemarrow.engine, napari_bonemarrow.workflow\n"
        "heavy = {'torch', 'torchvision', 'qtpy', 'napari', 'skimage', 'pandas', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_it_refuses_a_device_that_is_not_there(bundle: Path) -> None:
    with Engine("cuda:7", threads=1) as engine, pytest.raises(BoneMarrowError, match="cuda:7"):
        engine.load(bundle).result()


def test_another_bundle_replaces_the_one_before(
    shared_engine: Engine, bundle: Path, other_bundle: Path
) -> None:
    assert shared_engine.load(other_bundle).result().model.name == "random-1"
    assert shared_engine.load(bundle).result().model.name == "random-0"
