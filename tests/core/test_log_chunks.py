"""A log against a model that is plain bytes: whatever is appended, closed, cut out and opened again, the bytes, lines,
times and matches read back are those of the model. The sizes are small, so that edges are everywhere."""

from __future__ import annotations

import sqlite3
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import UNSET

from livewall.ansi.screen import render_line
from livewall.tasks.logs import rows
from livewall.tasks.logs.chunks import (
    Mark,
    Sizes,
    marks_between,
    nth_newline,
    ordered_marks,
    pack_marks,
    pieces,
    time_at,
    unpack_marks,
    valid_range,
)
from livewall.tasks.logs.folding import folded
from livewall.tasks.logs.lines import LogLine, Match
from livewall.tasks.logs.numbering import Gap, Numbering
from livewall.tasks.logs.reading import View, read_bytes, text_of
from livewall.tasks.logs.schema import make_tables
from livewall.tasks.logs.search import Search, bytes_before

SIZES = Sizes(chunk=32, row=8)
LINE = 12
WORDS = [b"a", b"B", b"ab", b"\n", b"\r", b"\xff", "é".encode(), b"\x1b[1m", b"aaaa"]
texts = st.lists(st.sampled_from(WORDS), max_size=30).map(b"".join)


class Model:
    """What stands where: bytes, when they came, and None for what was cut out."""

    def __init__(self) -> None:
        self.bytes: list[int | None] = []
        self.at: list[int] = []

    def segments(self) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        start = 0
        while start < len(self.bytes):
            end = start
            gone = self.bytes[start] is None
            while end < len(self.bytes) and (self.bytes[end] is None) == gone:
                end += 1
            if not gone:
                found.append((start, bytes(b for b in self.bytes[start:end] if b is not None)))
            start = end
        return found

    def lines(self) -> list[tuple[int, bytes | None]]:
        """(offset, text) in order; None is a gap, whose offset is where it begins."""
        found: list[tuple[int, bytes | None]] = []
        end = 0
        for start, data in self.segments():
            if start > end:
                found.append((end, None))
            at = start
            for part in split(data):
                found.append((at, part.removesuffix(b"\n")))
                at += len(part)
            end = start + len(data)
        if end < len(self.bytes):
            found.append((end, None))
        return found


def split(data: bytes) -> list[bytes]:
    parts = [part + b"\n" for part in data.split(b"\n")]
    parts[-1] = parts[-1][:-1]
    return [part for part in parts if part]


