"""Draw what bench/server measured as ratios to the reference: JSON in, SVG out.

Runs where matplotlib is: in MLflow's image.
"""

from __future__ import annotations

import json
import re
import sys

import matplotlib

matplotlib.use("svg")
# Text stays text, and the same numbers give the same file.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "modelhub"})
from matplotlib import pyplot  # noqa: E402

LEFT_OUT = re.compile("p50|CPU|failed")
table = {name: row for name, row in json.load(sys.stdin).items() if not LEFT_OUT.search(name)}
names = list(table)
figure, axes = pyplot.subplots(figsize=(9, 0.35 * len(names) + 1))
axes.barh(names, [table[name]["ours"]["ratio"] for name in names], color="#0194e2")
axes.axvline(1, color="black", linewidth=0.8)
axes.set_xscale("log")
ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
axes.set_xlabel("ours / reference (requests: more is better; seconds and MB: less is better)")
axes.invert_yaxis()
figure.tight_layout()
figure.savefig(sys.stdout, format="svg", metadata={"Date": None})
