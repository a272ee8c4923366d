"""Draw what a benchmark measured: JSON in, SVG out.

Usage: plot.py server|scale|profile|artifacts. Runs where matplotlib is: in MLflow's image.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import matplotlib

matplotlib.use("svg")
# Text stays text, and the same numbers give the same file.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "modelhub"})
from matplotlib import pyplot  # noqa: E402

LEFT_OUT = re.compile("p50|CPU|failed")
SIZED = re.compile(r"first page of (\d+) runs, ms")
PARTS = {
    "mlflow/": "#0194e2",
    "sqlalchemy/": "#f4a259",
    "flask/": "#8cb369",
    "starlette/": "#bc4b51",
    "fastapi/": "#bc4b51",
}
COLOURS = {"ours": "#0194e2", "reference": "#999999"}
Table = dict[str, dict[str, dict[str, float]]]


def server(table: Table) -> None:
    """Draw each measure as the ratio of ours to the reference."""
    table = {name: row for name, row in table.items() if not LEFT_OUT.search(name)}
    names = list(table)
    figure, axes = pyplot.subplots(figsize=(9, 0.35 * len(names) + 1))
    axes.barh(names, [table[name]["ours"]["ratio"] for name in names], color=COLOURS["ours"])
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.set_xlabel("ours / reference (requests: more is better; seconds and MB: less is better)")
    axes.invert_yaxis()
    figure.tight_layout()


def scale(table: Table) -> None:
    """Draw the milliseconds of the first page by the number of runs, and of each search over 480,000 runs."""
    figure, (growing, searches) = pyplot.subplots(1, 2, figsize=(12, 6), width_ratios=(1, 2))
    sizes = {name: int(size[1]) for name in table if (size := SIZED.fullmatch(name))}
    names = [name for name in table if name.endswith(("uniform, ms", "skewed, ms"))]
    for turn, (which, colour) in enumerate(COLOURS.items()):
        growing.plot(
            list(sizes.values()), [table[name][which]["median"] for name in sizes], "o-", color=colour, label=which
        )
        places = [place + 0.4 * turn for place in range(len(names))]
        searches.barh(places, [table[name][which]["median"] for name in names], height=0.4, color=colour, label=which)
    growing.set(xscale="log", yscale="log", xlabel="runs in the experiment", ylabel="first page, ms", ylim=(1, None))
    searches.set_yticks(
        [place + 0.2 for place in range(len(names))], labels=[name.removesuffix(", ms") for name in names]
    )
    searches.set(xscale="log", xlabel="ms")
    searches.invert_yaxis()
    growing.legend()
    figure.tight_layout()


def artifacts(table: Table) -> None:
    """Draw what comes through by each way, as the ratio to the client that is straight at the store."""
    figure, axes = pyplot.subplots(figsize=(9, 4))
    ways = list(next(iter(table.values())))
    for turn, way in enumerate(ways):
        places = [place + 0.2 * turn for place in range(len(table))]
        axes.barh(places, [row[way]["ratio"] for row in table.values()], height=0.2, label=way)
    axes.set_yticks([place + 0.3 for place in range(len(table))], labels=list(table))
    axes.set_xlabel("ratio to straight (more is better)")
    axes.invert_yaxis()
    axes.legend()
    figure.tight_layout()


def profile(stacks: dict[str, int]) -> None:
    """Draw a flame graph from stacks of functions, the outermost first, separated by semicolons, and their samples."""
    figure, axes = pyplot.subplots(figsize=(16, 12))
    flame(axes, [(stack.split(";"), count) for stack, count in stacks.items()], 0, 0, sum(stacks.values()))
    axes.set(ylabel="calls", xlabel="samples", yticks=[])
    figure.tight_layout()


def flame(axes: Any, stacks: list[tuple[list[str], int]], depth: int, left: int, total: int) -> None:
    """Draw one row of functions, and above each of them those that it calls; what takes next to nothing is left out."""
    called: dict[str, list[tuple[list[str], int]]] = {}
    for frames, count in stacks:
        if frames:
            called.setdefault(frames[0], []).append((frames[1:], count))
    for name, inner in sorted(called.items()):
        width = sum(count for _, count in inner)
        if width > total * 0.004:
            colour = next((colour for part, colour in PARTS.items() if part in name), "#d0d0d0")
            axes.barh(depth, width, 0.9, left, align="edge", color=colour)
            if width > total * 0.05:
                axes.text(left, depth + 0.2, name.partition(" (")[0][: int(200 * width / total)], fontsize=5)
            flame(axes, inner, depth + 1, left, total)
        left += width


DRAW: dict[str, Callable[[Any], None]] = {"server": server, "scale": scale, "profile": profile, "artifacts": artifacts}
DRAW[sys.argv[1]](json.load(sys.stdin))
pyplot.savefig(sys.stdout, format="svg", metadata={"Date": None})
