"""Checkpoints of a fit."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from napari_bonemarrow.models.networks.architectures import head_of
from napari_bonemarrow.training.config import TrainConfig, TrainingError
from napari_bonemarrow.training.files import write_atomically


@dataclass
class State:
    """The state of a fit between two epochs, without random state, which derives from seed and epoch."""

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    steps: int = 0
    best_score: float = -1.0
    best_epoch: int = -1
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    def save(self, path: Path, signature: str, settings: str = "") -> None:
        """Write a checkpoint atomically.

        Parameters
        ----------
        path : Path
        signature : str
            Hash of options and images, which a later run must match.
        settings : str
            The options as JSON, so that an error can name those that differ.
        """
        document = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "numbers": [self.epoch, self.steps, self.best_score, self.best_epoch],
            "best": self.best,
            "history": self.history,
            "signature": signature,
            "settings": settings,
        }
        write_atomically(path, lambda draft: torch.save(document, draft))

    def restore(self, path: Path, signature: str, config: TrainConfig | None = None) -> None:
        """Restore a checkpoint.

        Parameters
        ----------
        path : Path
        signature : str
        config : TrainConfig, optional
            To name the options that differ from the checkpoint's.

        Raises
        ------
        TrainingError
            If the checkpoint is damaged, or belongs to another network, other options or other images.
        """
        try:
            document = torch.load(path, map_location="cpu", weights_only=True)
            told, settings = document["signature"], document.get("settings", "")
        except Exception as error:
            raise TrainingError(f"{path}: the checkpoint cannot be read; train without --resume") from error
        if told != signature:
            raise TrainingError(f"{path}: was made with {_difference(settings, config)}")
        try:
            self.network.load_state_dict(document["network"])
            self.average.load_state_dict(document["average"])
            self.optimizer.load_state_dict(document["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise TrainingError(
                f"{path}: holds another network than this version builds; train without --resume"
            ) from error
        self.epoch, self.steps, self.best_score, self.best_epoch = document["numbers"]
        self.best, self.history = document["best"], document["history"]


def _difference(settings: str, config: TrainConfig | None) -> str:
    """Return how a checkpoint's options differ from a run's."""
    general = "other options or images; train without --resume"
    if config is None or not settings:
        return general
    then, now = json.loads(settings), json.loads(config.model_dump_json())
    if then.get("architecture") != now["architecture"]:
        return f"another network, {then.get('architecture')}, not {now['architecture']}; name that one"
    changed = [key for key in sorted({*then, *now}) if then.get(key) != now.get(key)]
    if not changed:
        return "other images: files were added, removed or renamed since; restore them or train again"
    said = "; ".join(f"{key} was {_short(then.get(key))}, is {_short(now.get(key))}" for key in changed[:4])
    more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
    return f"other options or images: {said}{more}; set them back or train without --resume"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def new_state(network: nn.Module, config: TrainConfig, device: torch.device) -> State:
    """Return a network on its device with optimiser and running average.

    Frozen weights are left out of the optimiser. The last layer learns at ``learning_rate``, all others at
    ``backbone_rate`` times that.
    """
    network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    head = {id(p) for p in head_of(network, config.architecture).parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for p in network.parameters():
        if p.requires_grad:
            groups.setdefault((p.ndim > 1, id(p) in head), []).append(p)
    optimizer = torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": config.weight_decay if decayed else 0.0,  # not biases and norms
                "rate": 1.0 if of_head else config.backbone_rate,
            }
            for (decayed, of_head), parameters in groups.items()
        ],
        lr=config.learning_rate,
    )
    average = copy.deepcopy(network).eval().requires_grad_(False)
    return State(network, average, optimizer)


@torch.no_grad()
def follow(state: State, decay: float) -> None:
    """Update the running average of the weights by ``1 - decay``."""
    targets = list(state.average.state_dict().values())
    sources = list(state.network.state_dict().values())
    floats = [(t, s) for t, s in zip(targets, sources, strict=True) if t.is_floating_point()]
    torch._foreach_lerp_([t for t, _ in floats], [s for _, s in floats], 1 - decay)
    for target, source in zip(targets, sources, strict=True):
        if not target.is_floating_point():
            target.copy_(source)
