"""Which transport comes next, and when: the results that are common to the pages and the Python client."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import pytest

from livewall.cli.watch_view import TRANSPORT_NAMES
from livewall.client.ladder import (
    LEVELS,
    Ending,
    LadderState,
    after_ending,
    backoff,
    climb_failed,
    climb_succeeded,
    plan_climb,
)
from livewall.wire import Transport

# tests/js/net/ladder.test.mjs holds the pages to the same results.
VECTORS = json.loads((Path(__file__).parents[1] / "vectors/ladder.json").read_text())


def ending(given: dict[str, Any]) -> Ending:
    retry = given.get("retry")
    return Ending(
        given["delivered"],
        given["lasted"] / 1000,
        silent=given.get("silent", False),
        sent_away=given.get("sentAway", False),
        retry=None if retry is None else retry / 1000,
    )


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


@pytest.mark.parametrize("sequence", VECTORS["sequences"], ids=lambda sequence: sequence["name"])
def test_the_client_climbs_and_steps_down_as_the_pages_do(sequence: dict[str, Any]) -> None:
    state = LadderState(**sequence["start"])
    for step in sequence["steps"]:

        def random(value: float = step.get("random", 0.0)) -> float:
            return value

        if "ending" in step:
            state, wait = after_ending(state, ending(step["ending"]), random)
            assert (asdict(state), milliseconds(wait)) == (step["state"], step["wait"])
        elif "climb" in step:
            state = climb_failed(state) if step["climb"] == "failed" else climb_succeeded(state, step["target"])
            assert asdict(state) == step["state"]
        else:
            plan = plan_climb(state, random)
            assert (plan and {"target": plan.target, "wait": milliseconds(plan.wait)}) == step["plan"]


@pytest.mark.parametrize("given", VECTORS["waits"], ids=str)
def test_half_of_a_wait_is_random(given: dict[str, Any]) -> None:
    assert milliseconds(backoff(given["attempts"], lambda: given["random"])) == given["wait"]


def test_the_ladder_starts_at_the_best_transport() -> None:
    assert asdict(LadderState()) == VECTORS["sequences"][0]["start"]
    assert LadderState().transport == "websocket"


def test_the_transports_have_the_names_that_screens_report() -> None:
    assert get_args(Transport) == LEVELS
    assert tuple(TRANSPORT_NAMES) == LEVELS
