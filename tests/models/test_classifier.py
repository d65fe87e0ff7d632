from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_bonemarrow.models import Bundle, BundleError
from napari_bonemarrow.models.bundles.catalogue import ARCHITECTURES
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.device import gains_from_bfloat16, resolve_device
from napari_bonemarrow.models.networks.architectures import head_of
from napari_bonemarrow.models.preprocess import Normaliser, reduce_crops
from napari_bonemarrow.models.weights.bundle_weights import load_network


def plainly(bundle: Bundle, crops: np.ndarray) -> np.ndarray:
    """Float32, one crop at a time, nothing folded."""
    network = load_network(bundle)
    normalise = Normaliser(bundle.card.normalisation, torch.device("cpu"))
    rows = []
    with torch.inference_mode():
        for crop in crops:
            images = reduce_crops(torch.from_numpy(crop[None]), bundle.card.network_size)
            logits = network(normalise(images).contiguous())
            rows.append(torch.softmax(logits / bundle.card.temperature, 1)[0].numpy())
    return np.stack(rows)


@pytest.mark.parametrize("architecture", ["mobilenet_v3_small", "resnet18"])
def test_equals_a_plain_float32_loop(
    make_bundle: Callable[..., Bundle], crops: np.ndarray, tmp_path: Path, architecture: str
) -> None:
    bundle = make_bundle(tmp_path / "b", architecture)
    classifier = Classifier(bundle, "cpu")
    classifier.batch_size = 3
    crops = crops[:5]
    predictions = classifier.classify(crops, np.arange(20, 25))
    assert predictions.cell_id.tolist() == list(range(20, 25))
    assert predictions.classes == bundle.card.classes
    assert predictions.model == bundle.reference
    np.testing.assert_allclose(predictions.probabilities, plainly(bundle, crops), atol=1e-4)
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, atol=1e-5)
    spread = np.ptp(predictions.probabilities, axis=0).max()
    assert spread > 1e-3, "the crops are told apart, so the comparison means something"


@pytest.mark.parametrize("views", [2, 4])
def test_mirrored_crops_answer_alike_when_views_are_averaged(
    make_bundle: Callable[..., Bundle], crops: np.ndarray, tmp_path: Path, views: int
) -> None:
    bundle = make_bundle(tmp_path / "b", test_time_views=views)
    classifier, single = Classifier(bundle, "cpu"), Classifier(bundle, "cpu", views=1)
    assert classifier.views == views
    averaged, mirrored = classifier.logits(crops), classifier.logits(crops[:, :, ::-1].copy())
    np.testing.assert_allclose(averaged, mirrored, atol=2e-2)
    parts = [crops, crops[:, :, ::-1], crops[:, ::-1], crops[:, ::-1, ::-1]][:views]
    mean = np.mean([single.logits(part.copy()) for part in parts], axis=0)
    np.testing.assert_allclose(averaged, mean, atol=2e-2)
    assert np.abs(averaged - single.logits(crops)).max() > 0.1, "mirroring changes a single view"


