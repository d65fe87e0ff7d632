from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_bonemarrow.training import TrainConfig, TrainingError, load_preset
from napari_bonemarrow.training.config import PRESETS


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.json")), ids=lambda path: path.stem)
def test_shipped_presets_load(path: Path) -> None:
    by_name, by_path = load_preset(path.stem), load_preset(path)
    assert by_name == by_path
    assert (
        20 <= by_name.crop_size * by_name.microns_per_pixel <= 25.01
    )  # µm: a promyelocyte to a data set's crop
    assert all(text.licence for text in by_name.sources.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "x.json"),
        ('{"learning_rate": 0}', "learning_rate: "),
        ('{"surprise": 1}', "surprise: "),
        ('{"stages": []}', "no epochs"),
        ('{"folds": 1}', "folds: "),
        ('{"augment": {"shift": 2}}', r"augment\.shift: "),
    ],
)
def test_presets_that_make_no_sense(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(TrainingError, match=said) as caught:
        load_preset(tmp_path / "x.json")
    assert "\n" not in str(caught.value)


def test_changes_are_checked() -> None:
    config = TrainConfig()
    assert config.changed(seed=4).seed == 4
    assert json.loads(config.model_dump_json())["seed"] == 0
    with pytest.raises(TrainingError, match="batch_size"):
        config.changed(batch_size=1)
