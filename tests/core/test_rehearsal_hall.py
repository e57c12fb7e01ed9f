"""The pure half of a rehearsal: the network, the plan, what a page names, and the report."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders

from livewall.rehearsal.crowd import arrivals
from livewall.rehearsal.machine import parse
from livewall.rehearsal.network import GOOD, POOR, Link
from livewall.rehearsal.people import intentions
from livewall.rehearsal.report import quantile
from livewall.rehearsal.test_wall import is_rehearsal, title_of
from livewall.rehearsal.visitor import assets, cookies
from livewall.rehearsal.votes import plan, reaction

# -- weather


def test_the_same_seed_gives_the_same_weather() -> None:
    one, two = (Link(POOR, random.Random(7)) for _ in range(2))
    assert [one.arrival(n, 100, 0.0) for n in range(50)] == [two.arrival(n, 100, 0.0) for n in range(50)]
    assert [spell for spell, _ in zip(one.disturbances(), range(20), strict=False)] == [
        spell for spell, _ in zip(two.disturbances(), range(20), strict=False)
    ]


@given(st.integers(0, 2**32), st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5000)), max_size=50))
def test_bytes_come_out_in_the_order_in_which_they_went_in(seed: int, sent: list[tuple[float, int]]) -> None:
    link, now, last = Link(POOR, random.Random(seed)), 0.0, 0.0
    for after, size in sent:
        now += after
        at = link.arrival(now, size, last)
        assert at > last and at >= now + POOR.latency[0] / 2 + size / (POOR.rate or (0, 1))[1]
        last = at


def test_in_good_weather_bytes_come_at_once() -> None:
    assert Link(GOOD, random.Random(1)).arrival(5.0, 1000, 0.0) == 5.0


def test_poor_weather_cuts_for_two_to_ten_seconds_and_puts_some_phones_to_sleep() -> None:
    spells = [
        spell
        for seed in range(200)
        for spell, _ in zip(Link(POOR, random.Random(seed)).disturbances(), range(5), strict=False)
    ]
    assert {spell.kind for spell in spells} == {"cut", "vanished", "asleep"}
    assert all(2 <= spell.seconds <= 10 for spell in spells if spell.kind != "asleep")


# -- people

PAGE = """<link rel="icon" href="/static/icon.svg?v=1"><link rel="stylesheet" href="a.css">
<link rel="modulepreload" href="/static/js/x.js?v=2&amp;y=3"><link rel="canonical" href="/w/CODE">
<noscript><link rel="stylesheet" href="/n.css"></noscript>
<script type="module" src="/static/js/x.js?v=2&amp;y=3"></script>
<script nomodule src="/old.js"></script>
<script src="https://elsewhere.example/t.js"></script><script type="importmap">{}</script>"""


def test_a_phone_fetches_what_the_page_names_once() -> None:
    assert assets(PAGE, "http://h:1/w/CODE") == ["/static/icon.svg?v=1", "/w/a.css", "/static/js/x.js?v=2&y=3"]


def test_a_path_is_sent_as_a_browser_sends_it() -> None:
    page = '<script src="/static/js/my poll-ä.js?v=1%202"></script>'
    assert assets(page, "http://h:1/w/CODE") == ["/static/js/my%20poll-%C3%A4.js?v=1%202"]


def test_every_cookie_is_sent_back_without_its_attributes() -> None:
    headers = HTTPHeaders()
    headers.add("Set-Cookie", "a=1 ; Path=/")
    headers.add("Set-Cookie", "b=2")
    assert cookies(headers) == "a=1; b=2"
    assert cookies(HTTPHeaders()) == ""


POLL = {"options": [{"id": "1"}, {"id": "2"}, {"id": "3"}], "kind": "multi", "max_choices": 2, "allow_change": True}


@given(st.integers(0, 2**32))
def test_nobody_intends_what_the_poll_does_not_allow(seed: int) -> None:
    for intention in intentions(POLL, random.Random(seed), 4.0):
        assert len(set(intention.choices)) == len(intention.choices) <= 2
        assert set(intention.choices) <= {"1", "2", "3"} and intention.after <= 4.0
    fixed = intentions({**POLL, "kind": "single", "allow_change": False}, random.Random(seed), 4.0)
    assert all(len(intention.choices) == 1 for intention in fixed) and len(fixed) <= 1


@given(st.integers(1, 2000), st.floats(4, 600), st.integers(0, 2**32))
def test_everybody_comes_and_the_host_waits_for_them(voters: int, seconds: float, seed: int) -> None:
    coming = arrivals(voters, seconds, random.Random(seed))
    assert len(coming) == voters and coming == sorted(coming)
    acts = plan(voters, seconds)
    assert acts == sorted(acts) and acts[0].at > 0
    for poll in range(3):
        own = [act.action for act in acts if act.poll == poll and act.action in ("open", "close")]
        assert own == ["open", "close"] * (2 if poll == 2 else 1)
    assert 0 < reaction(voters, seconds) <= 6


# -- the stage and the report


def test_a_rehearsal_s_wall_is_known_by_its_title_and_no_other_is() -> None:
    assert is_rehearsal(title_of(7, datetime(2026, 1, 2, tzinfo=UTC)))
    assert not is_rehearsal("livewall rehearse, Monday")


@pytest.mark.parametrize(("share", "found"), [(0.5, 2), (0.95, 4), (1.0, 4)])
def test_a_quantile_is_one_of_the_values(share: float, found: int) -> None:
    assert quantile([4, 1, 3, 2], share) == found
    assert quantile([], share) is None


def test_what_a_server_says_of_its_process_is_read_and_silence_too() -> None:
    lines = ["# HELP x", "process_cpu_seconds_total 1.5", "process_resident_memory_bytes 4e+07"]
    assert parse("\n".join([*lines, "process_start_time_seconds 9", ""])) == (1.5, 4e7, 9.0)
    assert parse("livewall_readers 3\n") is None
