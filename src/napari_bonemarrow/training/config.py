"""Configuration of a training run: a preset in JSON, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL, CROP_SIZE
from napari_bonemarrow.models.bundles.catalogue import canonical, choices, find_architecture

PRESETS = Path(__file__).parent / "presets"

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class TrainingError(BoneMarrowError):
    """A training or evaluation that cannot start or continue."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(_Part):
    """Some epochs at one input size: small first, where learning is cheap."""

    epochs: int = Field(ge=0)
    size: int = Field(ge=16, le=1024)


class AugmentConfig(_Part):
    """Strengths of the augmentation; 0 switches a step off.

    Attributes
    ----------
    shift : float
        Largest shift, share of the crop's side.
    scale : float
        Zoom between 1/(1+scale) and 1+scale.
    stain_gain, stain_mix, stain_bias : float
        Standard deviations in optical density: logarithm of each channel's gain, leakage between
        channels, and background.
    saturation, brightness : float
        Largest relative change.
    blur : float
        Largest Gaussian sigma at the network's size, px.
    noise : float
        Largest standard deviation of noise, of 255.
    shear : float
        Largest shear, share of the crop's side.
    jpeg : float
        Share of the images that are compressed again, at a quality drawn between 30 and 95.
    background : float
        Share of the images whose background gets another tint.
    """

    shift: Share = 0.08
    scale: Share = 0.15
    stain_gain: Share = 0.18
    stain_mix: Share = 0.06
    stain_bias: Share = 0.04
    saturation: Share = 0.4
    brightness: Share = 0.12
    blur: float = Field(default=1.0, ge=0.0, le=5.0)
    noise: float = Field(default=6.0, ge=0.0, le=64.0)
    shear: Share = 0.0
    jpeg: Share = 0.0
    background: Share = 0.0


class SourceText(_Part):
    """The text about a source on the card."""

    title: str
    attribution: str
    licence: str


