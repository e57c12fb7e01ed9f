"""Where steps stand in the chart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.charts.host_cells import host_cells, node_height
from livewall.charts.task_layout import GAP_X, GAP_Y, HEIGHT, WIDTH, Layout, layout

Steps = Sequence[tuple[str, Sequence[str]]]


@st.composite
def graphs(draw: st.DrawFn) -> Steps:
    steps: list[tuple[str, list[str]]] = []
    for number in range(draw(st.integers(0, 25))):
        names = [name for name, _ in steps]
        steps.append((f"s{number}", draw(st.lists(st.sampled_from(names), max_size=4, unique=True)) if names else []))
    return draw(st.permutations(steps))


def grid(columns: int, rows: int) -> Steps:
    def needs(x: int, y: int) -> list[str]:
        return [f"s{x - 1}.{(y + by) % rows}" for by in (0, 1, rows // 2)] if x else []

    return [(f"s{x}.{y}", needs(x, y)) for x in range(columns) for y in range(rows)]


def check(steps: Steps, heights: dict[str, int] | None = None) -> Layout:
    found = layout(steps, heights)
    at = {node.name: (node.x, node.y) for node in found.nodes}
    assert list(at) == [name for name, _ in steps]
    high = {node.name: node.height for node in found.nodes}
    assert high == {name: (heights or {}).get(name, HEIGHT) for name in at}
    columns: dict[int, list[tuple[int, int]]] = {}
    for name, (x, y) in at.items():
        assert 0 <= x <= found.width - WIDTH and 0 <= y <= found.height - high[name]
        columns.setdefault(x, []).append((y, high[name]))
    for boxes in columns.values():
        boxes.sort()
        assert all(below - above >= height + GAP_Y - 1 for (above, height), (below, _) in pairwise(boxes))
    assert [(edge.source, edge.target) for edge in found.edges] == [(n, s) for s, needs in steps for n in needs]
    for edge in found.edges:
        points = edge.points
        assert points[0] == (at[edge.source][0] + WIDTH, at[edge.source][1] + high[edge.source] // 2)
        assert points[-1] == (at[edge.target][0], at[edge.target][1] + high[edge.target] // 2)
        assert all(after[0] > before[0] for before, after in pairwise(points))
    assert sorted(name for rank in found.ranks for name in rank) == sorted(at)
    for number, rank in enumerate(found.ranks):
        assert [at[name][0] for name in rank] == [number * (WIDTH + GAP_X)] * len(rank)
        assert [at[name][1] for name in rank] == sorted(at[name][1] for name in rank)
    return found


def passes_a_node(found: Layout) -> bool:
    """Whether an edge goes over a step that it does not belong to."""
    for edge in found.edges:
        for (x, y), (until, _) in pairwise(edge.points):
            over = [n for n in found.nodes if x < n.x + WIDTH and until > n.x]
            if any(n.y < y < n.y + HEIGHT for n in over):
                return True
    return False


@given(graphs())
def test_nothing_overlaps_and_every_edge_goes_right(steps: Steps) -> None:
    assert not passes_a_node(check(steps))


@given(graphs())
def test_the_same_needs_give_the_same_picture(steps: Steps) -> None:
    assert layout(steps) == layout([(name, tuple(needs)) for name, needs in steps])


def test_a_chain_is_straight() -> None:
    found = check([(f"s{n}", [f"s{n - 1}"] if n else []) for n in range(10)])
    assert {node.y for node in found.nodes} == {0}
    assert (found.width, found.height) == (10 * WIDTH + 9 * GAP_X, HEIGHT)
    assert all(len(edge.points) == 2 for edge in found.edges)


def test_a_wide_fan_stands_in_one_column_around_what_it_comes_from() -> None:
    found = check([("a", []), *[(f"b{n}", ["a"]) for n in range(200)], ("c", [f"b{n}" for n in range(200)])])
    at = {node.name: node for node in found.nodes}
    assert [at[f"b{n}"].y for n in range(200)] == [n * (HEIGHT + GAP_Y) for n in range(200)]
    middle = (at["b0"].y + at["b199"].y) / 2
    assert at["a"].y == at["c"].y == middle


def test_a_diamond_is_even() -> None:
    found = check([("a", []), ("b", ["a"]), ("c", ["a"]), ("d", ["b", "c"])])
    assert [(n.name, n.x, n.y) for n in found.nodes] == [
        ("a", 0, 56), ("b", 284, 0), ("c", 284, 112), ("d", 568, 56),
    ]  # fmt: skip


def test_an_edge_over_a_column_passes_beside_its_steps() -> None:
    found = check([("a", []), ("b", ["a"]), ("c", ["a", "b"])])
    long = next(edge for edge in found.edges if (edge.source, edge.target) == ("a", "c"))
    assert len(long.points) == 4 and not passes_a_node(found)


@given(graphs(), st.lists(st.integers(40, 200), min_size=25, max_size=25))
def test_steps_with_hosts_are_higher_and_nothing_overlaps(steps: Steps, halves: list[int]) -> None:
    check(steps, {name: 2 * half for (name, _), half in zip(steps, halves, strict=False)})


def test_a_box_has_room_for_the_cells_of_its_hosts() -> None:
    for waves in ([1], [1, 2], [10, 50, 140], [1] * 200, [1000]):
        cells = host_cells(waves)
        assert node_height(waves) % 2 == 0 and cells.height + HEIGHT < node_height(waves) <= cells.height + HEIGHT + 12
        assert [cell.wave for cell in cells.cells] == [n for n, hosts in enumerate(waves, 1) for _ in range(hosts)]
    assert node_height([10, 50, 140]) < 200


def test_edges_that_need_not_cross_do_not() -> None:
    found = check([("a", []), ("b", []), ("x", ["b"]), ("y", ["a"])])
    assert found.ranks in ([["a", "b"], ["y", "x"]], [["b", "a"], ["x", "y"]])


def test_a_task_without_steps_is_an_empty_picture() -> None:
    assert msgspec.to_builtins(layout([])) == {"width": 0, "height": 0, "nodes": [], "edges": [], "ranks": []}


def test_it_goes_over_the_wire_in_the_words_of_the_api() -> None:
    found = msgspec.to_builtins(layout([("a", []), ("b", ["a"])]))
    assert found["nodes"] == [
        {"name": "a", "x": 0, "y": 0, "height": 80},
        {"name": "b", "x": 284, "y": 0, "height": 80},
    ]
    assert found["edges"] == [{"from": "a", "to": "b", "points": [(200, 40), (284, 40)]}]


@pytest.mark.parametrize(
    "steps",
    [
        grid(20, 25),
        grid(2, 250),
        [(f"s{n}", [f"s{n - 1}"] if n else []) for n in range(500)],
        [(f"s{n}", [f"s{(n - 1) // 2}", *([f"s{n // 7}"] if n >= 7 else [])] if n else []) for n in range(500)],
        [("a", []), *[(f"s{n}", ["a"]) for n in range(499)]],
    ],
    ids=["grid", "two columns", "chain", "tree", "fan"],
)
def test_five_hundred_steps_take_less_than_a_tenth_of_a_second(steps: Steps) -> None:
    check([(name, list(dict.fromkeys(needs))) for name, needs in steps])
    times = []
    for _ in range(3):
        started = time.process_time()
        layout(steps)
        times.append(time.process_time() - started)
    assert min(times) < 0.1


def test_very_many_long_edges_are_drawn_without_bends() -> None:
    steps = [(f"s{n}", [f"s{m}" for m in range(n)]) for n in range(100)]
    found = layout(steps)
    assert len(found.edges) == 4950 and all(len(edge.points) == 2 for edge in found.edges)
