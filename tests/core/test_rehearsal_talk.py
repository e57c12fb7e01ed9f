"""What rehearsals of talking and asking find wrong: everything that a correct server would not do, and nothing else."""

from __future__ import annotations

from typing import Any

from livewall.rehearsal.talk_checks import Saying, TalkLedger, compare_said, compare_votes, wrong_entries


def ledger(*sayings: tuple[str, int | None, bool]) -> TalkLedger:
    return TalkLedger({id: Saying("v1", f"text {id}", number, refused) for id, number, refused in sayings})


def found(*messages: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"n": n, "id": id, "text": f"text {id}"} for n, id in messages]


def faults(*arguments: Any) -> list[str]:
    return [fault.text for fault in compare_said(*arguments)]


def test_what_was_acknowledged_and_what_may_have_been_is_right() -> None:
    known = ledger(("a", 1, False), ("b", None, False), ("c", None, True), ("d", None, False))
    assert known.unknown == 2
    assert not faults(known, found((1, "a"), (2, "b")), ())
    assert not faults(known, found((1, "a")), ())


def test_what_a_host_withdrew_is_right() -> None:
    assert not faults(ledger(("a", 1, False)), [{"n": 1, "withdrawn": "host", "at": ""}], [1])
    assert faults(ledger(("a", 1, False)), [{"n": 1, "withdrawn": "host", "at": "", "text": ""}], [])


def test_each_kind_of_wrong_is_found() -> None:
    known = ledger(("a", 1, False), ("b", 2, False), ("c", None, True))
    assert faults(known, found((1, "a")), ()) == ["2 of v1 was acknowledged and is not there"]
    assert faults(known, found((1, "a"), (2, "b"), (3, "a")), ()) == ["3 is there twice"]
    assert faults(known, found((1, "a"), (2, "b"), (3, "x")), ()) == ["3 belongs to nobody"]
    assert faults(known, found((1, "a"), (2, "b"), (3, "c")), ()) == ["3 of v1 was refused"]
    assert "number 2 is 3" in faults(known, found((1, "a"), (3, "b")), ())
    other = [{"n": 1, "id": "a", "text": "another"}, *found((2, "b"))]
    assert faults(known, other, ()) == ["1 of v1 was acknowledged as 1, or has another text"]


def test_votes_are_those_that_people_know_of() -> None:
    known = TalkLedger(votes={1: {"a", "b"}}, maybe={1: {"a", "b", "c"}})
    wrong = {votes for votes in range(7) if compare_votes(known, [{"n": 1, "votes": votes}])}
    assert wrong == {0, 1, 2, 5, 6}
    assert compare_votes(known, [{"n": 2, "votes": 2}])


def test_a_reader_shows_exactly_what_it_should() -> None:
    truth = {"question/1": {"n": 1}}
    assert wrong_entries({"question/1": {"n": 1}, "questions": {}}, truth) is None
    assert wrong_entries({"question/1": {"n": 1}, "question/2": {"n": 2}}, truth) == "it shows question/2"
    assert wrong_entries({}, truth) and wrong_entries(None, truth) and wrong_entries({"question/1": {"n": 2}}, truth)
