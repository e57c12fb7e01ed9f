"""What is replaced in texts, and the comparison of `when`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.tasks.template import MissingOutput, Use, comparison, fill, uses, when_holds


def test_parameters_and_outputs_are_replaced() -> None:
    assert fill("a {params.x} b {steps.s.n}", {"x": "1"}, {"s": {"n": "2"}}) == "a 1 b 2"


def test_the_last_dot_separates_a_step_from_its_output() -> None:
    assert fill("{steps.v1.2-rc.n}", {}, {"v1.2-rc": {"n": "x"}}) == "x"
    assert list(uses("{steps.v1.2-rc.n_1} {params.a-b}")) == [Use("v1.2-rc", "n_1"), Use(None, "a-b")]


@pytest.mark.parametrize(
    "text", ["{", "{}", "{x}", "{params.}", "{params}", "{ params.x }", "{{}}", "${HOME}", "{steps.s}", "{steps.s.1}"]
)
def test_anything_else_in_braces_stays(text: str) -> None:
    assert fill(text, {"x": "1"}, {"s": {"n": "2"}}) == text


@given(st.text(), st.text())
def test_what_was_filled_in_is_never_looked_at_again(value: str, other: str) -> None:
    value = "{params.other}" + value + "{steps.s.n}\\1\\g<0>"
    assert fill("<{params.x}>", {"x": value, "other": other}, {"s": {"n": "no"}}) == f"<{value}>"


def test_braces_around_a_place_stay() -> None:
    assert fill("{{params.x}}", {"x": "1"}, {}) == "{1}"


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (3, "3"), (3.0, "3"), (0.5, "0.5"), (-1e300, "-1e+300")]
)
def test_values_that_are_no_text_stand_as_in_toml(value: float, text: str) -> None:
    assert fill("{params.x}", {"x": value}, {}) == text


@pytest.mark.parametrize("outputs", [{}, {"s": {}}])
def test_an_output_that_was_not_given_is_missed_by_name(outputs: dict[str, dict[str, str]]) -> None:
    with pytest.raises(MissingOutput, match="step s gave no output n") as raised:
        fill("{steps.s.n}", {}, outputs)
    assert (raised.value.step, raised.value.name) == ("s", "n")


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("{params.ref} == main", True),
        ("{params.ref}==main", True),
        ("main != {params.ref}", False),
        ("{params.ref} != ", True),
        ("{params.ref} == Main", False),
        ("{steps.s.n} == 2", True),
        ("{params.tricky} == a == b", None),
        ("{params.tricky} == {params.tricky}", True),
    ],
)
def test_a_comparison_is_of_texts(when: str, holds: bool | None) -> None:
    params, outputs = {"ref": " main ", "tricky": "a == b"}, {"s": {"n": "2"}}
    if holds is None:
        with pytest.raises(ValueError, match="one comparison"):
            when_holds(when, params, outputs)
    else:
        assert when_holds(when, params, outputs) is holds


@pytest.mark.parametrize("when", ["", "main", "a = b", "a === b", "a == b == c", " == b", "a == 'b'", '"a" != b'])
def test_what_is_no_comparison_is_refused(when: str) -> None:
    with pytest.raises(ValueError, match="when"):
        comparison(when)
