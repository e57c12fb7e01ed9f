"""The layout of a task's chart, from left to right. Pure: the same needs give the same picture.

A step's column is the length of the longest path to it. An edge that passes columns has a bend in each of them (edges
from the same step share bends) and stays between the rows of steps there. Sweeps order each column by the medians of
its neighbours; then everything moves as near to its neighbours as the order allows (Sugiyama et al., 1981).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

import msgspec

WIDTH, HEIGHT = 200, 80
GAP_X, GAP_Y = 84, 32
_LANE = 24  # the gap between two edges that pass a column
_MOST_BENDS = 2_000
_SWEEPS = 6
_BUSY = 1_000  # from so many things in a chart on, two sweeps are enough
_TANGLE = 4_000  # from so many edges in a chart on, no order makes it clearer, and looking for one takes seconds

Point = tuple[int, int]
Ref = int
"""A step or a bend, by its index in the lists of the drawing; steps come first."""


class Node(msgspec.Struct, frozen=True):
    """A step: its upper left corner. Its width is WIDTH; a step with hosts is higher than HEIGHT."""

    name: str
    x: int
    y: int
    height: int = HEIGHT


class Edge(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """An edge from the right side of one step to the left side of another that needs it."""

    source: str
    target: str
    points: list[Point]


class Layout(msgspec.Struct, frozen=True):
    width: int
    height: int
    nodes: list[Node]
    edges: list[Edge]
    ranks: list[list[str]]
    """The columns, each from top to bottom."""


def layout(steps: Sequence[tuple[str, Sequence[str]]], heights: Mapping[str, int] | None = None) -> Layout:
    """Return the chart of steps with their needs. The needs must be free of cycles and name only steps of the chart.

    `heights` has the heights of steps that are higher than others, in even numbers.
    """
    drawing = _Drawing(steps, heights or {})
    drawing.sort()
    drawing.place()
    return drawing.result()


class _Drawing:
    def __init__(self, steps: Sequence[tuple[str, Sequence[str]]], heights: Mapping[str, int]) -> None:
        self._names = [name for name, _ in steps]
        self._heights = [heights.get(name, HEIGHT) for name in self._names]
        number = {name: index for index, name in enumerate(self._names)}
        self._needs = [[number[need] for need in dict.fromkeys(needs)] for _, needs in steps]
        self._rank = [0] * len(steps)
        for step in TopologicalSorter(dict(enumerate(self._needs))).static_order():
            self._rank[step] = max((self._rank[need] + 1 for need in self._needs[step]), default=0)
        self._columns: list[list[Ref]] = [[] for _ in range(max(self._rank, default=-1) + 1)]
        for step, rank in enumerate(self._rank):
            self._columns[rank].append(step)
        # (source, rank) -> the bend through which its edges pass that column
        self._bends: dict[tuple[int, int], Ref] = {}
        self._before: list[list[Ref]] = [[] for _ in steps]
        self._after: list[list[Ref]] = [[] for _ in steps]
        self._connect()
        self._y = [0.0] * len(self._before)
        self._sweeps = _SWEEPS if len(self._before) < _BUSY else 2
        if sum(map(len, self._needs)) > _TANGLE:
            self._sweeps = 0

    def _connect(self) -> None:
        """The neighbours of everything in the adjacent columns, through bends where an edge is longer."""
        last = list(self._rank)
        for target, needs in enumerate(self._needs):
            for source in needs:
                last[source] = max(last[source], self._rank[target] - 1)
        if sum(until - rank for until, rank in zip(last, self._rank, strict=True)) <= _MOST_BENDS:
            for source in range(len(self._names)):
                left = source
                for rank in range(self._rank[source] + 1, last[source] + 1):
                    bend = self._bends[source, rank] = len(self._before)
                    self._before.append([left])
                    self._after.append([])
                    self._after[left].append(bend)
                    self._columns[rank].append(bend)
                    left = bend
        for target, needs in enumerate(self._needs):
            for source in needs:
                left = self._bends.get((source, self._rank[target] - 1), source)
                if left != source or self._rank[source] == self._rank[target] - 1:
                    self._before[target].append(left)
                    self._after[left].append(target)

    def sort(self) -> None:
        """Order the columns so that few edges cross: take the best of several sweeps in both directions."""
        if not self._sweeps:
            return
        best, fewest = [list(column) for column in self._columns], self._crossings()
        for sweep in range(self._sweeps):
            if not fewest:
                break
            forth = sweep % 2 == 0
            for rank in range(1, len(self._columns)) if forth else range(len(self._columns) - 2, -1, -1):
                beside = self._columns[rank - 1 if forth else rank + 1]
                at = {ref: index for index, ref in enumerate(beside)}
                self._sort(self._columns[rank], self._before if forth else self._after, at)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(column) for column in self._columns], crossings
        self._columns = best

    def _sort(self, column: list[Ref], neighbours: list[list[Ref]], at: dict[Ref, int]) -> None:
        middle: dict[Ref, float] = {}
        above = -1.0  # a thing without neighbours there stays below the one it was below
        for ref in column:
            if beside := neighbours[ref]:
                above = sum(at[other] for other in beside) / len(beside)
            middle[ref] = above
        column.sort(key=middle.__getitem__)

    def _crossings(self) -> int:
        """Return the number of crossings between neighbouring columns."""
        count = 0
        for left, right in zip(self._columns, self._columns[1:], strict=False):
            at = {ref: index for index, ref in enumerate(right)}
            positions: list[int] = []
            for ref in left:
                ends = sorted(at[other] for other in self._after[ref])
                for end in ends:
                    count += len(positions) - bisect_left(positions, end + 1)
                for end in ends:
                    insort(positions, end)
        return count

    def place(self) -> None:
        """Set the heights: everything as near to the middle of its neighbours as order and gaps allow."""
        offsets = [self._offsets(column) for column in self._columns]
        for column, tops in zip(self._columns, offsets, strict=True):
            for ref, top in zip(column, tops, strict=True):
                self._y[ref] = top - tops[-1] / 2
        ranks = range(len(self._columns))
        for sweep in range(self._sweeps):
            forth = sweep % 2 == 0
            neighbours = self._before if forth else self._after
            for rank in ranks if forth else reversed(ranks):
                column = self._columns[rank]
                wanted = [self._mean(neighbours[ref] or [ref]) for ref in column]
                for ref, y in zip(column, _apart(wanted, offsets[rank]), strict=True):
                    self._y[ref] = y

    def _mean(self, refs: list[Ref]) -> float:
        """Return the middle of the neighbours; steps weigh more than bends."""
        weights = [3 if ref < len(self._names) else 1 for ref in refs]
        return sum(self._y[ref] * weight for ref, weight in zip(refs, weights, strict=True)) / sum(weights)

    def _offsets(self, column: list[Ref]) -> list[int]:
        """Return the middles of the things in a column, as close together as their gaps allow, from 0."""
        tops, y = [], 0
        for index, ref in enumerate(column):
            if index:
                halves = self._half(column[index - 1]) + self._half(ref)
                y += halves + GAP_Y if halves else _LANE
            tops.append(y)
        return tops

    def _half(self, ref: Ref) -> int:
        """Return half the height of a step; a bend has none."""
        return self._heights[ref] // 2 if ref < len(self._names) else 0

    def result(self) -> Layout:
        steps = range(len(self._names))
        half = [self._half(ref) for ref in range(len(self._y))]
        top = min((y - high for y, high in zip(self._y, half, strict=True)), default=0)
        # In whole pixels. All are rounded the same way, so the gaps stay as they are.
        middle = [int(y - top + 0.5) for y in self._y]
        x = [rank * (WIDTH + GAP_X) for rank in self._rank]
        edges = []
        for target in steps:
            for source in self._needs[target]:
                points = [(x[source] + WIDTH, middle[source])]
                for rank in range(self._rank[source] + 1, self._rank[target]) if self._bends else ():
                    left, y = rank * (WIDTH + GAP_X), middle[self._bends[source, rank]]
                    points += [(left, y), (left + WIDTH, y)]
                points.append((x[target], middle[target]))
                edges.append(Edge(self._names[source], self._names[target], points))
        return Layout(
            width=max((left + WIDTH for left in x), default=0),
            height=max((y + high for y, high in zip(middle, half, strict=True)), default=0),
            nodes=[Node(self._names[step], x[step], middle[step] - half[step], self._heights[step]) for step in steps],
            edges=edges,
            ranks=[[self._names[ref] for ref in column if ref < len(steps)] for column in self._columns],
        )


def _apart(wanted: Sequence[float], offsets: Sequence[int]) -> list[float]:
    """Return the heights nearest to the wanted ones (least squares) whose gaps are at least those of `offsets`, in
    their order.

    Without the gaps this is isotonic regression, solved by pooling adjacent violators: neighbours that fall are set to
    their mean.
    """
    pools: list[tuple[float, int]] = []  # sum and size of each pool
    for want, offset in zip(wanted, offsets, strict=True):
        total, size = want - offset, 1
        while pools and pools[-1][0] * size >= total * pools[-1][1]:
            last = pools.pop()
            total, size = total + last[0], size + last[1]
        pools.append((total, size))
    means = [total / size for total, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
