"""Run every benchmark and print one table; with ``--write`` also put it into docs/benchmarks.md.

A benchmark is a module of this package with ``run() -> list[dict]``; each row has ``name``, ``value``,
``unit``, ``peer`` (what it is compared with), ``ratio`` (or None) and ``bar`` (what it should reach).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

MODULES = (
    "start",
    "detect",
    "whole_slide",
    "classify",
    "train",
    "field",
    "window",
    "reviewing",
    "gallery",
    "looking",
    "learning",
    "exchange",
    "report",
)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
MARK = re.compile(r"(<!-- table -->).*?(<!-- /table -->)", re.DOTALL)


def machine() -> str:
    """Say what ran: processor, cores, memory, versions."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())
        model = found.group(1) if found else model
    libraries = ", ".join(f"{name} {version(name)}" for name in ("napari", "torch", "scikit-image", "numpy"))
    return f"{model}, {os.cpu_count()} cores, {card()}; Python {platform.python_version()}, {libraries}"


def card() -> str:
    """Name the GPU that classification and training run on where there is one."""
    program = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no GPU used"


def table(rows: list[dict[str, object]]) -> str:
    """Lay the rows out as Markdown."""
    lines = ["| figure | value | against | ratio | bar |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        ratio = row.get("ratio")
        shown = "–" if ratio is None else f"{ratio:.2f}"
        value = f"{row['value']:.4g} {row['unit']}".strip()
        lines.append(f"| {row['name']} | {value} | {row['peer'] or '–'} | {shown} | {row['bar'] or '–'} |")
    return "\n".join(lines)


def rows_of(module: str) -> list[dict[str, object]]:
    """Run one benchmark in a process of its own, so that none warms or burdens another."""
    program = f"import json,benchmarks.{module} as m; print('ROWS'+json.dumps(m.run(), default=float))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(f"error: benchmark {module} failed")
    line = next(line for line in done.stdout.splitlines() if line.startswith("ROWS"))
    return list(json.loads(line.removeprefix("ROWS")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", choices=[*MODULES, []], help="which ones; default all")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    asked = parser.parse_args()
    rows = [row for module in (asked.only or MODULES) for row in rows_of(module)]
    text = f"Measured {date.today().isoformat()} on {machine()}.\n\n{table(rows)}"
    print(text)
    if asked.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(MARK.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
