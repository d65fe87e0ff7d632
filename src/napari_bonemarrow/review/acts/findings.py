"""Findings of the smear in words: the report's fields that belong to the case."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.report_fields import IDENTITY, KEY, LONGEST
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State


class Findings:
    """The findings that the active reading states in words, such as site, cellularity and conclusion.

    A blind reading has its own; settling begins with those of both.
    """

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    @property
    def values(self) -> Mapping[str, str]:
        """Return the text of each filled-in field, by its key."""
        return MappingProxyType(dict(self._state.read.findings))

    def set(self, values: Mapping[str, str]) -> Change | None:
        """Fill in fields, or empty them with an empty text: one event and one undo for all of them.

        Parameters
        ----------
        values : mapping of str to str
            Text by key; a key is one of `FIELDS` or a laboratory's own. Fields that are not named stay.

        Returns
        -------
        Change or None
            None if nothing changes.

        Raises
        ------
        CaseError
            If a key is none, a text is too long, or a field names the patient or the order: a case never
            keeps those.
        """
        before = self._state.read.findings
        new = {}
        for key, value in values.items():
            if key in IDENTITY:
                raise CaseError(
                    f"{key}: a case never keeps who a sample is of: give it to the report instead"
                )
            if not KEY.fullmatch(key):
                raise CaseError(f"{key!r} is no key of a field: use small letters, digits and underscores")
            text = value.strip()
            if len(text) > LONGEST:
                raise CaseError(f"{key}: {len(text)} characters are too many: shorten it to {LONGEST}")
            if text != before.get(key, ""):
                new[key] = text
        if not new:
            return None
        old = {key: before.get(key, "") for key in new}
        return self._core.act(Draft(EventKind.REPORT_FIELDS_SET, old=old, new=new))


def _fill(state: State, event: Event) -> None:
    _replace(state, event, event.old, event.new)


def _restore(state: State, event: Event) -> None:
    _replace(state, event, event.new, event.old)


def _replace(state: State, event: Event, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    findings = state.read.findings
    if before.keys() != after.keys() or any(findings.get(key, "") != text for key, text in before.items()):
        raise ValueError(f"line {event.seq} does not say what each field was before")
    for key, text in after.items():
        if text:
            findings[key] = text
        else:
            findings.pop(key, None)


EFFECTS: Effects = {EventKind.REPORT_FIELDS_SET: Effect(_fill, _restore)}
