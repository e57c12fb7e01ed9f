"""Files of questions that other programs wrote: read rightly, or refused by the name of their format."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.errors import BadInput
from livewall.voting.decks import deck, question_file
from livewall.voting.decks.drafts import RIGHT_ANSWERS
from livewall.voting.decks.reader import DeckFault
from livewall.voting.decks.table import TIME
from livewall.wire import PollIn

CAPITAL = PollIn("What is the capital of France?", ["Paris", "Rome, Italy", "Bonn"])
RED = PollIn("Which is red?", ["Rose", "Grass"])


def read(text: str | bytes) -> tuple[list[PollIn], list[str]]:
    return question_file.read(text.encode() if isinstance(text, str) else text)


def problems(text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(DeckFault) as raised:
        read(text)
    return [(problem.line, problem.reason) for problem in raised.value.problems]


AIKEN = """What is the capital of France?
A. Paris
B. Rome, Italy
C. Bonn
ANSWER: A

Which is red?
A) Rose
B) Grass
ANSWER: A
"""
GIFT = """// What teachers write
$CATEGORY: $course$/Geography

::Q1:: What is the capital of France? {
  =Paris#Yes!
  ~Rome, Italy # No.
  ~%-50%Bonn
  ####General feedback
}

[plain]Which is red? {=Rose ~Grass}
"""
CSV = """Question,Option 1,Option 2,Option 3,Correct answer
"What is the capital of France?",Paris,"Rome, Italy",Bonn,1
Which is red?,Rose,Grass,,1
"""
SEMICOLON = CSV.replace('"Rome, Italy"', "Rome\t Italy").replace(",", ";").replace("\t", ",")


@pytest.mark.parametrize("text", [AIKEN, GIFT, CSV, SEMICOLON, "sep=;\n" + SEMICOLON, CSV.replace("Option", "Answer")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_questions_are_the_same_in_whichever_format_and_code_they_come(text: str, encoding: str, end: str) -> None:
    data = text.replace("\n", end).encode(encoding)
    polls, notes = read(b"\xfe\xff" + data if encoding == "utf-16-be" else data)
    assert polls == [CAPITAL, RED] and notes == [RIGHT_ANSWERS]


def test_nothing_says_which_answer_was_right() -> None:
    for text in (AIKEN, GIFT, CSV):
        told = "".join(poll.title + "".join(map(str, poll.options)) for poll in read(text)[0])
        assert not [word for word in ("ANSWER", "=", "~", "%", "#", "Yes!", "orrect", "eedback") if word in told]
    left, right = read(AIKEN)[0], read(AIKEN.replace("ANSWER: A", "ANSWER: B"))[0]
    assert left == right


# -- Aiken


def test_aiken_may_be_wrapped_and_its_letters_small() -> None:
    polls, _ = read("Which of\nthem?\n\na) one\nof two\nb) two\nAnswer: b\n")
    assert polls == [PollIn("Which of them?", ["one of two", "two"])]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("Q?\nA. a\nB. b\nANSWER: C\n", 4, "must be the letter of one of the options"),
        ("Q?\nA. a\nC. b\nANSWER: A\n", 3, "stands where B is expected"),
        ("Q?\nA. a\nB. b\n\nR?\nA. a\nB. b\nANSWER: A\n", 1, "no line ANSWER"),
        ("Q?\nA. a\nB. b\nANSWER: A\n\nR?\nA. a\nB. b", 6, "no line ANSWER"),
        ("Q?\nA. a\nB. b\nANSWER: A\nANSWER: A", 5, "none above"),
        ("Q?\nA. a\nB. A\nANSWER: A\n", 3, "looks like"),
        ("Q?\nA. a\nB. \u3164\nANSWER: A\n", 3, "nothing of this text can be seen"),
        ("Stray\n\nQ?\nA. a\nB. b\nANSWER: A\n", 1, "neither a question"),
    ],
)
def test_what_is_wrong_in_aiken_is_told_with_its_line(text: str, line: int, why: str) -> None:
    assert [at for at, said in problems(text) if why in said] == [line]


# -- GIFT


@pytest.mark.parametrize(
    ("text", "poll"),
    [
        ("Two plus {=two ~three} is four.", PollIn("Two plus _____ is four.", ["two", "three"])),
        ("The sun rises in the east. {T}", PollIn("The sun rises in the east.", ["True", "False"])),
        ("::A::\nTrue? {FALSE#no#yes}", PollIn("True?", ["True", "False"])),
        ("Q\\: 1 \\= 1 \\{set\\}? {\n=a\\~b\n\n~c \\# d\n}", PollIn("Q: 1 = 1 {set}?", ["a~b", "c # d"])),
        ("Which two? {~%50%a ~%50%b ~%-100%c}", PollIn("Which two?", ["a", "b", "c"], "multi", 3)),
        ("[html]Which? {=[plain]a ~b}", PollIn("Which?", ["a", "b"])),
        ("Long\nquestion {\n=a long\nanswer\n~b}", PollIn("Long question", ["a long answer", "b"])),
    ],
)
def test_gift_of_many_kinds(text: str, poll: PollIn) -> None:
    assert read(text) == ([poll], [RIGHT_ANSWERS])


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("Q {=a ~b}\n\nEssay? {}", 3, "free text"),
        ("Q {=a ~b}\n\nHow many? {#3:1}", 3, "numbers"),
        ("Q {=a =b}", 1, "short answer"),
        ("Q {=a -> b =c -> d}", 1, "matching"),
        ("Q {=a ~b}\n\nWelcome!", 3, "no answers in braces"),
        ("Q {=a ~b", 1, "braces that do not match"),
        ("Q {=a ~b}\nWhich? {=c ~d}", 1, "leave a blank line between two questions"),
        ("[html]<b>Q</b> {=a ~b}", 1, "HTML"),
        ("Q {=a ~b}\n\n{=a ~b}", 3, "the question must not be empty"),
        ("Q {=a ~b\n~ }", 2, "the option must not be empty"),
    ],
)
def test_what_is_wrong_in_gift_is_told_with_its_line(text: str, line: int, why: str) -> None:
    assert [at for at, said in problems(text) if why in said] == [line]


def test_braces_in_a_deck_are_no_gift() -> None:
    text = "## Which macro?\n- {=a ~b}\n- {T}\n- x {#own}\n\n## Set {=a}?\n- A"
    assert [poll.title for poll in read(text)[0]] == ["Which macro?", "Set {=a}?"]


# -- tables


@pytest.mark.parametrize(
    ("text", "polls"),
    [
        ("Which?;A;B\nAnd, now?;C;D;E\n", [PollIn("Which?", ["A", "B"]), PollIn("And, now?", ["C", "D", "E"])]),
        ("Which?\tA\tB\n", [PollIn("Which?", ["A", "B"])]),
        ('Question,A,B\n"1. Two\nlines?","x\ny",z\n', [PollIn("1. Two\nlines?", ["x\ny", "z"])]),
        ('Question,Option 1,Option 2\n"He said ""yes""",a,b', [PollIn('He said "yes"', ["a", "b"])]),
        ("Question,Option\nQ?,A\n,B\nR?,C\nR?,D\n", [PollIn("Q?", ["A", "B"]), PollIn("R?", ["C", "D"])]),
        ("question;options\nQ?;A | B | C\n", [PollIn("Q?", ["A", "B", "C"])]),
        ("Frage;Antwort 1;Antwort 2;Richtig\nWas?;Dies;Das;1\n", [PollIn("Was?", ["Dies", "Das"])]),
        ("问题,选项1,选项2\n哪个？,甲,乙\n", [PollIn("哪个？", ["甲", "乙"])]),
        ("Title,Choice A,Choice B,Results\nQ?,x,y,after close\n", [PollIn("Q?", ["x", "y"], results="after_close")]),
        ("Question,Option 1,Option 2,Choices\nQ?,x,y,several\n", [PollIn("Q?", ["x", "y"], "multi", 2)]),
        (
            "Question Text,Question Type,Option 1,Option 2,Correct Answer,Time in seconds,Image Link\n"
            'Q?,Multiple Choice,a,b,1,30,\nR?,Checkbox,c,d,"1,2",20,\n',
            [PollIn("Q?", ["a", "b"]), PollIn("R?", ["c", "d"], "multi", 2)],
        ),
        ("Question Text,Option 1,Option 2,Answer\n- Dash?,x,y,x\n", [PollIn("- Dash?", ["x", "y"])]),
    ],
)
def test_tables_as_people_keep_them(text: str, polls: list[PollIn]) -> None:
    assert read(text)[0] == polls


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("Question,Option 1,Option 2,Picture\nQ?,a,b,c.png\n", 1, "the column 'Picture' has no place"),
        ("Question,Type,Option 1,Option 2\nQ?,Poll,a,b\nR?,Word cloud,,\n", 3, "the type 'word cloud'"),
        ("Item,X,Y\nQ?,a,b\n", 1, "does not say what the columns are"),
        ("Question,Option 1,Option 2\nQ?,a,b\n,c,d\n", 3, "the question must not be empty"),
        ("Question,Option 1,Option 2\nQ?,a,b,c\n", 2, "a column without a name"),
        ("Question,Option 1,Option 2\nQ?,,\n", 2, "no options"),
        ('Question,Option 1,Option 2\n"Q\n?",a,b\nR?,a,A\n', 4, "looks like"),
        ("Question,Option 1,Option 2,Results\nQ?,a,b,sometimes\n", 2, "results: must be"),
        ("Which; one?,A,B;C\nWhat?,D;E,F;G\n", 1, "commas or semicolons"),
        ("Question,Correct answer\nQ?,1\n", 1, "no column holds the options"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_with_its_line(text: str, line: int, why: str) -> None:
    assert [at for at, said in problems(text) if why in said] == [line]


def test_time_limits_are_said_not_to_be_kept() -> None:
    _, notes = read("Question,Option 1,Option 2,Time limit (sec),Correct\nQ?,a,b,20,1\n")
    assert notes == [RIGHT_ANSWERS, TIME]


def test_prose_with_commas_is_no_table() -> None:
    text = "Coffee, tea, or water?\n- Coffee\n- Tea, black, or green\n"
    assert read(text)[0] == [PollIn("Coffee, tea, or water?", ["Coffee", "Tea, black, or green"])]


# -- workbooks

NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def cell(place: int, row: int, value: str | float | None, shared: list[str]) -> str:
    name = f'r="{chr(65 + place)}{row}"'
    match value:
        case None:
            return ""
        case float() | int():
            return f"<c {name}><v>{value}</v></c>"
        case str() if value.startswith("<"):
            return value.replace("<c", f"<c {name}", 1)
        case _:
            shared.append(value)
            return f'<c {name} t="s"><v>{len(shared) - 1}</v></c>'


def sheet(rows: list[list[str | float | None]], shared: list[str], attributes: str = "") -> str:
    made = [
        f'<row r="{n}"{attributes}>{"".join(cell(p, n, v, shared) for p, v in enumerate(row))}</row>'
        for n, row in enumerate(rows, 1)
    ]
    return f"<worksheet {NS}><sheetData>{''.join(made)}</sheetData></worksheet>"


def workbook(*sheets: list[list[str | float | None]], attributes: str = "", **parts: str) -> bytes:
    shared: list[str] = []
    made = {f"xl/worksheets/sheet{n}.xml": sheet(rows, shared, attributes) for n, rows in enumerate(sheets, 1)}
    names = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, len(sheets) + 1))
    links = "".join(f'<Relationship Id="r{n}" Target="worksheets/sheet{n}.xml"/>' for n in range(1, len(sheets) + 1))
    texts = "".join(f"<si><t>{escape(text)}</t></si>" for text in shared)
    made |= {
        "xl/workbook.xml": f"<workbook {NS} {R}><sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships>{links}</Relationships>",
        "xl/sharedStrings.xml": f"<sst {NS}>{texts}</sst>",
        "xl/styles.xml": f'<styleSheet {NS}><numFmts><numFmt numFmtId="164" formatCode="General"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="49"/><xf numFmtId="164"/></cellXfs></styleSheet>',
    } | {name.replace("__", "/").replace("_DOT_", "."): text for name, text in parts.items()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in made.items():
            archive.writestr(name, text)
    return file.getvalue()


HEADER: list[str | float | None] = ["Question", "Option 1", "Option 2", "Option 3", "Correct"]


def test_a_workbook_is_read_as_it_is_shown() -> None:
    book = workbook(
        [
            HEADER,
            ["What is the capital of France?", "Paris", "Rome, Italy", "Bonn", 1],
            ["Which & <what>?", 4.2, '<c t="inlineStr"><is><r><t>rich </t></r><r><t>text</t></r></is></c>', None, 2],
            [None],
            ["And?", '<c t="str"><f>A1</f><v>cached_x000A_text</v></c>', '<c t="b"><v>1</v></c>', 0.1 + 0.2],
            ["Typed?", '<c s="2"><v>007</v></c>'.replace("007", "7"), '<c s="3"><v>8</v></c>'],
        ],
        [],
    )
    assert read(book) == (
        [
            CAPITAL,
            PollIn("Which & <what>?", ["4.2", "rich text"]),
            PollIn("And?", ["cached\ntext", "TRUE", "0.3"]),
            PollIn("Typed?", ["7", "8"]),
        ],
        [RIGHT_ANSWERS],
    )


@pytest.mark.parametrize(
    ("book", "line", "why"),
    [
        (workbook([HEADER, ["Q?", '<c s="1"><v>45000</v></c>', "b"]]), 2, "cell B2 holds a date"),
        (workbook([HEADER, ["Q?", '<c t="e"><v>#REF!</v></c>', "b"]]), 2, "cell B2 holds an error"),
        (workbook([HEADER, ["Q?", "a", "b"]], [["more"]]), 1, "more than one sheet"),
        (workbook([HEADER, ["Q?", "a", "b"]], attributes=' hidden="1"'), 1, "hidden"),
        (workbook([["My quiz"], HEADER, ["Q?", "a", "b"]]), 1, "does not say what the columns are"),
        (workbook([]), 1, "no question"),
        (workbook([HEADER, ["Q?", "a", "b"]])[:-30], 1, "damaged"),
    ],
)
def test_what_is_wrong_in_a_workbook_is_told_with_its_row(book: bytes, line: int, why: str) -> None:
    assert [at for at, said in problems(book) if why in said] == [line]


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def test_a_workbook_that_would_unpack_to_more_than_it_should_is_refused() -> None:
    huge = f"<sst {NS}>" + "<si><t>" + "a" * (40 << 20) + "</t></si></sst>"
    assert "too large when it is unpacked" in problems(workbook([HEADER], xl__sharedStrings_DOT_xml=huge))[0][1]
    for part in ("xl__sharedStrings_DOT_xml", "xl__workbook_DOT_xml", "xl__styles_DOT_xml"):
        book = workbook([HEADER, ["Q?", 1, "b"]], **{part: f"{BOMB}<sst {NS}><si><t>&b;</t></si></sst>"})
        assert "defines entities" in problems(book)[0][1]
    wide = sheet([[*HEADER]], []).replace('r="E1"', 'r="XFD1"')
    assert "too large for questions" in problems(workbook([HEADER], xl__worksheets__sheet1_DOT_xml=wide))[0][1]


@given(st.binary(max_size=200), st.integers(0, 5000))
def test_a_damaged_workbook_is_read_or_refused(noise: bytes, place: int) -> None:
    book = workbook([HEADER, ["Q?", "a", "b"]])
    place = place % len(book)
    try:
        read(book[:place] + noise + book[place + len(noise) :])
    except BadInput:
        pass


# -- what is not read

MOODLE = '<?xml version="1.0" encoding="UTF-8"?>\n<quiz><question type="multichoice"></question></quiz>'
AMC = "# mine\nPaperSize: A4\n\n* What is 1+1?\n- 1\n+ 2\n- 3\n\n** Which are even?\n+ 2\n+ 4\n- 5\n"
KAHOOT = [
    ["Quiz template"], ["Add questions, at least two answer alternatives"], [None],
    ["Question - max 120 characters", "Answer 1 - max 75 characters", "Answer 2 - max 75 characters",
     "Time limit (sec) – 5, 10, 20", "Correct answer(s) - choose at least one"],
    ["Q?", "a", "b", 20, 1],
]  # fmt: skip


def packed(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("file", "name", "advice"),
    [
        (MOODLE.encode(), "Moodle XML", "export the questions as GIFT or Aiken"),
        (MOODLE.partition("\n")[2].encode("utf-16"), "Moodle XML", "GIFT"),
        (AMC.encode(), "AMC-TXT", "write ## before each question"),
        (b"* Q?\r\n+ a\r\n- b\r\n", "AMC-TXT", "write ##"),
        (b"*[horiz] Q?\n- a\n+ b\n", "AMC-TXT", "write ##"),
        (workbook(KAHOOT), "Kahoot", "Question, Option 1"),  # type: ignore[arg-type]
        (workbook(KAHOOT[3:]), "Kahoot", "Question, Option 1"),  # type: ignore[arg-type]
        (b"Question - max 120 characters;Answer 1 - max 75 characters;Answer 2\nQ?;a;b\n", "Kahoot", ""),
        (workbook([["Mentimeter"], ["Q?", "a", "b"]]), "Mentimeter", "Question, Option 1"),
        (workbook([["Results of menti.com/abc", "x", "y"]]), "Mentimeter", "Question, Option 1"),
        (b'<?xml version="1.0"?><questestinterop></questestinterop>', "QTI", "GIFT, Aiken or CSV"),
        (b"<!DOCTYPE html><p>Q</p>", "HTML", "Markdown"),
        (b'{"questions": []}', "JSON", "Markdown"),
        (b"%PDF-1.7", "PDF", "Markdown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "older Office", ".xlsx"),
        (b"{\\rtf1 }", "RTF", "plain text"),
        (b"\x1f\x8b\x08", "Moodle backup", "GIFT"),
        (packed("word/document.xml"), "Word", "plain text"),
        (packed("content.xml", "mimetype"), "OpenDocument", ".xlsx"),
        (packed("ppt/presentation.xml"), "PowerPoint", "text"),
        (packed("imsmanifest.xml"), "QTI", "GIFT"),
        (packed("a.txt"), "packed", "unpack"),
    ],
)
def test_another_format_is_refused_by_its_name_with_what_to_do(file: bytes, name: str, advice: str) -> None:
    ((line, said),) = problems(file)
    assert line == 1 and name in said and advice in said


@pytest.mark.parametrize(
    "text",
    [
        "# Forum\n* A\n* B\n\n## Next\n+ C\n+ D\n\n## Third\n- E\n",
        "<!-- mine -->\n## Which?\n- A\n- B",
        "<b>Which?</b>\n- A\n- B",
        "## Do you know Kahoot, or menti.com?\n- Yes\n- No\n",
        "[link](x)?\n- A\n- B\n",
        "{x}?\n- A\n- B\n",
    ],
)
def test_a_deck_is_taken_for_nothing_else(text: str) -> None:
    assert read(text) == (deck.parse(text), [])


def test_what_was_exported_is_a_deck_whatever_stands_in_it() -> None:
    odd = ["ANSWER: A", "A. x", "Q {=a ~b}", "::t:: {T}", "Question,Option 1,Option 2", "* Q\n- a\n+ b", "<quiz>", "PK"]
    polls = [PollIn(title, [f"{n} {option}" for n, option in enumerate(odd)]) for title in odd]
    text = deck.format(polls, "Question;Option")
    assert read(text) == (polls, [])


def test_a_table_about_a_product_is_a_table() -> None:
    assert read("Question,Option 1,Option 2\nDo you know Kahoot?,Yes,No\n")[0] == [
        PollIn("Do you know Kahoot?", ["Yes", "No"])
    ]


@pytest.mark.parametrize(
    "name",
    ["Correct", "Korrekte Antwort", "Richtige Antwort", "Lösung", "Bonne réponse", "Respuesta correcta", "正确答案"],
)
def test_a_column_of_right_answers_is_known_in_several_languages(name: str) -> None:
    made, notes = read(f"Question,Option 1,Option 2,{name}\nQ?,a,b,1\n")
    assert [poll.options for poll in made] == [["a", "b"]] and notes == [RIGHT_ANSWERS]
