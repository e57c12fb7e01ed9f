"""Which transport comes next."""

from livewall.client.ladder import FIRST_CLIMB, LAST_PAUSE, SHORT_CONNECTION, Ladder


def connected(ladder, now, lived):
    """A connection that delivers and is lost after `lived` seconds."""
    ladder.opening(now)
    ladder.deliver(now)
    return ladder.failed(now + lived, reached=True)


def test_a_transport_that_delivers_nothing_is_given_up_at_once():
    ladder = Ladder()
    ladder.opening(0)
    assert ladder.failed(1, reached=True) == 0
    assert ladder.transport == "sse"


def test_a_server_that_is_away_says_nothing_about_the_transport():
    ladder = Ladder()
    for now in range(20):
        ladder.opening(now)
        pause = ladder.failed(now, reached=False)
    assert ladder.transport == "websocket"
    assert pause == LAST_PAUSE


def test_one_short_life_is_bad_luck_and_two_are_something_on_the_way():
    ladder = Ladder()
    assert connected(ladder, 0, 5) > 0
    assert ladder.transport == "websocket"
    connected(ladder, 6, 5)
    assert ladder.transport == "sse"


def test_a_long_life_forgives_a_short_one():
    ladder = Ladder()
    connected(ladder, 0, 5)
    connected(ladder, 10, SHORT_CONNECTION + 1)
    connected(ladder, 30, 5)
    assert ladder.transport == "websocket"


def test_being_sent_away_costs_the_time_the_server_asked_for():
    ladder = Ladder()
    for now in (0, 1, 2):
        ladder.opening(now)
        ladder.deliver(now)
        assert ladder.failed(now, reached=True, hint=1.5) == 1.5
    assert ladder.transport == "websocket"


def test_the_last_rung_is_kept_whatever_happens():
    ladder = Ladder(rung=3)
    for now in range(5):
        ladder.opening(now)
        assert ladder.failed(now, reached=True) > 0
    assert ladder.transport == "polling"


def test_the_ladder_is_tried_again_from_the_top_and_ever_more_rarely():
    ladder = Ladder(rung=2)
    ladder.deliver(0)
    assert not ladder.climb(FIRST_CLIMB - 1)
    assert ladder.climb(FIRST_CLIMB)
    assert ladder.transport == "websocket"
    for now in (40, 41):
        ladder.opening(now)
        ladder.failed(now, reached=True)
    ladder.deliver(42)
    assert not ladder.climb(42 + FIRST_CLIMB)
    assert ladder.climb(42 + 2 * FIRST_CLIMB)


def test_delivering_at_the_top_ends_the_climbing():
    ladder = Ladder(rung=2)
    ladder.deliver(0)
    ladder.climb(FIRST_CLIMB)
    ladder.deliver(31)
    assert not ladder.climb(10_000)
