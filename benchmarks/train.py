"""Throughput of training, images a second, against two peers in one run.

*bare*: the same network, loss and optimiser over batches that lie ready in memory as normalised floats:
what the network alone can do.
*folder*: a plain script, torchvision's ``ImageFolder``, transforms of the same kinds and a ``DataLoader``
with a worker a core, as one would write it first.

Run alone with ``python -m benchmarks train``.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.classify import draw_crops
from napari_bonemarrow.models.bundles.card import Normalisation
from napari_bonemarrow.models.device import gains_from_bfloat16, resolve_device
from napari_bonemarrow.models.memory import keep_memory
from napari_bonemarrow.models.networks.architectures import build
from napari_bonemarrow.training import load_preset
from napari_bonemarrow.training.config import TrainConfig
from napari_bonemarrow.training.data.labelled_crops import load_crops, split_crops
from napari_bonemarrow.training.fitting.epoch_sample import plan
from napari_bonemarrow.training.fitting.fit import Fitter, new_state

IMAGES = 640
DEVICE = resolve_device()
BATCHES = 8 if DEVICE.type == "cpu" else 64  # a measurement
REPEATS = 5
NORM = Normalisation(mean=(0.7, 0.6, 0.7), std=(0.25, 0.28, 0.15))


def write_images(folder: Path, size: int) -> None:
    """Write two classes of JPEGs; what is in them does not change the speed."""
    for code, crops in zip(("BLA", "LYT"), np.array_split(draw_crops(size, IMAGES), 2), strict=True):
        (folder / code).mkdir(parents=True)
        for number, crop in enumerate(crops):
            Image.fromarray(crop).save(folder / code / f"{code}_{number:05d}.jpg", quality=91)


def ours(config: TrainConfig, data: Path, cache: Path) -> Callable[[], object]:
    """The project's own step, from the memory-mapped cache to the running average."""
    crops = load_crops(data, config.crop_size, cache)
    split = split_crops(crops, folds=5, fold=0, calibration_share=0.1, seed=0)
    fitter = Fitter(crops, split, plan(crops, config), NORM, config, DEVICE)
    state = new_state(build(config.architecture, 21), config, DEVICE)
    state.network.train()
    maker, rng = fitter.maker(), np.random.default_rng(0)

    def run() -> None:
        order = rng.choice(fitter.train, BATCHES * config.batch_size)
        for batch in maker.epoch(order, 0, config.network_size):
            fitter.step(state, [batch], config.network_size, 1e-4)

    return run


def stepper(config: TrainConfig) -> Callable[[Tensor, Tensor], None]:
    """One plain step of the same network."""
    network = build(config.architecture, 21).to(DEVICE, memory_format=torch.channels_last).train()
    bfloat16 = gains_from_bfloat16(DEVICE)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def step(images: Tensor, labels: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        images = images.to(DEVICE, memory_format=torch.channels_last)
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=bfloat16):
            logits = network(images)
        nn.functional.cross_entropy(logits.float(), labels.to(DEVICE)).backward()
        optimizer.step()

    return step


def bare(config: TrainConfig) -> Callable[[], object]:
    """The network alone."""
    step, size = stepper(config), config.network_size
    images = torch.randn(config.batch_size, 3, size, size, device=DEVICE)
    labels = torch.randint(0, 21, (config.batch_size,), device=DEVICE)

    def run() -> None:
        for _ in range(BATCHES):
            step(images, labels)

    return run


def folder(config: TrainConfig, data: Path) -> Callable[[], object]:
    """A first script: decode, transform an image at a time, train."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.CenterCrop(config.crop_size),
            v2.RandomAffine(180, translate=(0.08, 0.08), scale=(0.87, 1.15)),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.12, 0.1, 0.4, 0.05),
            v2.RandomApply([v2.GaussianBlur(5, (0.1, 1.0))], 0.33),
            v2.RandomApply([v2.JPEG((30, 95))], config.augment.jpeg),
            v2.Resize(config.network_size, antialias=True),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(NORM.mean, NORM.std),
        ]
    )
    loader = DataLoader(
        ImageFolder(str(data), transform),
        config.batch_size,
        shuffle=True,
        num_workers=os.cpu_count() or 1,
        persistent_workers=True,
        drop_last=True,
    )
    batches: Iterator[tuple[Tensor, Tensor]] = chain.from_iterable(repeat(loader))
    step = stepper(config)

    def run() -> None:
        for images, labels in islice(batches, BATCHES):
            step(images, labels)

    return run


def run() -> list[dict[str, object]]:
    if DEVICE.type == "cpu":
        keep_memory()
    config = load_preset("starter")
    size = config.network_size
    with tempfile.TemporaryDirectory() as place:
        data, cache = Path(place) / "data", Path(place) / "cache"
        write_images(data, 250)
        works = {
            "ours": ours(config, data, cache),
            "bare": bare(config),
            "folder": folder(config, data),
        }
        seconds: dict[str, list[float]] = {name: [] for name in works}
        for repetition in range(REPEATS + 1):
            for name, work in works.items():
                start = time.perf_counter()
                work()
                if DEVICE.type == "cuda":
                    torch.cuda.synchronize()
                if repetition:
                    seconds[name].append(time.perf_counter() - start)
    rate = {name: BATCHES * config.batch_size / statistics.median(each) for name, each in seconds.items()}
    title = f"train {config.architecture} at {size} px ({DEVICE}, {torch.get_num_threads()} threads)"
    value = {"name": title, "value": rate["ours"], "unit": "images/s"}
    return [
        {
            **value,
            "peer": f"bare loop over tensors in memory: {rate['bare']:.3g}",
            "ratio": rate["ours"] / rate["bare"],
            "bar": "0.9",
        },
        {
            **value,
            "peer": f"ImageFolder, transforms, DataLoader: {rate['folder']:.3g}",
            "ratio": rate["ours"] / rate["folder"],
            "bar": "1.5",
        },
    ]
