from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.models import Bundle, BundleError
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.weights import onnx_export
from napari_bonemarrow.models.weights.onnx_export import INPUT, OUTPUT, export_onnx


@pytest.mark.slow  # torch traces the network for half a minute
def test_the_file_answers_as_the_bundle(
    make_bundle: Callable[..., Bundle], crops: np.ndarray, tmp_path: Path
) -> None:
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name)
    runtime = pytest.importorskip("onnxruntime")
    bundle = make_bundle(tmp_path / "b", "mobilenet_v3_small", test_time_views=2)
    classifier = Classifier(bundle, "cpu")
    expected = classifier.classify(crops).probabilities
    path = export_onnx(bundle, tmp_path / "out" / "net.onnx")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [each.shape[1:] for each in session.get_inputs()] == [[3, 64, 64]]
    reduced = classifier._input.reduced(crops).float().contiguous().numpy()
    for n in (1, len(crops)):  # any number of crops
        (told,) = session.run([OUTPUT], {INPUT: reduced[:n]})
        np.testing.assert_allclose(told, expected[:n], atol=1e-3)
    card = json.loads(session.get_modelmeta().custom_metadata_map["card"])
    assert card["classes"] == list(bundle.card.classes)
    assert sorted(p.name for p in path.parent.iterdir()) == ["net.onnx"]


def test_a_missing_package_is_named(tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "find_spec", lambda _name: None)
    with pytest.raises(BundleError, match=r"needs onnx; run: pip install 'napari-bonemarrow\[onnx\]'"):
        export_onnx(bundle, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()
