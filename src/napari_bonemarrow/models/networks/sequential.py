"""A plain convolutional network, one layer after another."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

WIDTHS = (32, 64, 128, 256, 256)


class Sequential(nn.Module):
    """Five times convolution, ReLU and max-pooling; then the mean over the image and one linear layer.

    Known of its model: Matek et al. (Blood 2021;138:1917-27) compare their ResNeXt-50 with a plain
    *sequential* network without shortcuts, on the same crops of 250 px. Its number of layers and its
    widths are not known to us.

    Our choice: 3×3 convolutions with 32, 64, 128, 256 and 256 channels, each halving the image; the
    mean over the image rather than a wide dense layer, so that any size fits; 25 % dropout; He's start
    (He et al., arXiv:1502.01852). There is no normalisation between the layers, so that a batch's
    images do not depend on one another; but for dropout's chance, a fit over several processes is then
    that of a single one.

    Parameters
    ----------
    classes : int
        Number of outputs.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for narrow, wide in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(narrow, wide, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.25)
        self.head = nn.Linear(WIDTHS[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(cast(Tensor, module.bias))

    def forward(self, images: Tensor) -> Tensor:
        """Take (n, 3, s, s) with s of at least 32, return logits (n, classes)."""
        pooled = self.pool(self.features(images)).flatten(1)
        return cast(Tensor, self.head(self.drop(pooled)))
