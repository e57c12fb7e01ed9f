"""Decks: what is written is read again as it was, and what people type is understood or refused with its lines."""

from __future__ import annotations

import string
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.errors import BadInput
from livewall.visible_text import shows, skeleton
from livewall.voting.decks import deck, question_file
from livewall.voting.decks.reader import MAX_PROBLEMS, DeckFault
from livewall.voting.poll import as_input, new_poll
from livewall.wire import OptionIn, PollIn

TRICKY = st.sampled_from(
    [
        "#", "# a", "##", "- a", "* a", "-", "1. a", "1)", "12、a", "c) a", "• a", "– a", "<!--", "-->", "---",
        "<!-- a -->", "\\<!--", "[x]", "[ ] a",
        "===", "```", "~~~", "\\",
        "\\\\", "\\#", "\\ ", "results: live", "Results：", "max: 3", "choices", "{#a}", "a {#a}", " {}", "{abstain}",
        "\\{#a}", "{", "}", " ", "  ", "\t", "\n", "\n\n", "שלום", "\u202eمرحبا", "你好，世界", "👩‍👩‍👧", "\u2028",
        "\x85", "\u3000", "\xa0", "\ufeff", "<b>", "&amp;", "*bold*", "[x](y)", "| a |", "> q", "e\u0301", "：", "C:\\",
        "\\nabla", "a  \nb", "\nA. x\nANSWER: A", "ANSWER: B", "{=a ~b}", "::t::", "$CATEGORY: x",
        "Question,Option 1,Option 2",
    ]
)  # fmt: skip
FREE = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\\#-*+. {}"), max_size=30)
TEXT = st.lists(TRICKY | FREE | st.text(string.punctuation + " \n1a", max_size=8), min_size=1, max_size=6).map("".join)


def texts(most: int) -> st.SearchStrategy[str]:
    """Texts that the API takes, as it keeps them."""
    return TEXT.map(lambda text: text[:most].strip()).filter(shows)


@st.composite
def polls(draw: st.DrawFn) -> PollIn:
    labels = draw(st.lists(texts(200), min_size=1, max_size=40, unique_by=skeleton))
    ids = draw(st.lists(st.text(string.ascii_letters + "._-", min_size=1, max_size=40), unique=True, max_size=40))
    options: list[str | OptionIn] = [*labels]
    for place, id in enumerate(ids[: len(labels)]):
        if draw(st.booleans()):
            options[place] = OptionIn(labels[place], id)
    if len(labels) > 1 and draw(st.booleans()):
        place = draw(st.integers(0, len(labels) - 1))
        given = options[place]
        options[place] = OptionIn(labels[place], None if isinstance(given, str) else given.id, True)
    kind = draw(st.sampled_from(["single", "multi"]))
    return PollIn(
        title=draw(texts(500)),
        options=options,
        kind=kind,
        max_choices=1 if kind == "single" else draw(st.integers(1, len(options))),
        results=draw(st.sampled_from(["live", "after_vote", "after_close", "on_publish"])),
        allow_change=draw(st.booleans()),
        closes_in=draw(st.none() | st.integers(1, 366 * 86400)),
        assurance=draw(st.sampled_from(["open", "code"])),
        quorum=draw(st.none() | st.integers(1, 10_000_000)),
        majority=draw(st.sampled_from([None, "1/2", "2/3", "3/4"])),
        compare=draw(st.booleans()),
    )


@given(st.lists(polls(), min_size=1, max_size=3), texts(500) | st.just(""))
def test_what_is_written_is_read_again_as_it_was(made: list[PollIn], title: str) -> None:
    for each in made:
        kept = new_poll("", PollIn(each.title, each.options, wall=""))
        assert kept.title == each.title and [o.label for o in kept.options] == [
            o if isinstance(o, str) else o.label for o in each.options
        ]
    text = deck.format(made, title)
    assert deck.parse(text) == made
    assert deck.parse(text.replace("\n", "\r\n")) == made
    assert deck.format(deck.parse(text), title) == text
    assert question_file.read(text.encode()) == (made, []), "and is taken for no other format"


