from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.models import STARTER, Bundle, BundleError, list_bundles
from napari_bonemarrow.models.bundles.bundle import CARD, WEIGHTS, read_header, user_models
from napari_bonemarrow.models.bundles.catalogue import ARCHITECTURES
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.networks.architectures import build, check_size
from napari_bonemarrow.models.weights.bundle_weights import load_network, load_weights
from napari_bonemarrow.models.weights.bundle_writer import write_bundle
from tests.models.conftest import card


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.path, tmp_path / "copy"))


def edit_card(folder: Path, **changes: object) -> None:
    document = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**document, **changes}))


def refusal(folder: Path | str) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.open(folder)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_opens_by_folder_and_by_name(bundle: Bundle) -> None:
    shutil.copytree(bundle.path, user_models() / "mine")
    by_name = Bundle.open("mine")
    assert by_name.card == bundle.card
    assert by_name.sha256 == bundle.sha256 == by_name.reference.sha256
    assert "mine" in list_bundles()


def test_digest_follows_weights_and_card(copy: Path) -> None:
    before = Bundle.open(copy).sha256
    edit_card(copy, temperature=1.25)
    after_card = Bundle.open(copy).sha256
    weights = load_file(copy / WEIGHTS)
    weights["classifier.3.bias"] += 1
    save_file(weights, copy / WEIGHTS)
    assert len({before, after_card, Bundle.open(copy).sha256}) == 3


def test_starter_is_small_and_tells_its_support() -> None:
    starter = Bundle.open(STARTER)
    assert list_bundles()[0] == STARTER
    assert starter.card.classes == BMC21
    assert sum(f.stat().st_size for f in starter.path.iterdir()) <= 12_000_000
    assert starter.card.support["BLA"] is Support.TRAINED
    assert starter.card.support["EBO"] is Support.TRANSFERRED
    assert starter.card.support["PLM"] is Support.NONE
    assert all(source.licence == "CC BY 4.0" for source in starter.card.training_data)
    assert "Research use only" in starter.card.notice
    load_network(starter)


def test_names_come_before_folders_that_lie_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / STARTER).mkdir()
    monkeypatch.chdir(tmp_path)
    assert Bundle.open(STARTER).card.name == STARTER


def test_a_file_is_no_bundle(copy: Path) -> None:
    assert "is a file" in refusal(copy / WEIGHTS)


