from __future__ import annotations

from pathlib import Path

import pytest
import torch

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.models import Bundle, BundleError, import_checkpoint
from napari_bonemarrow.models.bundles.bundle import user_models
from napari_bonemarrow.models.networks.architectures import build
from napari_bonemarrow.models.weights.bundle_weights import load_network

CLASSES = ("BLA", "LYT", "NGS")


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(5)
    return build("mobilenet_v3_small", 3).eval()


@pytest.mark.parametrize("wrap", [None, "state_dict", "model"])
def test_weights_come_through(network: torch.nn.Module, tmp_path: Path, wrap: str | None) -> None:
    weights = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({wrap: weights, "epoch": 3} if wrap else weights, tmp_path / "old.pt")
    bundle = import_checkpoint(
        tmp_path / "old.pt", architecture="mobilenet_v3_small", classes=CLASSES, trained=["BLA"]
    )
    assert Bundle.open("old").sha256 == bundle.sha256
    assert bundle.card.support == {
        "BLA": Support.TRAINED,
        "LYT": Support.NONE,
        "NGS": Support.NONE,
    }
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(load_network(bundle)(image), network(image))


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_code_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save({"state_dict": Trap(tmp_path / "sprung")}, tmp_path / "evil.pt")
    with pytest.raises(BundleError, match="carries code"):
        import_checkpoint(tmp_path / "evil.pt", architecture="resnet18")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "cannot be read"), (b"hello", "checkpoint|carries"), (None, "no such file")],
)
def test_files_that_are_none(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(BundleError, match=said):
        import_checkpoint(tmp_path / "x.pt", architecture="resnet18")


def test_another_network_or_number_of_classes(network: torch.nn.Module, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "x.pt")
    with pytest.raises(BundleError, match="no weights of a resnet18 with 3"):
        import_checkpoint(tmp_path / "x.pt", architecture="resnet18", classes=CLASSES)
    with pytest.raises(BundleError, match="with 21 classes"):
        import_checkpoint(tmp_path / "x.pt", architecture="mobilenet_v3_small")
    with pytest.raises(BundleError, match="unknown architecture 'vgg'"):
        import_checkpoint(tmp_path / "x.pt", architecture="vgg", classes=CLASSES)
    with pytest.raises(BundleError, match="PLM: said to be trained"):
        import_checkpoint(
            tmp_path / "x.pt", architecture="mobilenet_v3_small", classes=CLASSES, trained=["PLM"]
        )
    with pytest.raises(BundleError, match="unknown code QQQ"):
        import_checkpoint(tmp_path / "x.pt", architecture="mobilenet_v3_small", classes=("BLA", "LYT", "QQQ"))


def test_a_tensor_alone_is_no_network(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / "x.pt")
    with pytest.raises(BundleError, match="no dictionary of weights"):
        import_checkpoint(tmp_path / "x.pt", architecture="resnet18")


@pytest.mark.parametrize(
    "name", [".", "..", "", "a/b", "../up", ".hidden", "starter", "a\nb", "x" * 65, "a "]
)
def test_a_name_that_is_no_folders_is_refused(tmp_path: Path, name: str) -> None:
    torch.save(build("resnet18", 21).state_dict(), tmp_path / "w.pt")
    with pytest.raises(BundleError, match="cannot be a model's name") as caught:
        import_checkpoint(tmp_path / "w.pt", architecture="resnet18", name=name)
    assert "\n" not in str(caught.value)
    assert not user_models().exists()