class Logs(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.c = sqlite3.connect(":memory:", isolation_level=None)
        make_tables(self.c)
        self.other = rows.append(self.c, rows.find_or_insert(self.c, "1", "other"), b"x\ny", [Mark(3, 1)], SIZES)
        self.log = rows.find_or_insert(self.c, "1", "a")
        self.model = Model()
        self.now = 0

    def teardown(self) -> None:
        self.c.close()

    @rule(text=texts, parts=st.integers(1, 3))
    def append(self, text: bytes, parts: int) -> None:
        start, marks = len(self.model.bytes), []
        for n in range(1, parts + 1):
            self.now += 1
            marks.append(Mark(start + len(text) * n // parts, self.now))
            self.model.at += [self.now] * (marks[-1].before - len(self.model.at))
        self.log = rows.append(self.c, self.log, text, marks, SIZES)
        self.model.bytes += text

    @rule()
    def close(self) -> None:
        self.log = rows.close(self.c, self.log)

    @rule(start=st.integers(0, 200), size=st.integers(1, 60), beyond=st.booleans())
    def cut(self, start: int, size: int, beyond: bool) -> None:
        start = min(start, len(self.model.bytes))
        end = start + size if beyond else min(start + size, len(self.model.bytes))
        if start == end:
            return
        self.log = rows.add_gap(self.c, self.log, start, end)
        self.model.bytes[start:end] = [None] * (end - start)
        self.model.at += [0] * (len(self.model.bytes) - len(self.model.at))

    @rule()
    def open_again(self) -> None:
        found = rows.find(self.c, "1", "a")
        assert found == self.log

    @invariant()
    def the_log_is_the_model(self) -> None:
        rows.save(self.c, self.log, 1)
        view = View.of(self.c, "1", "a")
        assert view is not None
        held = self.model.segments()
        self.spans(view, held)
        self.lines(view)
        stored = self.c.execute(
            "SELECT COALESCE(SUM(length(data) + length(marks) + 64), 0) FROM chunks WHERE log = ?", (self.log.id,)
        ).fetchone()[0]
        assert self.log.stored == stored

    def spans(self, view: View, held: list[tuple[int, bytes]]) -> None:
        for start, data in held:
            assert read_bytes(self.c, self.log.id, start, 10_000) == data
            for at in {0, len(data) // 2, len(data) - 1}:
                assert view.numbering.span(start + at) == (start + at, start + len(data))
                assert read_bytes(self.c, self.log.id, start + at, 7) == data[at : at + 7]
        for (start, data), (behind, _) in pairwise(held):
            gap = start + len(data)
            assert read_bytes(self.c, self.log.id, gap, 10) == b""
            assert view.numbering.span(gap)[0] == behind == view.numbering.span(behind - 1)[0]

    def lines(self, view: View) -> None:
        expected = self.model.lines()
        items: list[LogLine] = []
        n = 1
        while True:
            found = view.lines(n, 3, line=LINE)
            assert found.bytes == len(self.model.bytes) and found.lines == self.log.end.lines
            items += found.items
            if found.next is None:
                break
            assert int(found.next) > n
            n = int(found.next)
        assert len(items) == len(expected)
        numbers = [item.n for item in items]
        assert numbers == sorted(set(numbers)) and (not numbers or numbers[-1] <= found.lines)
        for item, (offset, text) in zip(items, expected, strict=True):
            if text is None:
                assert item.gap and set(msgspec.to_builtins(item)) == {"n", "gap"}
                continue
            assert item.offset == offset and item.cut == (len(text) > LINE)
            assert item.text == text_of(text[:LINE], whole=len(text) <= LINE)
            assert (item.size or len(text)) == len(text)
            assert item.at == f"1970-01-01T00:00:00.{self.model.at[offset]:03}Z"
            assert view.lines(item.n, 1, line=LINE).items == [item]
        last = view.lines(-2, 1000, line=LINE).items
        assert last == [item for item in items if item.n > found.lines - 2]

    @rule(q=st.sampled_from(["a", "ab", "B", "aaa", "é", "\r"]), case=st.booleans())
    def search(self, q: str, case: bool) -> None:
        """What is seen of a line is searched; a hit lies within the bytes of its line."""
        needle = folded("".join(span.text for span in render_line(q)), case=case)
        wanted = []
        for offset, text in self.model.lines():
            shown = "" if text is None else "".join(span.text for span in render_line(text_of(text, whole=True)))
            if text is not None and needle and needle in folded(shown, case=case):
                wanted.append((offset, offset + len(text)))
        search = Search(q, 1, 3, case=case)
        found = search.resume(self.c, "1", "a")
        assert found is not None
        assert found.count == len(wanted)
        self.lie_in(found.items, wanted[:3])
        assert (found.next is None) == (len(wanted) <= 3)
        view = View.of(self.c, "1", "a")
        assert view is not None
        for item in found.items:
            line, *after = view.lines(item.n, 2, line=LINE).items
            assert line.offset <= item.offset
            assert not after or after[0].gap or item.offset < after[0].offset
            assert needle in folded(item.text if item.shown is UNSET else item.shown, case=case)
        if found.next is not None:
            rest = Search(q, int(found.next), 100, case=case).resume(self.c, "1", "a")
            assert rest is not None
            self.lie_in(rest.items, wanted[3:])

    def lie_in(self, items: list[Match], wanted: list[tuple[int, int]]) -> None:
        assert len(items) == len(wanted)
        for item, (start, end) in zip(items, wanted, strict=True):
            assert start <= item.offset < end


TestLogs = Logs.TestCase


def test_what_was_seen_before_it_was_cut_out_keeps_the_numbers_behind_it() -> None:
    c = sqlite3.connect(":memory:", isolation_level=None)
    make_tables(c)
    text = b"".join(b"line %d\n" % n for n in range(1, 101))
    log = rows.append(c, rows.find_or_insert(c, "1", "a"), text, [Mark(len(text), 5)], SIZES)
    log = rows.add_gap(c, log, text.index(b"e 11\n"), text.index(b"ne 61\n"))
    log = rows.add_gap(c, log, text.index(b"e 11\n"), text.index(b"ne 71\n"))
    rows.save(c, log, 1)
    view = View.of(c, "1", "a")
    assert view is not None
    shown = [(item.n, item.text or None) for item in view.lines(10, 5).items]
    assert shown == [(10, "line 10"), (11, "lin"), (12, None), (71, "ne 71"), (72, "line 72")]
    assert view.lines(30, 1).items[0].n == 71
    assert view.lines(1, 1).lines == 100
    c.close()


@given(texts, st.integers(1, 9))
def test_pieces_are_the_text_and_have_its_times(text: bytes, size: int) -> None:
    marks = [Mark(10 + at + 1, at // 3) for at in range(len(text))]
    found = list(pieces(10, text, marks, size))
    assert b"".join(piece.data for piece in found) == text
    for piece in found:
        assert piece.marks[-1].before == piece.start + len(piece.data)
        assert unpack_marks(pack_marks(piece.marks, piece.start), piece.start) == piece.marks
        for at in range(piece.start, piece.start + len(piece.data)):
            assert time_at(piece.marks, at) == (at - 10) // 3


def test_marks_that_say_the_same_become_one() -> None:
    assert marks_between([Mark(4, 1), Mark(8, 1), Mark(9, 2)], 2, 20) == [Mark(8, 1), Mark(9, 2)]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 1 << 63))), st.integers(0, 20), st.integers(0, 30))
def test_a_damaged_file_of_times_still_gives_each_byte_one(said: list[tuple[int, int]], start: int, size: int) -> None:
    marks = ordered_marks([Mark(*one) for one in said], start, start + size, 7)
    befores = [mark.before for mark in marks]
    assert befores == sorted(set(befores)) and (befores[-1:] or [start]) == [start + size]
    pack_marks(marks, start)


def test_a_mark_that_reaches_beyond_what_was_read_says_when_that_came() -> None:
    assert ordered_marks([Mark(2, 1), Mark(9, 4)], 3, 6, 7) == [Mark(6, 4)]


@given(texts.filter(lambda t: b"\n" in t), st.data())
def test_the_nth_newline_is_found(text: bytes, data: st.DataObject) -> None:
    text = text * 20
    n = data.draw(st.integers(1, text.count(b"\n")))
    at = nth_newline(text, n)
    assert text[at : at + 1] == b"\n" and text.count(b"\n", 0, at) == n - 1


@given(st.integers(0, 40), st.integers(0, 20), st.integers(0, 40), st.integers(1, 20))
def test_nothing_of_a_hole_is_used_and_all_before_it_is(position: int, size: int, begin: int, width: int) -> None:
    start, stop = valid_range(position, size, (begin, begin + width))
    assert stop <= begin or start >= begin + width or start == stop
    assert start == position or start == begin + width
    if position < begin:
        assert (start, stop) == (position, min(position + size, begin))
    assert valid_range(position, size, None) == (position, position + size)


def test_a_gap_in_which_no_newline_was_seen_has_a_number_of_its_own() -> None:
    numbering = Numbering([Gap(5, 9, 1, 1, True)], 12, 1, True)
    assert [(s.first, s.last) for s in numbering.segments] == [(1, 2), (4, 4)]
    assert numbering.lines == 4


PIECES = [b"a", "é".encode(), "\ufffd".encode(), b"\xff", b"\xe2\x82", b"\xf0\x9f"]


@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_a_character_that_was_replaced_counts_as_its_bytes(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    assert bytes_before(raw, len(text)) == len(raw)
    for number in range(len(text)):
        assert raw[: bytes_before(raw, number)].decode("utf-8", "replace") == text[:number]