@given(TEXT, st.lists(TRICKY | FREE, max_size=30).map("\n".join))
def test_whatever_is_typed_is_read_or_refused_with_its_lines(title: str, text: str) -> None:
    typed = f"## {title}\n- a\n{text}"
    try:
        found = deck.parse(typed)
    except DeckFault as fault:
        last = typed.count("\n") + typed.count("\r") + 1
        assert fault.problems and all(1 <= problem.line <= last for problem in fault.problems)
        assert [problem.line for problem in fault.problems] == sorted(problem.line for problem in fault.problems)
    else:
        assert deck.parse(deck.format(found)) == found


@given(polls())
def test_a_poll_is_asked_for_as_it_was(given: PollIn) -> None:
    made = new_poll("", msgspec.structs.replace(given, wall=""))
    assert as_input(made, given.closes_in) == given


def test_every_field_of_a_poll_has_its_place_in_a_deck() -> None:
    settings = "choices: up to 2\nresults: after vote\nchange: no\ncloses in: 1 h\nassurance: code\n"
    settings += "quorum: 2\nmajority: 1/2\ncompare: yes\n"
    (found,), plain = deck.parse(f"## Q\n- A\n- B\n{settings}"), PollIn("Q", ["A", "B"])
    same = [name for name in PollIn.__struct_fields__ if getattr(found, name) == getattr(plain, name)]
    assert same == ["title", "options", "wall"]
    assert OptionIn.__struct_fields__ == ("label", "id", "abstain")


def test_the_longest_poll_there_is() -> None:
    labels: list[str | OptionIn] = ["\\" * 199 + chr(ord("а") + place) for place in range(39)]
    whole = PollIn("界" * 500, [*labels, OptionIn("#" * 200, "x" * 40)], "multi", 40)
    assert deck.parse(deck.format([whole])) == [whole]


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(DeckFault) as raised:
        deck.parse(text)
    return [(problem.line, problem.reason) for problem in raised.value.problems]


@pytest.mark.parametrize(
    "typed",
    [
        "## Which?\n\n- A\n- B\n",
        "##Which?\n* A\n* B",
        "# Which?\n+ A\n+ B",
        "Which?\n1. A\n2. B",
        "Which?\n1) A\n\n2) B\n\n",
        "Which?\na) A\nb) B\n",
        "Which?\n– A\n– B\n",
        "1. Which?\na) A\nb) B\n",
        "# The forum\n\n- Which?\n  - A\n  - B",
        "<!-- for me -->\nWhich?\n- A\n<!-- two\n\nlines -->\n- B",
        "\ufeffWhich?\r\n• A\r\n• B\r\n",
        "# The forum\n\nWhich?\n1、A\n2、B",
        "# The forum\n---\n### Which?\n    - A\n    - B\n---\n",
        "Which?\n\t-\tA\n\t-\tB\t\n",
    ],
)
def test_a_question_may_be_typed_in_many_ways(typed: str) -> None:
    assert deck.parse(typed) == [PollIn("Which?", ["A", "B"])]


@pytest.mark.parametrize("label", ["#\n#}", "{\n#a}", "a {\n#b}", "x {#b}", "{#\n#}", "abstain}"])
def test_a_label_that_ends_like_marks_is_read_again_as_it_was(label: str) -> None:
    polls = [PollIn("T", [label, "other"])]
    assert deck.parse(deck.format(polls)) == polls


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ("choices: several", {"kind": "multi", "max_choices": 3}),
        ("Choices: up to 2", {"kind": "multi", "max_choices": 2}),
        ("choices: 2", {"kind": "multi", "max_choices": 2}),
        ("choices: one", {}),
        ("kind: multi", {"kind": "multi", "max_choices": 3}),
        ("kind: multi\nmax_choices: 1", {"kind": "multi", "max_choices": 1}),
        ("max: 2", {"kind": "multi", "max_choices": 2}),
        ("max: 1", {}),
        ("results: after_close", {"results": "after_close"}),
        ("RESULTS： After vote", {"results": "after_vote"}),
        ("allow_change: false", {"allow_change": False}),
        ("change: no", {"allow_change": False}),
        ("closes in: 90", {"closes_in": 90}),
        ("closes_in: 2 minutes", {"closes_in": 120}),
        ("closes-in: 1:30", {"closes_in": 90}),
        ("closes in: 1 h", {"closes_in": 3600}),
        ("closes in: 2d", {"closes_in": 172800}),
        ("assurance: code", {"assurance": "code"}),
        ("quorum: 20", {"quorum": 20}),
        ("majority: 2/3", {"majority": "2/3"}),
        ("compare: yes", {"compare": True}),
    ],
)
@pytest.mark.parametrize("deck_of", ["## Q\n{}\n- A\n- B\n- C", "Q\n- A\n- B\n- C\n{}", "Q\n{}\n\n- A\n- B\n- C"])
def test_settings_stand_above_or_below_the_options(deck_of: str, typed: str, fields: dict[str, object]) -> None:
    assert deck.parse(deck_of.format(typed)) == [PollIn("Q", ["A", "B", "C"], **fields)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed",
    [
        "1. One?\n   - A\n   - B\n\n2. Two?\n   - C",
        "1) One?\na) A\nb) B\n2) Two?\na) C",
        "- One?\n\t- A\n\t- B\n- Two?\n\t- C",
        "One?\n- A\n- B\n2. Two?\n- C",
    ],
)
def test_questions_may_have_marks_of_their_own(typed: str) -> None:
    assert deck.parse(typed) == [PollIn("One?", ["A", "B"]), PollIn("Two?", ["C"])]


