"""Parameters: what is taken, converted and refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.errors import BadInput
from livewall.tasks.pipelines.params import MAX_MATCHED_CHARACTERS, MAX_VALUE_BYTES, Param, check_params
from livewall.tasks.pipelines.pattern_matching import match_in_process
from livewall.tasks.pipelines.pipeline import Pipeline, parse
from livewall.tasks.template import fill
from livewall.toml_problems import TomlFault


def pipeline(*params: Param) -> Pipeline:
    return Pipeline(name="build", title="Build", params=params, steps=())


def why(params: tuple[Param, ...], **given: Any) -> dict[str, str]:
    with pytest.raises(BadInput) as raised:
        check_params(pipeline(*params), given)
    assert raised.value.code == "invalid"
    return raised.value.fields


REF = Param(name="ref", default="main", pattern="[A-Za-z0-9._/-]+")
COUNT = Param(name="count", type="integer", default=1)
RATE = Param(name="rate", type="number", default=0.5)
DRY = Param(name="dry", type="boolean", default=False)


def test_what_is_not_given_has_its_default() -> None:
    found = check_params(pipeline(REF, COUNT, RATE, DRY), {})
    assert found == {"ref": "main", "count": 1, "rate": 0.5, "dry": False}


@pytest.mark.parametrize(
    ("param", "given", "value"),
    [
        (COUNT, "3", 3), (COUNT, " -3 ", -3), (COUNT, 3, 3), (COUNT, "", 1),
        (RATE, "3", 3.0), (RATE, ".5e1", 5.0), (RATE, 2, 2.0), (RATE, 0.25, 0.25),
        (DRY, "true", True), (DRY, "FALSE", False), (DRY, "on", True), (DRY, True, True),
        (REF, "v1.2", "v1.2"), (Param(name="x"), "", ""), (Param(name="x"), "007", "007"),
    ],
)  # fmt: skip
def test_text_becomes_what_its_type_says(param: Param, given: Any, value: Any) -> None:
    found = check_params(pipeline(param), {param.name: given})[param.name]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("param", "given", "said"),
    [
        (COUNT, "3.5", "must be a whole number, not '3.5'"),
        (COUNT, 3.0, "must be a whole number, not a number"),
        (COUNT, True, "must be a whole number, not true or false"),
        (COUNT, "٣", "must be a whole number"),
        (COUNT, 1 << 60, "must be a whole number"),
        (COUNT, None, "must be a whole number, not nothing"),
        (RATE, "nan", "must be a number"),
        (RATE, "1e999", "must be a number"),
        (RATE, float("inf"), "must be a number"),
        (DRY, "maybe", "must be true or false, not 'maybe'"),
        (DRY, 1, "must be true or false"),
        (REF, 5, "must be text, not a number"),
        (REF, ["a"], "must be text, not a list"),
        (REF, "a b", "must match"),
        (REF, "main\n", "must match"),
        (REF, "", "must match"),
        (REF, "a" * (MAX_MATCHED_CHARACTERS + 1), "at most 1,000 characters"),
        (Param(name="x"), "a\0b", "NUL"),
        (Param(name="x"), "\ud800", "not text"),
        (Param(name="x"), "a" * (MAX_VALUE_BYTES + 1), "at most 120,000 bytes"),
        (Param(name="x", choices=("a", "b")), "c", "must be one of a, b"),
        (Param(name="x", type="integer", choices=(1, 2)), "3", "must be one of 1, 2"),
    ],
)
def test_what_is_wrong_is_said(param: Param, given: Any, said: str) -> None:
    assert said in why((param,), **{param.name: given})[f"params.{param.name}"]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = why((REF, COUNT, Param(name="must")), ref="a b", count="x", reff="main")
    assert list(found) == ["params.reff", "params.ref", "params.count", "params.must"]
    assert found["params.reff"] == "is not a parameter of build; did you mean ref?"
    assert found["params.must"] == "is required"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50))
def test_a_value_is_only_text(value: str) -> None:
    param = Param(name="x")
    for text in (value, f"--{value}", f"$({value})", f"{{params.x}}{value}\n;rm -rf /", value * 100):
        found = check_params(pipeline(param), {"x": text})
        assert fill("{params.x}", found, {}) == text


def test_a_hundred_kilobytes_are_a_value() -> None:
    text = "{params.x}'\"\n" * 7_700
    assert len(text) > 100_000
    assert check_params(pipeline(Param(name="x")), {"x": text}) == {"x": text}


def test_a_pattern_that_never_comes_to_an_end_is_stopped() -> None:
    started = time.process_time()
    found = why((Param(name="x", pattern="(a+)+b"),), x="a" * 40 + "!")
    assert found == {"params.x": "takes too long to compare with (a+)+b"}
    assert time.process_time() - started < 1


def test_all_patterns_of_a_call_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(pairs: Sequence[tuple[str, str]]) -> list[bool | None]:
        asked.append(list(pairs))
        return match_in_process(pairs)

    monkeypatch.setattr("livewall.tasks.pipelines.params.match_in_process", counted)
    endless = [Param(name=f"x{n}", pattern="(a+)+b") for n in range(5)]
    values = {param.name: "a" * 40 + "!" for param in endless}
    found = why((REF, *endless, Param(name="last", pattern="z")), ref="main", last="z", **values)
    assert [len(pairs) for pairs in asked] == [7]
    late = [f"params.{param.name}" for param in endless]
    assert [found[field] for field in late] == ["takes too long to compare with (a+)+b"] * 5
    assert "params.ref" not in found


def test_a_value_without_a_pattern_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livewall.tasks.pipelines.params.match_in_process", lambda pairs: [] if not pairs else 1 / 0)
    assert check_params(pipeline(COUNT), {COUNT.name: 3}) == {COUNT.name: 3}


def test_a_default_that_never_comes_to_an_end_is_a_fault_of_its_file() -> None:
    text = '[params.x]\npattern = "(a+)+b"\ndefault = "' + "a" * 40 + '!"\n[[steps]]\nname = "a"\nrun = ["true"]\n'
    with pytest.raises(TomlFault, match="takes too long to compare"):
        parse(text, "build", "build.toml")


def test_patterns_are_compared_in_other_threads_too() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(check_params(pipeline(REF), {"ref": "main"})))
    thread.start()
    thread.join()
    assert found == [{"ref": "main"}]


def test_a_choice_may_be_typed_in_the_other_form_and_is_handed_on_as_it_is_written() -> None:
    declared = pipeline(Param(name="to", choices=("cafe\u0301", "Tea", "TEA")))
    assert check_params(declared, {"to": "CAFÉ"}) == {"to": "cafe\u0301"}
    assert check_params(declared, {"to": "TEA"}) == {"to": "TEA"}
    for typed in ("tea", "coffee", ""):
        with pytest.raises(BadInput):
            check_params(declared, {"to": typed})
