"""A case that an older version wrote opens, verifies and adds up to the same numbers.

The file was written by version 0.1.0 before signatures had keys, from a drawn image.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from napari_bonemarrow.report import differential_document, html_report
from napari_bonemarrow.review import Authentication, Case, authentication

WRITTEN = Path(__file__).parent / "data" / "written-by-0.1.0.bmcase"


def test_an_old_case_replays_to_the_same_numbers() -> None:
    said = json.loads(WRITTEN.with_suffix(".json").read_text("utf-8"))
    with Case.open(WRITTEN, read_only=True) as case:
        assert case.distrust == ""
        assert case.verify().ok
        assert (case.history.last.hash, case.history.last.seq) == (said["head"], said["lines"])
        assert case.effective_codes() == said["codes"]
        document = differential_document(case)
        assert (document["counted"], document["excluded"]) == (said["counted"], said["excluded"])
        assert {row["code"]: row["count"] for row in document["classes"] if row["count"]} == said["classes"]
        assert document["agreement"]["kappa"] == said["kappa"]
        assert document["tally"]["fields"] == said["tally"]
        names = ("name", "counted", "reviewed", "unreviewed", "imported", "in_force")
        assert [[each[name] for name in names] for each in document["signatures"]] == said["signatures"]


def test_its_signatures_are_not_authenticated() -> None:
    with Case.open(WRITTEN, read_only=True) as case:
        assert {authentication(each)[0] for each in case.sign_off.signatures} == {Authentication.NONE}
        assert "tamper-evident, not authenticated" in html_report(case)


def test_work_on_it_goes_on(tmp_path: Path) -> None:
    copy = Path(shutil.copy(WRITTEN, tmp_path / "old.bmcase"))
    with Case.open(copy, reviewer="Dr Ada") as case:
        case.sign_off.begin_amendment("one more look")
        case.set_label(2, "BLA")
        assert case.verify().ok
