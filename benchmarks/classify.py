"""Throughput of classification, crops to probabilities, against two peers in one run.

*bare*: the same network with the best settings (norms folded, the device's layout, best batch) fed
with input that is already prepared, nothing else in the loop.
*plain*: float32, one crop at a time, as a first script would write it.

Run alone with ``python benchmarks/classify.py``.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.device import exact_float32
from napari_bonemarrow.models.memory import keep_memory
from napari_bonemarrow.models.weights.bundle_weights import load_network

CROPS = 256
REPEATS = 11
BATCHES = (8, 16, 32, 64, 128, 256, 512, 1024)


def draw_crops(size: int, n: int) -> np.ndarray:
    """Smooth random crops; what is in them does not change the speed."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (n, size // 10, size // 10, 3), np.uint8)
    return coarse.repeat(10, axis=1).repeat(10, axis=2)


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that `work` takes, the device's queue included."""
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def bare_loop(classifier: Classifier, crops: np.ndarray) -> Callable[[int], Callable[[], None]]:
    """The network alone on prepared batches."""
    with torch.inference_mode():
        ready = torch.cat([classifier.prepare(part) for part in np.array_split(crops, len(crops) // 16)])
    layout = torch.channels_last if ready.device.type == "cpu" else torch.contiguous_format

    def with_batch(size: int) -> Callable[[], None]:
        batches = [part.contiguous(memory_format=layout) for part in ready.split(size)]

        def run_once() -> None:
            with torch.inference_mode(), exact_float32(ready.device):
                for batch in batches:
                    classifier.network(batch)

        return run_once

    return with_batch


def plain_loop(classifier: Classifier, crops: np.ndarray, device: torch.device) -> Callable[[], None]:
    """Float32, one crop at a time."""
    card = classifier.bundle.card
    network = load_network(classifier.bundle).to(device)
    mean = torch.tensor(card.normalisation.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(card.normalisation.std, device=device).view(1, 3, 1, 1)
    side = (card.network_size, card.network_size)

    def run_once() -> None:
        with torch.no_grad():
            for crop in crops:
                image = torch.from_numpy(crop).to(device).permute(2, 0, 1)[None].contiguous().float() / 255
                image = torch.nn.functional.interpolate(image, side, mode="bilinear", antialias=True)
                logits = network((image - mean) / std)
                torch.softmax(logits / card.temperature, dim=1).cpu().numpy()

    return run_once


def run(model: str = "starter", device: str = "auto") -> list[dict[str, object]]:
    """Measure in turns, so that whatever else the machine does hits all alike.

    Returns
    -------
    list of dict
        ``name, value, unit, peer, ratio, bar``: crops a second, the peer's, how many times the peer.
    """
    keep_memory()  # as the engine's child does
    classifier, shipped = Classifier(model, device, views=1), Classifier(model, device)
    where = torch.device(classifier.device)
    size = classifier.bundle.card.crop_size
    n = CROPS if where.type == "cpu" else CROPS * 16
    crops = draw_crops(size, n)
    few = crops[: CROPS // 4]
    with_batch = bare_loop(classifier, crops)
    bare = {b: with_batch(b) for b in BATCHES if b <= n}
    plain = plain_loop(classifier, few, where)
    for work in (lambda: classifier.classify(crops), lambda: shipped.classify(crops), *bare.values(), plain):
        work()
    best = min(bare, key=lambda b: min(timed(bare[b], where) for _ in range(3)))
    rows: list[tuple[float, float, float, float]] = []
    for _ in range(REPEATS):
        rows.append(
            (
                n / timed(lambda: classifier.classify(crops), where),
                n / timed(bare[best], where),
                len(few) / timed(plain, where),
                n / timed(lambda: shipped.classify(crops), where),
            )
        )
    whole, alone, first, mirrored = (statistics.median(column) for column in zip(*rows, strict=True))
    to_bare = statistics.median(row[0] / row[1] for row in rows)
    to_plain = statistics.median(row[0] / row[2] for row in rows)
    name = f"classify, crops to probabilities ({classifier.device}, {torch.get_num_threads()} threads)"
    return [
        {
            "name": f"the same with the card's {shipped.views} mirrored views",
            "value": round(mirrored, 1),
            "unit": "crops/s",
            "peer": "one view",
            "ratio": round(mirrored / whole, 3),
            "bar": "–",
        },
        {
            "name": name,
            "value": round(whole, 1),
            "unit": "crops/s",
            "peer": f"bare loop over the prepared network, batch {best}: {alone:.1f} crops/s",
            "ratio": round(to_bare, 3),
            "bar": 0.9,
        },
        {
            "name": name,
            "value": round(whole, 1),
            "unit": "crops/s",
            "peer": f"plain float32 loop, one crop at a time: {first:.1f} crops/s",
            "ratio": round(to_plain, 3),
            "bar": 3.0,
        },
    ]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2, ensure_ascii=False))
