"""What readers may see, and how they move between the views of a stream when that changes."""

from __future__ import annotations

from hall import POLL, Hall, read_all
from hub_model import FRAMINGS

from livewall.errors import NotAllowed
from livewall.hub.load_requests import LoadViewerState
from livewall.hub.position import View


def test_a_change_of_view_is_a_reset_with_positions_of_the_other_view(hall: Hall) -> None:
    client = hall.come()
    hall.tally(1)
    hall.hand_out()
    hall.say("show", {"show": "none"})
    hall.settle()
    checker = client.checkers[POLL]
    assert set(checker.state) == {"show", "turnout"}
    assert checker.pos == "e1~.4" and checker.resets == 2


def test_a_hidden_tally_does_not_overtake_the_end_of_the_right_to_it(in_small_steps: None, hall: Hall) -> None:
    clients = [hall.come(name) for name in ("a", "b", "c")]
    hall.tally(1)
    hall.work(1)
    hall.say("show", {"show": "none"})
    hall.say("tally", {"count": 2}, View.FULL)
    hall.settle()
    assert all(c.checkers[POLL].state.keys() == {"show", "turnout"} for c in clients)


def test_a_voter_sees_the_tally_when_its_ballot_counts_and_no_longer_when_it_is_retracted(hall: Hall) -> None:
    hall.say("show", {"show": "voted"})
    hall.tally(4)
    client, other = hall.come("ann"), hall.come("bob")
    assert "tally" not in client.checkers[POLL].state
    hall.vote(POLL, "ann", True)
    hall.settle()
    assert client.checkers[POLL].state["tally"]["count"] == 4
    assert other.checkers[POLL].resets == 1
    hall.vote(POLL, "ann", False)
    hall.settle()
    assert "tally" not in client.checkers[POLL].state


def test_a_reader_with_unknown_facts_waits_for_them_and_resumes(hall: Hall) -> None:
    hall.say("show", {"show": "voted"})
    hall.vote(POLL, "ann", True)
    client = hall.come("ann")
    at = client.checkers[POLL].pos
    hall.connect(client, FRAMINGS["ws"])
    hall.subscribe(client, POLL, at)
    hall.attach(0)
    assert [type(w) for w in hall.hub.load_requests] == [LoadViewerState]
    hall.settle()
    assert client.checkers[POLL].resets == 1 and at == "e1.2"


def test_an_answer_that_a_ballot_overtook_is_stale(hall: Hall) -> None:
    hall.say("show", {"show": "voted"})
    hall.tally(1)
    client = hall.join("ann", False)
    hall.connect(client, FRAMINGS["ws"])
    hall.open()
    hall.subscribe(client, POLL, None)
    hall.attach(0)
    hall.collect()
    hall.read(hall.asks[0])
    hall.vote(POLL, "ann", True)
    hall.publish()
    hall.answer(hall.asks[0])
    hall.settle()
    assert client.checkers[POLL].state["tally"]["count"] == 1


def test_unknown_facts_are_asked_for_once_and_not_again_while_the_answer_is_nothing(hall: Hall) -> None:
    hall.say("show", {"show": "voted"})
    client = hall.come()
    for cursor in client.reader.cursors.values():
        cursor.viewer_state = None
    stream = hall.hub.streams[POLL]
    for _ in range(5):
        hall.hub.recheck(stream)
    (wish,) = hall.hub.load_requests
    hall.hub.load_requests.clear()
    assert isinstance(wish, LoadViewerState)
    hall.hub.viewer_state_loaded(wish.cursor, None)
    assert not hall.hub.load_requests


def test_who_loses_a_stream_is_told_why_and_keeps_the_others(hall: Hall) -> None:
    hall.say("a", {}, name="polls/b")
    client = hall.come("ann", POLL, "polls/b")
    hall.say("show", {"show": "private"})
    hall.settle()
    assert client.checkers[POLL].error == NotAllowed().body()
    hall.say("a", {"x": 1}, name="polls/b")
    hall.settle()
    assert client.checkers["polls/b"].state["a"]["x"] == 1


def test_a_recheck_moves_readers_without_any_event(hall: Hall) -> None:
    client = hall.come()
    hall.hub.streams[POLL].state["show"] = {"show": "none"}
    hall.hub.recheck(hall.hub.streams[POLL])
    hall.hand_out()
    assert [m.get("pos") for m in read_all(client)][-1] == "e1~.1"
    hall.hub.streams[POLL].state["show"] = {"show": "all"}
    hall.hub.recheck(hall.hub.streams[POLL])
    hall.faults.clear()  # the store never said so
