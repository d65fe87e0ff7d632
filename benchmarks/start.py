"""How long the package takes to import, beside importing numpy, each in a fresh interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys

REPEATS = 15
PROGRAM = "import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"


def seconds(module: str) -> float:
    """Import a module in a fresh interpreter and return the import's seconds."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def run() -> list[dict[str, object]]:
    """Take turns with the peer and compare medians."""
    pairs = [(seconds("napari_bonemarrow"), seconds("numpy")) for _ in range(REPEATS)]
    ours = statistics.median(pair[0] for pair in pairs)
    ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
    return [
        {
            "name": "import napari_bonemarrow",
            "value": ours * 1000,
            "unit": "ms",
            "peer": "import numpy",
            "ratio": ratio,
            "bar": "under 100 ms",
        }
    ]


if __name__ == "__main__":
    print(run())