def test_an_option_has_its_marks_in_braces() -> None:
    typed = "Q\n- Yes {#y}\n- {1, 2}\n- Set {a}\n- Neither {Abstain #none}\n- C{abstain}\n- D {}\n- \\{abstain}"
    assert deck.parse(typed)[0].options == [
        OptionIn("Yes", "y"), "{1, 2}", "Set {a}", OptionIn("Neither", "none", True), "C{abstain}", "D {}", "{abstain}",
    ]  # fmt: skip


def test_lines_that_are_wrapped_belong_together() -> None:
    typed = "Which of them\ngoes out?\n- The one\n  from May\n- B\n\nAnd then?\n- C"
    first = PollIn("Which of them goes out?", ["The one from May", "B"])
    assert deck.parse(typed) == [first, PollIn("And then?", ["C"])]


@pytest.mark.parametrize(
    ("typed", "title", "options"),
    [
        ("## Q\n- a long\noption\n- B", "Q", ["a long option", "B"]),
        ("Q\n1. a long\noption\nof three\n2. B\nand more\n", "Q", ["a long option of three", "B and more"]),
        ("## Q\n* up to\n  three or\nfour?\n\n", "Q", ["up to three or four?"]),
        ("## Q\n- Is it so,\n  or not?\n- B", "Q", ["Is it so, or not?", "B"]),
        ("## Q\n- one\nresult of many\n- B", "Q", ["one result of many", "B"]),
        ("## Which? <!-- correct: Paris -->\n- Paris <!-- right -->\n- <!-- a --> Rome", "Which?", ["Paris", "Rome"]),
        ("Which <!-- x --> of <!-- y --> them?\n- wo<!-- z -->rd\n", "Which of them?", ["word"]),
        ("## Q <!-- of\n## two? --> and A?\n- A\n<!-- a\n-->- B", "Q", None),
        ("## Q\n<!-- a\n -->- A\n- B <!-- - C\n- D --><!-- - E -->\n", "Q", ["A", "B"]),
        ("## Q\n- A <!-- x --> y --> z\n- \\<!-- B -->", "Q", ["A y --> z", "<!-- B -->"]),
        ("## Q\n- \\\\<!-- x -->A", "Q", ["\\A"]),
    ],
)
def test_wrapped_options_and_comments(typed: str, title: str, options: list[str] | None) -> None:
    if options is None:
        assert [line for line, _ in problems(typed)] == [2]
    else:
        assert deck.parse(typed) == [PollIn(title, [*options])]


def test_a_question_may_begin_with_the_word_answer() -> None:
    assert deck.parse("## Q\n- A\n\nAnswer: yes or no?\n- Yes\n- Answer: no\n- So\n  Answer\\: it is")[1] == PollIn(
        "Answer: yes or no?", ["Yes", "Answer: no", "So Answer: it is"]
    )


def test_a_setting_behind_a_comment_counts() -> None:
    (found,) = deck.parse("## Q\n- A\n<!-- note --> results: after close\n<!-- a --> change: no <!-- b -->")
    assert (found.results, found.allow_change) == ("after_close", False)


def test_a_backslash_that_ends_an_option_is_no_line_break() -> None:
    assert deck.parse("Which drive?\n- C:\\\n- D:\\\nresults: after vote")[0].options == ["C:\\", "D:\\"]


def test_a_backslash_that_ends_a_line_of_a_text_is_one() -> None:
    assert deck.parse("## One\\\ntwo\n- A\\\n  \\- B")[0] == PollIn("One\ntwo", ["A\n- B"])