@pytest.mark.parametrize("name", [WEIGHTS, CARD])
def test_missing_file(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert f"no {name}" in refusal(copy)


def test_unknown_name() -> None:
    assert "no model 'nonesuch'" in refusal("nonesuch")


def test_wrong_class_count(copy: Path) -> None:
    edit_card(copy, classes=["BLA", "LYT"], support={"BLA": "trained", "LYT": "none"})
    assert "3 classes, the card 2" in refusal(copy)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": ["BLA", "LYT", "XYZ"]}, "unknown code XYZ"),
        ({"classes": ["BLA", "LYT", "LYT"]}, "occurs twice"),
        ({"support": {"BLA": "trained"}}, "one entry a class"),
        ({"temperature": 0}, "temperature"),
        ({"architecture": "perceptron"}, "unknown architecture 'perceptron'"),
        ({"architecture": "resnet18"}, "no weights of resnet18"),
        ({"normalisation": {"mean": [0, 0, 0], "std": [1, 0, 1]}}, "std must be above 0"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_card_that_makes_no_sense(copy: Path, changes: dict[str, object], said: str) -> None:
    edit_card(copy, **changes)
    assert said in refusal(copy)


def test_card_that_is_no_json(copy: Path) -> None:
    (copy / CARD).write_text("{")
    assert "card.json" in refusal(copy)


def test_pickle_in_place_of_safetensors(copy: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (copy / "sprung",)

    for dump in (
        lambda: (copy / WEIGHTS).write_bytes(pickle.dumps(Trap())),
        lambda: torch.save({"a": torch.zeros(2)}, copy / WEIGHTS),
    ):
        dump()
        assert "pickle" in refusal(copy)
    assert not (copy / "sprung").exists()


@given(st.integers(0, 255))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(0x80)  # a pickle's first byte
@example(0x50)  # "P", as of a zip archive
def test_a_header_may_have_any_length(tmp_path: Path, low: int) -> None:
    # The length's first byte is its lowest: in one file of 32 it is that of a pickle, always so with
    # dinobloom_b in float16 and 21 classes.
    file = tmp_path / "any.safetensors"
    save_file({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(4, np.float16)}, file)
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    padded = length + (low - length) % 256
    header = data[8 : 8 + length].ljust(padded)  # spaces after the JSON, as the specification has it
    file.write_bytes(padded.to_bytes(8, "little") + header + data[8 + length :])
    assert file.read_bytes()[0] == low
    assert {name: array.shape for name, array in load_file(file).items()} == {"a": (2, 3), "b": (4,)}
    assert read_header(file) == {"a": ("F32", (2, 3)), "b": ("F16", (4,))}


@pytest.mark.parametrize(
    "entries",
    [
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}},
        {
            "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
        },
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": ["0", None]}},
        [1, 2],
    ],
)
def test_a_header_that_breaks_the_rules_is_refused(tmp_path: Path, entries: object) -> None:
    file = tmp_path / "odd.safetensors"
    header = json.dumps(entries).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(12))
    with pytest.raises(BundleError, match=r"safetensors|overlap|short"):
        read_header(file)


@pytest.mark.parametrize("keep", [0, 5, 200, -100])
def test_cut_short(copy: Path, keep: int) -> None:
    whole = (copy / WEIGHTS).read_bytes()
    (copy / WEIGHTS).write_bytes(whole[:keep])
    assert "cut short" in refusal(copy)


def test_text_in_place_of_weights(copy: Path) -> None:
    (copy / WEIGHTS).write_bytes((4).to_bytes(8, "little") + b"what")
    assert "no safetensors file" in refusal(copy)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(copy: Path, value: float) -> None:
    weights = load_file(copy / WEIGHTS)
    weights["features.1.block.0.0.weight"][0, 0, 0, 0] = value
    save_file(weights, copy / WEIGHTS)
    with pytest.raises(BundleError, match=r"features\.1\.block\.0\.0\.weight holds NaN or infinity"):
        load_weights(Bundle.open(copy))


def test_weights_of_another_width(copy: Path) -> None:
    weights = load_file(copy / WEIGHTS)
    weights["features.1.block.0.0.weight"] = np.zeros((3, 1, 3, 3), np.float32)
    save_file(weights, copy / WEIGHTS)
    with pytest.raises(BundleError, match="not weights of a mobilenet_v3_small"):
        load_network(Bundle.open(copy))


