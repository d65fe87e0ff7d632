from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor, nn

from napari_bonemarrow.models.networks.architectures import build
from napari_bonemarrow.models.networks.fused_normalisation import fuse


def lively(network: nn.Module) -> nn.Module:
    """Norms that have seen something: those of a fresh network change next to nothing."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
    return network.eval().requires_grad_(False)


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize(
    "name",
    [
        "efficientnet_lite0",
        "mobilenet_v3_small",
        "resnet18",
        "timm:regnety_002",
        "timm:tf_mobilenetv3_small_100",
    ],
)
def test_no_norm_is_left_and_the_numbers_stay(name: str) -> None:
    torch.manual_seed(0)
    timms = name.removeprefix("timm:")
    network = lively(timm.create_model(timms, num_classes=3) if timms != name else build(name, 3))
    images = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        before = network(images)
        assert fuse(network, 64) is network
        after = network(images)
    assert norms(network) == 0
    torch.testing.assert_close(after, before, rtol=1e-4, atol=float(before.abs().max()) * 1e-5)


class Odd(nn.Module):
    """A norm on a convolution's answer, one on a sum with it, one before it, and one of a pair used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(3)
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv3, self.bn3 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, images: Tensor) -> Tensor:
        x = self.bn1(self.conv1(self.bn0(images))).relu()
        x = self.bn2(self.conv2(x) + x)
        return self.bn3(self.conv3(self.bn3(self.conv3(x)))).mean(dim=(2, 3))


def test_only_a_norm_that_directly_follows_is_folded() -> None:
    torch.manual_seed(0)
    network = lively(Odd())
    images = torch.randn(2, 3, 16, 16)
    before = network(images)
    fuse(network, 16)
    assert isinstance(network.bn1, nn.Identity)
    assert norms(network) == 3
    torch.testing.assert_close(network(images), before)


class Sly(nn.Module):
    """Uses the convolution's answer beside the norm, which no hook on modules can see."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images: Tensor) -> Tensor:
        x = self.conv1(images)
        return (self.bn1(x) + 2 * x).mean(dim=(2, 3))


def test_a_fold_that_would_change_the_answer_is_undone() -> None:
    torch.manual_seed(0)
    network = lively(Sly())
    images = torch.randn(2, 3, 16, 16)
    before = network(images)
    fuse(network, 16)
    assert norms(network) == 1
    torch.testing.assert_close(network(images), before)
