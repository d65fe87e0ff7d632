"""Card of a bundle: its network, training data, figures and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.models.bundles.catalogue import canonical

Channels = tuple[float, float, float]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Normalisation(_Part):
    """Mean and standard deviation by channel (red, green, blue) of pixels scaled to 0–1."""

    mean: Channels
    std: Channels

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if min(self.std) <= 0:
            raise ValueError("normalisation.std must be above 0")
        return self


class TrainingSource(_Part):
    """One training data set: its images by class, and those drawn in an epoch."""

    name: str
    images: int = Field(ge=0)
    attribution: str
    licence: str
    per_class: Mapping[str, int] = Field(default_factory=dict)
    drawn: Mapping[str, int] = Field(default_factory=dict)


class ClassMetrics(_Part):
    """Figures of one class, with the number of its held-out images."""

    n: int = Field(ge=0)
    precision: Share
    recall: Share
    f1: Share


class Metrics(_Part):
    """Figures on held-out images, with their protocol."""

    source: str
    protocol: str
    n: int = Field(ge=0)
    classes: tuple[str, ...]
    accuracy: Share
    balanced_accuracy: Share
    balanced_accuracy_ci95: tuple[float, float] | None = None
    macro_f1: Share
    ece: Share
    accuracy_ci95: tuple[float, float] | None = None
    macro_f1_ci95: tuple[float, float] | None = None
    ece_ci95: tuple[float, float] | None = None
    per_class: Mapping[str, ClassMetrics] = Field(default_factory=dict)


class DomainStatistics(_Part):
    """Summary of a bundle's statistics for recognising smears unlike its training data.

    Attributes
    ----------
    sha256 : str
        Digest of the file of statistics.
    axes, groups : int
        Numbers of principal axes, and of groups of one class and data set with a centre.
    taught, held_out : mapping of str to int
        Training crops for centres and spreads, and held-out crops for ranking distances, by data set. Test
        images are in neither.
    limit : float
        Share of held-out crops whose distances a strange cell exceeds.
    strange : mapping of str to float
        Share of each data set's held-out crops that are strange: the most spread one sets the scale.
    """

    sha256: str
    axes: int = Field(ge=1)
    groups: int = Field(ge=1)
    taught: Mapping[str, int]
    held_out: Mapping[str, int]
    limit: Share
    strange: Mapping[str, Share]


class Lineage(_Part):
    """The origin of a fine-tuned bundle, without names of slides, patients or reviewers.

    Attributes
    ----------
    parent, parent_sha256 : str
        The bundle that the fit started from.
    cases : tuple of str
        Hash of each case's journal.
    labels : mapping of str to int
        Reviewed cells, trained on or held out, by class.
    reviewers : int
        Number of reviewers.
    before : tuple of Metrics
        The parent's figures on the held-out images of `Card.metrics`.
    """

    parent: str
    parent_sha256: str
    cases: tuple[str, ...]
    labels: Mapping[str, int]
    reviewers: int = Field(ge=0)
    before: tuple[Metrics, ...] = ()


class Card(_Part):
    """Everything about a bundle except its weights.

    Attributes
    ----------
    architecture : str
        A name in `ARCHITECTURES` or ``timm:NAME``; an alias is replaced by its name.
    head : str, optional
        Key of the last layer's weight for ``timm:NAME``.
    classes : tuple of str
        Codes in the order of the network's outputs.
    crop_size : int
        Side of the classifier's square crop, px.
    network_size : int
        Side of the network's input, to which the crop is reduced, px.
    microns_per_pixel : float
        Scale of the crop, µm/px.
    temperature : float
        Logits are divided by it before the softmax.
    support : mapping of str to Support
        How well each class was learnt.
    test_time_views : {1, 2, 4}
        Mirrored copies of a crop whose logits are averaged.
    abstain_below : float, optional
        Confidence below which the model should abstain; `metrics` has the effect.
    split_sha256 : str, optional
        Digest of the training split: the calibration and test images.
    confusion : mapping of str to mapping of str to int, optional
        Held-out marrow crops by true and predicted class, by which a count without review is adjusted. Empty
        classes are left out.
    domain : DomainStatistics, optional
        Statistics for the domain check, which a bundle without them skips.
    lineage : Lineage, optional
        Origin of a fine-tuned bundle.
    """

    schema_version: Literal[1] = 1
    name: str = Field(min_length=1)
    version: str = "1"
    architecture: str
    head: str | None = None
    classes: tuple[str, ...] = Field(min_length=2)
    crop_size: int = Field(ge=16, le=2048)
    network_size: int = Field(ge=16, le=2048)
    microns_per_pixel: float = Field(gt=0.0, le=10.0)
    normalisation: Normalisation
    temperature: float = Field(gt=0.0, le=100.0)
    support: Mapping[str, Support]
    test_time_views: Literal[1, 2, 4] = 1
    abstain_below: Share | None = None
    split_sha256: str | None = None
    confusion: Mapping[str, Mapping[str, Annotated[int, Field(ge=0)]]] | None = None
    domain: DomainStatistics | None = None
    training_data: tuple[TrainingSource, ...] = ()
    metrics: tuple[Metrics, ...] = ()
    commit: str | None = None
    initialised_from: str | None = None
    lineage: Lineage | None = None
    intended_use: str = "Proposing classes of single nucleated cells of bone-marrow smears to a reviewer."
    limits: tuple[str, ...] = ()
    notice: str = f"{RESEARCH_USE}."

    @field_validator("architecture")
    @classmethod
    def _canonical(cls, name: str) -> str:
        return canonical(name)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unknown = sorted(set(self.classes) - set(BMC21))
        if unknown:
            raise ValueError(f"classes: unknown code {', '.join(unknown)}")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: a code occurs twice")
        if set(self.support) != set(self.classes):
            raise ValueError("support: needs exactly one entry a class")
        named = {code for true, row in (self.confusion or {}).items() for code in (true, *row)}
        if named - set(self.classes):
            raise ValueError(
                f"confusion: {', '.join(sorted(named - set(self.classes)))} is not among classes"
            )
        return self
