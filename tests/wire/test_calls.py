"""The ids under which calls and their results are sent."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking.messages import synthetic_call_id
from asgi_thinking.wire.calls import CallIds

# Source: https://platform.claude.com/docs/en/api/messages, `tool_use.id`, read 2026-11-22.
FIT = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def test_an_id_that_fits_stays() -> None:
    """The vendor's own ids come back as they were."""
    ids = CallIds()
    assert ("toolu_1", "toolu_1") == (ids.of_call("toolu_1"), ids.of_result("toolu_1"))


@pytest.mark.parametrize("call_id", ["functions.f:0", "x" * 65, "", "ü", "a\n"])
def test_an_id_that_does_not_fit_is_replaced(call_id: str) -> None:
    """In the call and in its result alike, and in every request."""
    ids = CallIds()
    sent = ids.of_call(call_id)
    assert synthetic_call_id(call_id, 0) == sent == ids.of_result(call_id)


def test_a_result_without_a_call_has_an_id_that_fits() -> None:
    """That there is no call is for the vendor to say."""
    assert "t1" == CallIds().of_result("t1")
    assert FIT.fullmatch(CallIds().of_result("f:0"))


def test_calls_of_one_id_get_their_results_in_order() -> None:
    """Whether they stand in one turn or in several; a further result is the last one's."""
    ids = CallIds()
    first, second = ids.of_call("t"), ids.of_call("t")
    assert [first, second, second] == [ids.of_result("t") for _ in range(3)]
    third = ids.of_call("t")
    assert third == ids.of_result("t")
    assert 3 == len({first, second, third})


def test_a_replacement_is_nobody_elses_id() -> None:
    """Another call may have the very id that would be the replacement."""
    ids = CallIds()
    taken = ids.of_call(synthetic_call_id("t", 1))
    assert 3 == len({taken, ids.of_call("t"), ids.of_call("t")})


@given(st.lists(st.sampled_from(["t", "f:0", "ü", synthetic_call_id("t", 1)])))
def test_no_two_calls_are_alike(names: list[str]) -> None:
    """Ids fit, are told apart, and depend on nothing behind them."""
    ids, again = CallIds(), CallIds()
    sent = [ids.of_call(name) for name in names]
    assert len(sent) == len({*sent})
    assert all(FIT.fullmatch(name) for name in sent)
    assert sent[:3] == [again.of_call(name) for name in names[:3]]