def test_every_architecture_has_its_head_and_cam_layer() -> None:
    from napari_bonemarrow.models.bundles.catalogue import CAM_STRIDE
    from napari_bonemarrow.models.explanation.cam import answer_of, cam_layer_of
    from napari_bonemarrow.models.networks.architectures import build, head_of

    for name, architecture in ARCHITECTURES.items():
        with torch.device("meta" if architecture.backbone else "cpu"):  # a giant's weights take 4.5 GB
            network = build(name, 3).eval()
        assert head_of(network, name).weight.shape[0] == 3
        assert {architecture.head, architecture.stem} <= set(network.state_dict())
        layer = cam_layer_of(network, name)
        if not architecture.backbone:
            with torch.inference_mode():
                maps = answer_of(network, layer, torch.zeros(1, 3, 96, 96))
            assert maps.shape[-2:] == (96 // CAM_STRIDE, 96 // CAM_STRIDE), name


def test_resizing_in_threads_changes_nothing(
    bundle: Bundle, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = Classifier(bundle, "cpu")
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=threads: n)
        prepared = classifier.prepare(crops)
        assert classifier._input.threaded == (threads > 1)
        expected = reduce_crops(torch.from_numpy(crops), bundle.card.network_size)
        mean = torch.tensor(bundle.card.normalisation.mean).view(1, 3, 1, 1)
        std = torch.tensor(bundle.card.normalisation.std).view(1, 3, 1, 1)
        torch.testing.assert_close(prepared, (expected / 255 - mean) / std, rtol=1e-4, atol=1e-4)
        assert prepared.is_contiguous(memory_format=torch.channels_last)


def test_temperature_softens(make_bundle: Callable[..., Bundle], crops: np.ndarray, tmp_path: Path) -> None:
    sharp = Classifier(make_bundle(tmp_path / "a", temperature=0.5), "cpu").classify(crops)
    soft = Classifier(make_bundle(tmp_path / "b", temperature=5.0), "cpu").classify(crops)
    assert (sharp.ranked() == soft.ranked()).all()
    assert (sharp.probabilities.max(axis=1) > soft.probabilities.max(axis=1)).all()


def test_no_crops(bundle: Bundle) -> None:
    nothing = Classifier(bundle, "cpu").classify(np.empty((0, 80, 80, 3), np.uint8))
    assert len(nothing) == 0
    assert nothing.probabilities.shape == (0, 3)


def test_out_of_memory_halves_the_batch(
    bundle: Bundle, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = Classifier(bundle, "cpu")
    expected = classifier.classify(crops).probabilities
    real, sizes = classifier.network.forward, []

    def scarce(images: torch.Tensor) -> torch.Tensor:
        sizes.append(len(images))
        if len(images) > 2:
            raise torch.OutOfMemoryError("no memory")
        return real(images)

    monkeypatch.setattr(classifier.network, "forward", scarce)
    np.testing.assert_allclose(classifier.classify(crops).probabilities, expected, atol=1e-5)
    assert sizes == [9, 4, 2, 2, 2, 2, 1]
    assert classifier.batch_size == 2


@pytest.mark.parametrize(
    "said",
    [
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_out_of_memory_for_one_crop(
    bundle: Bundle, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    classifier = Classifier(bundle, "cpu")

    def none_left(images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError(said)

    monkeypatch.setattr(classifier.network, "forward", none_left)
    with pytest.raises(BundleError, match="too little memory for one crop"):
        classifier.classify(crops)


def test_other_errors_are_not_taken_for_memory(
    bundle: Bundle, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = Classifier(bundle, "cpu")

    def broken(images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(classifier.network, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        classifier.classify(crops)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 64, 64, 3), np.uint8),
        np.zeros((2, 80, 80, 3), np.float32),
        np.zeros((2, 80, 80), np.uint8),
    ],
)
def test_wrong_crops(bundle: Bundle, wrong: np.ndarray) -> None:
    with pytest.raises(BundleError, match="takes uint8 crops of 80×80 RGB"):
        Classifier(bundle, "cpu").classify(wrong)


def test_devices() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for nonsense in ("gpu", "cuda:x", "cuda:", "cpu:0"):
        with pytest.raises(BundleError, match="choose auto, cpu, cuda or cuda:N"):
            resolve_device(nonsense)
    with pytest.raises(BundleError, match="CUDA"):
        resolve_device("cuda:99")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_asking_for_an_absent_gpu(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="offers PyTorch no CUDA GPU"):
        Classifier(bundle, "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_and_cpu_agree(bundle: Bundle, crops: np.ndarray) -> None:
    on_cpu = Classifier(bundle, "cpu").classify(crops).probabilities
    gpu = Classifier(bundle, "cuda")
    assert gpu.device == "cuda:0"
    np.testing.assert_allclose(gpu.classify(crops).probabilities, on_cpu, atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("method", ["gradcam", "smoothgrad"])
def test_gpu_and_cpu_explain_alike(bundle: Bundle, crops: np.ndarray, method: str) -> None:
    maps = [Classifier(bundle, name).explain(crops[0], method, "BLA").values for name in ("cpu", "cuda")]
    assert np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1] > 0.99


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_many_batches_on_a_gpu_keep_their_order(bundle: Bundle, crops: np.ndarray) -> None:
    gpu = Classifier(bundle, "cuda")
    gpu.batch_size = 16
    many = crops[np.arange(700) % len(crops)]
    predictions, features = gpu.classify_and_embed(many)
    once, seen = gpu.classify_and_embed(crops)
    again = np.arange(700) % len(crops)
    np.testing.assert_allclose(predictions.probabilities, once.probabilities[again], atol=1e-4)
    np.testing.assert_allclose(features, seen[again], atol=1e-3)


def as_on_a_gpu(bundle: Bundle, batch_size: int, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """A classifier that works in batches as on a GPU, with sums of the CPU."""
    classifier = Classifier(bundle, "cpu")
    reduced = classifier._input.reduced

    def filled(block: np.ndarray, rows: int = 0) -> torch.Tensor:
        few = reduced(block)
        return torch.cat([few, few.new_zeros(rows - len(few), *few.shape[1:])])

    monkeypatch.setattr(classifier._input, "reduced", filled)
    monkeypatch.setattr(classifier, "_device", torch.device("cuda"))
    classifier.batch_size = batch_size
    return classifier


@pytest.mark.parametrize("n", [1, 2, 7, 9])
def test_a_gpu_sees_two_sizes_of_batch(
    bundle: Bundle, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    expected, features = Classifier(bundle, "cpu").classify_and_embed(crops[:n])
    classifier = as_on_a_gpu(bundle, 16, monkeypatch)
    real, sizes = classifier.network.forward, set()

    def noted(images: torch.Tensor) -> torch.Tensor:
        sizes.add(len(images))
        return real(images)

    monkeypatch.setattr(classifier.network, "forward", noted)
    predictions, seen = classifier.classify_and_embed(crops[:n])
    assert sizes == ({2} if n <= 8 else {16})
    np.testing.assert_allclose(predictions.probabilities, expected.probabilities, atol=1e-4)
    np.testing.assert_allclose(seen, features, atol=1e-3)
    assert classifier.warm_up() > 0
    assert sizes == {2, 16}


def test_a_filled_batch_that_does_not_fit_is_halved(
    bundle: Bundle, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Classifier(bundle, "cpu").classify(crops).probabilities
    classifier = as_on_a_gpu(bundle, 16, monkeypatch)
    real = classifier.network.forward

    def scarce(images: torch.Tensor) -> torch.Tensor:
        if len(images) > 8:
            raise torch.OutOfMemoryError("no memory")
        return real(images)

    monkeypatch.setattr(classifier.network, "forward", scarce)
    np.testing.assert_allclose(classifier.classify(crops).probabilities, expected, atol=1e-4)
    assert classifier.batch_size == 8


def test_bfloat16_is_used_only_where_there_are_instructions() -> None:
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if not flags:
        pytest.skip("no /proc/cpuinfo to compare with")
    has_them = any(name in flags.split() for name in ("avx512_bf16", "amx_tile"))
    assert gains_from_bfloat16(torch.device("cpu")) == has_them


@pytest.mark.parametrize("architecture", ["mobilenet_v3_small", "convnext_tiny"])
def test_features_are_what_the_last_layer_sees(
    make_bundle: Callable[..., Bundle], crops: np.ndarray, tmp_path: Path, architecture: str
) -> None:
    bundle = make_bundle(tmp_path / "b", architecture)
    classifier = Classifier(bundle, "cpu", views=1)
    classifier.batch_size = 4
    features = classifier.features(crops)
    head = head_of(classifier.network, architecture)
    assert features.dtype == np.float32
    assert features.shape == (len(crops), head.in_features)
    logits = features @ head.weight.numpy().T + head.bias.numpy()
    np.testing.assert_allclose(logits, classifier.logits(crops), atol=1e-3)
    with pytest.raises(BundleError, match="takes uint8 crops"):
        classifier.features(crops[:, :-1])
