"""Plain sequential convolutional network."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

WIDTHS = (32, 64, 128, 256, 256)


class Sequential(nn.Module):
    """A network of five times convolution, ReLU and max-pooling, then global mean and one linear layer.

    Matek et al. (Blood 2021;138:1917-27) compare their ResNeXt-50 with a plain *sequential* network without
    shortcuts, on the same crops of 250 px. We do not know its number of layers and widths.

    Our choice: 3×3 convolutions with 32, 64, 128, 256 and 256 channels, each halving the image; a
    global mean, not a wide dense layer, so that any size fits; 25 % dropout; He's initialisation (He et al.,
    arXiv:1502.01852). Without normalisation layers the images of a batch are independent, and a fit over
    several processes equals that of a single one, except for dropout.

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
        """Return logits (n, classes) of images (n, 3, s, s) with s of at least 32."""
        pooled = self.pool(self.features(images)).flatten(1)
        return cast(Tensor, self.head(self.drop(pooled)))