def test_options_that_look_the_same_have_ids_of_their_own() -> None:
    (found,) = deck.parse("## Q\n- Yes {#a}\n- yes {#b}")
    assert found.options == [OptionIn("Yes", "a"), OptionIn("yes", "b")]
    assert deck.parse(deck.format([found])) == [found]


def test_all_that_is_wrong_is_told_with_its_line() -> None:
    typed = """# Forum
## One

reslts: live
- A {#a}
- B {#a}
-
- C {#not good}
- D {#né}
results: sometimes
closes in: 0
max: 9
## Two
stray
## Three
```
- A
```
- A
- %s
change: no
allow change: no
""" % ("x" * 201)
    assert problems(typed) == [
        (4, "there is no setting 'reslts'; did you mean 'results'?"),
        (6, "the option has the id 'a', like that of line 5"),
        (7, "the option must not be empty"),
        (9, "'#né' is not an id: at most 40 letters, digits, . _ -"),
        (10, "results: must be live, after vote, after close, on publish; not 'sometimes'"),
        (11, "closes in: must be at least 1"),
        (12, "max_choices: there are only 5 options"),
        (13, "this has no options: write each on a line of its own below it, `- ` before it"),
        (14, "this is neither an option (`- ` before it) nor a setting"),
        (16, "a deck cannot contain a block of code; this one was not read"),
        (20, "the option must have at most 200 characters"),
        (22, "allow change: line 21 sets this already"),
    ]


@pytest.mark.parametrize(
    ("typed", "line", "why"),
    [
        ("", 1, "there is no question"),
        ("# Only a title\n", 1, "there is no question"),
        ("- A\n- B\n", 1, "an option belongs below a question"),
        ("results: live\n## Q\n- A", 1, "the setting 'results' belongs below a question"),
        ("Hello\n\nQ\n- A", 1, "has no options"),
        ("# T\n# U\n## Q\n- A", 2, "has no options"),
        ("## One?\n- A\n- B\n  - C\n  - D\n- E", 4, "begins differently from the options above it"),
        ("## One?\n- A\n  - B\n- C", 1, "no options"),
        ("- One?\n  - A\n- Two?", 3, "begins differently"),
        ("1. One?\na) A\n2. Two?", 3, "begins differently"),
        ("## Q\n- A\n<!-- mine\n- B", 3, "no end"),
        ("## Q\n- A <!-- mine", 2, "no end"),
        ("## Q\n- A\n- B\n<!--> c\n-->", 4, "ends where it begins"),
        ("## Q\n- A <!-- a <!-- b --> c -->\n- B", 2, "a comment within a comment"),
        ("## One?\n- A\n<!-- 10:15 --> (after the break)\n\n## Two?\n- <!-- A -->\n- B", 6, "must not be empty"),
        ("## One?\n- A\n\n<!-- 10:15 --> (after the break)\n\n## Two?\n- A", 4, "has no options"),
        ("## One?\n- A\n\n<!-- 10:15\n--> (after)\n## Two?\n- A", 5, "has no options"),
        ("First?\n- A\n- B\n\nChange: yes\n- Yes\n- No", 5, "a setting of the question above or a question"),
        ("First?\n- A\nChange: yes\n- Yes\n- No", 3, "a setting of the question above or a question"),
        ("## First?\n- A\n\nquorum: 2\nmajority: 1/2\n* Yes", 4, "a setting of the question above or a question"),
        ("Welcome\n\nChange: yes\n- Yes", 3, "a setting of the question above or a question"),
        ("One?\n- A\n- B\nAnd then?\n- C\n- D", 4, "a question or the rest of the option above"),
        ("## Q\n- A\n+ B\n- C", 3, "begins differently from the options above it"),
        ("Q?\n1. A\n2. B\nANSWER: 2\n", 4, "seems to reveal the correct answer"),
        ("## Q?\n- A\n- B\n\nCorrect answer: A\n", 5, "seems to reveal the correct answer"),
        ("Which?\nAnswer: B\n- A\n- B", 2, "seems to reveal the correct answer"),
        ("## Q?\n- A\n  Explanation: it is\n- B", 3, "seems to reveal the correct answer"),
        ("## Q?\n[//]: # (correct: A)\n- A\n- B", 2, "would be shown"),
        ("## Q?\n- A\n[comment]: <> (this one)\n- B", 3, "would be shown"),
        ("## Q\n- [x] A\n- B", 2, "mark correct answers"),
        ("## Q\n- A\n- B\n- a\u200b", 4, "looks like that of line 2"),
        ("## Q\n- A {#x}\n- A", 3, "looks like that of line 2"),
        ("## Q\n- A\n- \u3164", 3, "nothing of this text can be seen"),
        ("## \u2060\n- A", 1, "nothing of this text can be seen"),
        ("## \n- A", 1, "the question must not be empty"),
        ("## " + "x" * 501 + "\n- A", 1, "the question must have at most 500 characters"),
        ("## Q\n" + "".join(f"- A{n}\n" for n in range(41)), 42, "at most 40 options"),
        ("## Q\n- A\n" * 501, 1001, "at most 500 polls"),
        ("## Q\n- A\x07", 2, "the option has control characters"),
        ("## Q\n- A {#a #b}", 2, "one id"),
        ("## Q\n- A\n- B {abstain}\n- C {abstain}", 1, "only one option can be the abstention"),
        ("## Q\n- A {abstain}", 1, "an option besides the abstention"),
        ("## Q\n- A\nquorum: 0", 3, "quorum: must be at least 1"),
        ("## Q\n- A\nmajority: 3/5", 3, "1/2, 2/3, 3/4"),
        ("## Q\n- A\nkind: single\nmax: 2", 4, "a single poll has exactly 1"),
        ("## Q\n- A\nchoices: 99", 3, "at most 40"),
        ("## Q\n- A\nresults: live\nreslts: live", 4, "did you mean 'results'"),
        ("## Q\n- A\nResults = after close", 3, "write `Results: …`"),
        ("## Q\n- A\nfoo: bar", 3, "there is no setting 'foo'; indent a line that continues the option"),
        ("## Q\n- A\nand more\nnot known=1", 4, "there is no setting 'not known'"),
        ("## Q\nresults = live\n- A", 2, "write `results: …`"),
        ("Q\nreslts: live\n- A", 2, "did you mean 'results'"),
    ],
)
def test_what_is_refused(typed: str, line: int, why: str) -> None:
    assert [at for at, said in problems(typed) if why in said] == [line]


