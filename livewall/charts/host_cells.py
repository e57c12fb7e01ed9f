"""The cells of hosts in a step's box of the chart: one for each host, row by row, with a gap between waves. Pure.

Its size is worked out here and in the page's scripts alike (static/js/task/hostcells.js).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from livewall.charts.task_layout import HEIGHT, WIDTH

SIDE = 13
"""The room to the left and to the right of the cells in the box."""
BELOW = 10
SIZES = ((9, 19.0), (24, 17.0), (60, 13.2), (120, 10.8), (240, 8.6), (500, 6.9))
"""The side of a cell for so many hosts at most."""
SMALLEST = 5.4
MOST_GAPS = 12
"""Smaller waves than those of so many gaps stand side by side; only the mark of the one under way tells them apart."""


class Cell(NamedTuple):
    x: float
    y: float
    wave: int


class Run(NamedTuple):
    """Cells of one wave that stand side by side in a row."""

    wave: int
    x: float
    y: float
    width: float


class HostCells(NamedTuple):
    size: float
    cells: list[Cell]
    runs: list[Run]
    height: float


def cell_size(count: int) -> float:
    """Return the side of a cell in the box of a step with so many hosts."""
    return next((size for most, size in SIZES if count <= most), SMALLEST)


def host_cells(waves: Sequence[int], width: float = WIDTH - 2 * SIDE, size: float | None = None) -> HostCells:
    """Return the cells of waves of these sizes, in rows of this width."""
    side = cell_size(sum(waves)) if size is None else size
    gap = side / 2 if len(waves) - 1 <= MOST_GAPS else 0.0
    cells: list[Cell] = []
    runs: list[Run] = []
    x = y = 0.0
    for wave, hosts in enumerate(waves, 1):
        x += gap if x else 0.0
        for place in range(hosts):
            if x + side > width + 0.001:
                x, y = 0.0, y + side
            if place == 0 or x == 0.0:
                runs.append(Run(wave, x, y, 0.0))
            cells.append(Cell(x, y, wave))
            runs[-1] = runs[-1]._replace(width=x + side - runs[-1].x)
            x += side
    return HostCells(side, cells, runs, y + side if cells else 0.0)


def node_height(waves: Sequence[int]) -> int:
    """Return the height of the box of a step with hosts, in an even number."""
    return HEIGHT + 2 * math.ceil((host_cells(waves).height + BELOW) / 2)