def test_bundles_are_read_without_torch(bundle: Bundle) -> None:
    code = (
        "import sys; from napari_bonemarrow.models import Bundle, Card, Heatmap, list_bundles;"
        f"Bundle.open({str(bundle.path)!r}); list_bundles();"
        "heavy = {'torch', 'torchvision', 'captum', 'pandas', 'qtpy'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_alias_is_stored_as_what_it_stands_for() -> None:
    assert card("resnext50").architecture == "resnext50_32x4d"


def test_a_network_of_timms(make_bundle: Callable[..., Bundle], crops: np.ndarray, tmp_path: Path) -> None:
    """The card says which layer is the last, so that the bundle is checked without torch."""
    bundle = make_bundle(tmp_path / "b", "timm:regnetx_002")
    assert bundle.card.head == "head.fc.weight"
    classifier = Classifier(bundle, "cpu")
    assert classifier.classify(crops).probabilities.shape == (9, 3)
    assert classifier.explain(crops[0]).values.shape == (80, 80)
    edit_card(bundle.path, classes=["BLA", "LYT"], support={"BLA": "trained", "LYT": "trained"})
    assert "the weights have 3 classes, the card 2" in refusal(bundle.path)
    edit_card(bundle.path, head="stem.conv.weights")
    assert "holds no weights of timm:regnetx_002" in refusal(bundle.path)
    edit_card(bundle.path, head=None)
    assert "head: the card must name timm:regnetx_002's last layer" in refusal(bundle.path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("timm:nothing_of_this_name", "timm has no network 'nothing_of_this_name'"),
        ("timm:resnet18.nobodys_weights", "timm:resnet18.nobodys_weights: timm cannot build it"),
        ("timm:hf-hub:someone/model", "unknown architecture 'timm:hf-hub:someone/model'"),
        ("timm:../x", "unknown architecture"),
        ("timm:", "unknown architecture"),
    ],
)
def test_networks_that_timm_has_not(name: str, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        build(name, 3)


def test_sizes_that_a_network_takes() -> None:
    check_size(build("sequential", 3), "sequential", 33)
    with torch.device("meta"):
        backbone = build("dinov2_s", 3)
    check_size(backbone, "dinov2_s", 112)
    with pytest.raises(BundleError, match="multiple of 14 px, not 250; 224 is what it was taught at"):
        check_size(backbone, "dinov2_s", 250)
    mixer = build("timm:mixer_s32_224", 3).train()
    check_size(mixer, "timm:mixer_s32_224", 224)
    with pytest.raises(BundleError, match="timm:mixer_s32_224: takes no images of 64 px"):
        check_size(mixer, "timm:mixer_s32_224", 64)
    assert mixer.training


def test_a_backbones_card_names_a_size_it_takes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = build("dinobloom_s", 3).state_dict()
    with pytest.raises(BundleError, match="network_size: dinobloom_s takes multiples of 14 px, not 64"):
        write_bundle(tmp_path / "b", state, card("dinobloom_s"))
    bundle = write_bundle(tmp_path / "b", state, card("dinobloom_s", network_size=70), half=True)
    assert bundle.weights.stat().st_size < 45e6
    crops = np.random.default_rng(0).integers(0, 256, (2, 80, 80, 3), np.uint8)
    map_ = Classifier(bundle, "cpu").explain(crops[0], "gradcam", "BLA")
    assert map_.values.shape == (80, 80)


def test_half_weights_of_a_taught_network(crops: np.ndarray, tmp_path: Path) -> None:
    whole = Bundle.open(STARTER)
    weights = load_weights(whole)
    plain = write_bundle(tmp_path / "plain", weights, whole.card)
    half = write_bundle(tmp_path / "half", weights, whole.card, half=True)
    stored = load_file(half.weights)
    assert {t.dtype for name, t in stored.items() if name.endswith("running_var")} == {np.dtype(np.float32)}
    assert stored[ARCHITECTURES[whole.card.architecture].stem].dtype == np.float16
    assert half.weights.stat().st_size < 0.6 * plain.weights.stat().st_size
    size = whole.card.crop_size
    large = crops.repeat(4, axis=1).repeat(4, axis=2)[:, :size, :size]
    told = []
    for each in (plain, half):
        classifier = Classifier(each, "cpu")
        told.append(classifier.classify(np.ascontiguousarray(large)).probabilities)
    np.testing.assert_allclose(told[0], told[1], atol=1e-2)
    assert np.ptp(told[0], axis=0).max() > 0.1, "the crops are told apart"


def test_a_number_too_large_for_float16_stays(tmp_path: Path, bundle: Bundle) -> None:
    weights = load_weights(bundle)
    weights["classifier.3.weight"][0, 0] = 1e6
    large = write_bundle(tmp_path / "b", weights, bundle.card, half=True)
    assert load_weights(large)["classifier.3.weight"][0, 0] == 1e6
