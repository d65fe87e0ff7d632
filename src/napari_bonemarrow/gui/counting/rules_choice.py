"""The choice of the counting profile of a case."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QObject

from napari_bonemarrow.cytology.profiles import listed_profiles, profile
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.case_acts import CaseActs
from napari_bonemarrow.gui.counting.rules_part import RulesInfo, RulesPart


class RulesChoice(SmearPart):
    """The controller of the part of the Count tab on the counting profile."""

    def __init__(self, session: Session, part: RulesPart, acts: CaseActs, parent: QObject) -> None:
        super().__init__(session, parent)
        self.part, self._acts = part, acts
        self.follow(part.chosen, self.use)
        self.follow(part.opening, self._fill)

    def close(self) -> None:
        """Show no profile without a smear."""
        super().close()
        self.part.show_info(RulesInfo())

    def show(self) -> None:
        """Show the profile of the case."""
        counting = self.session.case.counting
        used = counting.profile
        self.part.show_info(RulesInfo(used.name, used.title, used.source, counting.refusal))

    def use(self, path: str) -> None:
        """Count by the profile of a file; an error is shown in one line."""
        self._acts.act(lambda: self.session.case.counting.use(profile(Path(path))))

    def _fill(self) -> None:
        self.part.show_profiles(listed_profiles())
