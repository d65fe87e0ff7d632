"""A counting profile: counting rules with their source, the cells to count, and reference ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from napari_bonemarrow.cytology.classes import CLASSES
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.defaults import MOST_CELLS, TARGET, TARGET_STEPS
from napari_bonemarrow.cytology.profiles.references import PERCENT, RATIO, ReferenceRange

GROUPS = ("blasts", "eosinophils", "erythroid")
"""Totals of a differential."""
M_TO_E = "m_to_e"

_LINE = r"\A[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*\z"
Line = Annotated[str, StringConstraints(pattern=_LINE, max_length=100, strict=True)]
"""A name: one line, not empty."""
Text = Annotated[str, StringConstraints(max_length=1000, strict=True)]
Limit = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Cells = Annotated[int, Field(ge=1, le=MOST_CELLS, strict=True)]


class ReferenceSet(BaseModel):
    """The reference ranges of one source.

    Attributes
    ----------
    source : str
        Who states them, and of whom; printed with each range.
    ranges : mapping of str to tuple of float
        Low and high by class code, group (``blasts``, ``eosinophils``, ``erythroid``) or ``m_to_e``. Per
        cent of counted cells, but M:E to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Line
    ranges: Mapping[str, tuple[Limit, Limit]]

    @field_validator("ranges")
    @classmethod
    def _make_sense(cls, ranges: Mapping[str, tuple[float, float]]) -> Mapping[str, tuple[float, float]]:
        for code, (low, high) in ranges.items():
            if code not in CLASSES and code not in (*GROUPS, M_TO_E):
                raise ValueError(
                    f"{code}: is neither a class code, nor a group ({', '.join(GROUPS)}), nor {M_TO_E}"
                )
            if low > high:
                raise ValueError(f"{code}: {low:g} is more than {high:g}: give the lower limit first")
            if code != M_TO_E and high > 100:
                raise ValueError(f"{code}: {high:g} is more than 100 %")
        return ranges


class CountingProfile(BaseModel):
    """Counting rules with their source, the cells to count, and reference ranges.

    Attributes
    ----------
    name : str
        Its name, printed with every figure that follows from it.
    version : str
        Version or date.
    source : str
        Where the rules are from.
    target, minimum : int
        Cells to count, and the fewest where a precise percentage does not matter (ICSH 2008: 500, 300).
    rules : CountingRules
    reference_ranges : tuple of ReferenceSet
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line
    version: Annotated[str, StringConstraints(max_length=100, strict=True)] = ""
    source: Text = ""
    target: Cells = TARGET
    minimum: Cells = TARGET_STEPS[0]
    rules: CountingRules = CountingRules()
    reference_ranges: tuple[ReferenceSet, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _name_rules(cls, values: Any) -> Any:
        """Give the rules the profile's name."""
        if isinstance(values, dict) and isinstance(values.get("name"), str):
            rules = values.get("rules", {})
            if isinstance(rules, dict):
                return {**values, "rules": {**rules, "name": values["name"]}}
        return values

    @model_validator(mode="after")
    def _cells_make_sense(self) -> Self:
        if self.minimum > self.target:
            raise ValueError(
                f"minimum and target: a minimum of {self.minimum} is more than the target of {self.target}"
            )
        return self

    @property
    def title(self) -> str:
        """Return name and version."""
        return f"{self.name}, version {self.version}" if self.version else self.name

    def references(self, code: str) -> tuple[ReferenceRange, ...]:
        """Return the reference ranges of a class, a group or M:E, one a source.

        Parameters
        ----------
        code : str
            Class code, ``blasts``, ``eosinophils``, ``erythroid`` or ``m_to_e``.
        """
        unit = RATIO if code == M_TO_E else PERCENT
        return tuple(
            ReferenceRange(*each.ranges[code], unit, each.source)
            for each in self.reference_ranges
            if code in each.ranges
        )

    def to_json(self) -> dict[str, Any]:
        """Return the profile as JSON values; `model_validate` reads them."""
        return self.model_dump(mode="json")