class TrainConfig(_Part):
    """Configuration of one training run.

    Attributes
    ----------
    architecture : str
        A name in `ARCHITECTURES`, an alias, or ``timm:NAME``.
    init : str
        ``none`` for fresh weights, ``imagenet``, the name of published weights from ``models fetch``, a file
        of weights, or the name or folder of a bundle to start from.
    tune : {"all", "head", "lora"}
        What is fitted: every weight, only the last layer, or low-rank adapters and the last layer.
    lora_rank : int
        Rank of the adapters.
    stages : tuple of Stage
        In order; the last one's size is the input size of the finished network.
    folds, fold : int
        The images are split into `folds` stratified parts; part `fold` is the test set, never trained on.
    calibration_share : float
        Share of the rest held out for early stopping and the temperature.
    minimum_images : int
        A class with fewer images in a source is not learnt from it (default 100, the least for a class
        to count as trained).
    trusted_images : int
        A class learnt from fewer marrow images counts as ``few``, not as ``trained``: no percentage of it
        is printed before review.
    draws : mapping of str to int
        Images drawn per class and epoch, by source; `default_draws` for other sources.
    largest_repeat : float
        No image is drawn more often than this in an epoch, which caps small classes.
    foreign_weight : float
        Weight, in an image's softmax, of the classes that only other sources teach; classes of its own
        source weigh 1. At 0 a class known only from blood is neither suppressed in marrow nor kept out
        of it; at 1 the network learns to recognise the source and never predicts it in marrow.
    split : str
        A CSV file ``file,part`` next to the preset (or a path) with each image's part, ``calibration`` or
        ``test``; other images are trained on. Empty: `folds`, `fold` and `seed` decide.
    precision : {"auto", "float32", "bfloat16"}
        Precision of the network; ``auto`` is bfloat16 where the device is faster in it.
    accumulate : int
        Batches whose gradients are summed before a step.
    teachers : tuple of str
        Bundles whose averaged probabilities are learnt in addition to the labels.
    teacher_weight : float
        Share of the teachers in the loss.
    teacher_temperature : float
        Student and teacher logits are divided by it in that part of the loss (Hinton et al.,
        arXiv:1503.02531).
    test_time_views : {1, 2, 4}
        Mirrored copies in the average of a prediction: none, one, or both axes.
    coverage : float
        Share of the marrow calibration images above the confidence threshold below which the model
        abstains.
    backbone_rate : float
        Factor on the learning rate of all weights except the last layer's.
    half_weights : bool
        Whether the bundle stores its matrices in float16, which halves its file; vectors (biases, norms and
        their statistics) stay float32. Figures are measured with the rounded weights.
    scales : mapping of str to float
        µm per pixel of data sets by name, which override their own; their crops are resampled.
    patience : int
        Epochs of the last stage without gain on the calibration split before stopping; 0 is never.
    """

    name: str = "model"
    architecture: str = "mobilenet_v3_small"
    init: str = "none"
    tune: Literal["all", "head", "lora"] = "all"
    lora_rank: int = Field(default=16, ge=1)
    crop_size: int = Field(default=CROP_SIZE, ge=16, le=1024)
    microns_per_pixel: float = Field(default=CROP_MICRONS_PER_PIXEL, gt=0)
    stages: tuple[Stage, ...] = (Stage(epochs=20, size=112), Stage(epochs=8, size=160))
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    warmup_share: Share = 0.05
    label_smoothing: Share = 0.05
    ema_decay: Share = 0.998
    clip_norm: float = Field(default=5.0, gt=0)
    folds: int = Field(default=5, ge=2)
    fold: int = Field(default=0, ge=0)
    calibration_share: float = Field(default=0.1, gt=0, lt=1)
    minimum_images: int = Field(default=100, ge=1)
    trusted_images: int = Field(default=100, ge=1)
    draws: Mapping[str, int] = Field(default_factory=dict)
    default_draws: int = Field(default=500, ge=1)
    largest_repeat: float = Field(default=3.0, gt=0)
    foreign_weight: Share = 0.05
    split: str = ""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    accumulate: int = Field(default=1, ge=1)
    teachers: tuple[str, ...] = ()
    teacher_weight: Share = 0.5
    teacher_temperature: float = Field(default=2.0, gt=0)
    test_time_views: Literal[1, 2, 4] = 1
    coverage: float = Field(default=0.9, gt=0, le=1)
    backbone_rate: float = Field(default=1.0, gt=0, le=10)
    half_weights: bool = False
    patience: int = Field(default=0, ge=0)
    augment: AugmentConfig = AugmentConfig()
    sources: Mapping[str, SourceText] = Field(default_factory=dict)
    limits: tuple[str, ...] = ()
    seed: int = Field(default=0, ge=0)
    scales: Mapping[str, Annotated[float, Field(ge=0.01, le=5)]] = Field(default_factory=dict)

    @field_validator("architecture")
    @classmethod
    def _known(cls, name: str) -> str:
        if find_architecture(name) is None:
            raise ValueError(f"unknown architecture {name!r}: choose one of {choices()}")
        return canonical(name)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} does not exist in {self.folds} folds; count from 0")
        if not any(stage.epochs for stage in self.stages):
            raise ValueError("stages: no epochs")
        return self

    @property
    def epochs(self) -> int:
        """Return the number of epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def network_size(self) -> int:
        """Return the side of the network's final input, px."""
        return self.stages[-1].size

    def size_at(self, epoch: int) -> int:
        """Return the side of the input in an epoch (from 0), px."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage.size
            epoch -= stage.epochs
        return self.network_size

    def with_epochs(self, epochs: int) -> TrainConfig:
        """Return a copy with another number of epochs in the same shares, at least one in the last stage."""
        total, left, stages = self.epochs, epochs, []
        for stage in self.stages[:-1]:
            share = min(left - 1, round(stage.epochs * epochs / total))
            stages.append(Stage(epochs=max(share, 0), size=stage.size))
            left -= max(share, 0)
        stages.append(Stage(epochs=left, size=self.network_size))
        return self.changed(stages=tuple(stages))

    def changed(self, **changes: object) -> TrainConfig:
        """Return a copy with checked changes.

        Raises
        ------
        TrainingError
            If a value is out of range.
        """
        return _checked({**self.model_dump(), **changes}, "training options")


def load_preset(name_or_path: str | Path) -> TrainConfig:
    """Return a preset of the package, or one from a JSON file.

    Raises
    ------
    TrainingError
        If there is no such preset or a value is out of range.
    """
    path = Path(name_or_path)
    if not path.suffix:
        path = PRESETS / f"{name_or_path}.json"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PRESETS.glob("*.json")))
        raise TrainingError(f"no training preset {str(name_or_path)!r}: give a .json file or one of {known}")
    import json

    try:
        values = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise TrainingError(f"{path}: is not JSON; correct the preset") from error
    config = _checked(values, str(path))
    beside = path.parent / config.split
    if config.split and path.parent != PRESETS and beside.is_file():
        return config.changed(split=str(beside))
    return config


def _checked(values: object, where: str) -> TrainConfig:
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise TrainingError(f"{where}: {field + ': ' if field else ''}{said}") from error
