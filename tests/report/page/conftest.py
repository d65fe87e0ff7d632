from __future__ import annotations

from collections.abc import Iterator

import pytest

from napari_bonemarrow.review import Case
from tests.drawn_case import drawn_case


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """A reviewed, drawn smear beside its case; do not change it."""
    with drawn_case(tmp_path_factory.mktemp("drawn"), name="Müller „4711“ & #x.png") as case:
        case.findings.set({"site": "Crista iliaca", "comment": '#let x = 1\n*bold* <b>$y$</b> \\ "q"'})
        yield case