@pytest.mark.parametrize(
    "line",
    ["  foo: bar", "  Results = after close", r"foo\: bar", "at 10:15", "https://example.org", "a == b", "i, e, x: c"],
)
def test_a_line_that_cannot_be_a_setting_continues_the_option_above(line: str) -> None:
    [poll] = deck.parse(f"## Q\n- A\n{line}\n- B")
    assert poll.options == ["A " + line.strip().replace("\\", ""), "B"]


def test_the_decks_of_the_manual_are_decks() -> None:
    manual = (Path(__file__).resolve().parents[2] / "docs" / "decks.md").read_text()
    shown = [part.partition("\n")[2] for part in manual.split("```")[1::2]]
    marked, plain = (deck.parse(each) for each in shown)
    assert [poll.title for poll in marked] == [
        "Which release goes out?", "Which two topics next?", "Shall the fee rise?",
    ]  # fmt: skip
    assert (marked[1].max_choices, marked[1].closes_in, marked[2].majority) == (2, 120, "2/3")
    assert deck.format(marked, "Autumn Forum") == shown[0]
    assert plain == [
        PollIn("Which release goes out?", ["4.2", "4.1.7"], results="after_close"),
        PollIn("And who pays?", ["We do", "They do"]),
    ]


def test_a_hundred_problems_are_enough() -> None:
    assert len(problems("## Q\n" * 200)) == MAX_PROBLEMS


def test_a_fault_names_its_lines_as_fields() -> None:
    with pytest.raises(DeckFault) as raised:
        deck.parse("## Q\n- \n- ")
    assert raised.value.fields == {"line 2": "the option must not be empty", "line 3": "the option must not be empty"}
    assert str(raised.value) == "line 2: the option must not be empty (and 1 more)"


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    assert deck.text_of(b"\xef\xbb\xbf## Q") == "## Q"
    with pytest.raises(DeckFault) as raised:
        deck.text_of(b"## Q\n- \xff")
    assert raised.value.problems[0].line == 2
    with pytest.raises(BadInput) as large:
        deck.text_of(b"x" * (deck.MAX_BYTES + 1))
    assert large.value.code == "too_large"
