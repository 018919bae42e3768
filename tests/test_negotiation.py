"""The rules that choose a dialect, in their order."""

from __future__ import annotations

import pytest

from asgi_thinking.exceptions import ConfigurationError, InvalidRequest
from asgi_thinking.negotiation import Negotiator
from asgi_thinking.registry import BUILT_IN_DIALECTS, load_dialects

KNOWN = load_dialects(BUILT_IN_DIALECTS)
TFY = b"x-tfy-strict-openai"
PORTKEY = b"x-portkey-strict-open-ai-compliance"
OBIGUARD = b"x-obiguard-strict-open-ai-compliance"
NAME = b"x-thinking-dialect"


@pytest.mark.parametrize(
    ("headers", "dialect"),
    [
        pytest.param([], "truefoundry", id="no signal"),
        pytest.param([(TFY, b"false")], "truefoundry-legacy", id="truefoundry's header"),
        pytest.param([(PORTKEY, b"false")], "portkey", id="portkey's header"),
        pytest.param([(OBIGUARD, b" FALSE ")], "obiguard", id="spaces and case"),
        pytest.param([(b"X-Portkey-Strict-Open-AI-Compliance", b"False")], "portkey", id="cased"),
        pytest.param([(b"x-portkey-strict_open_ai_compliance", b"false")], "portkey", id="_ is -"),
        pytest.param([(PORTKEY, b"true")], "openai", id="true is strict"),
        pytest.param([(PORTKEY, b"0")], "openai", id="anything else is strict"),
        pytest.param([(PORTKEY, b"")], "openai", id="empty is strict"),
        pytest.param([(PORTKEY, b"false"), (PORTKEY, b"true")], "openai", id="any occurrence"),
        pytest.param([(PORTKEY, b"false"), (PORTKEY, b"false")], "portkey", id="said twice"),
        pytest.param([(PORTKEY, b"false"), (TFY, b"false")], "openai", id="two dialects"),
        pytest.param([(NAME, b"portkey"), (TFY, b"true")], "openai", id="nothing lifts strict"),
        pytest.param([(NAME, b"Portkey ")], "portkey", id="by name"),
        pytest.param([(NAME, b"openai"), (PORTKEY, b"false")], "openai", id="name before opt-in"),
        pytest.param([(b"x-portkey-api-key", b"k")], "openai", id="a gateway's other headers"),
        pytest.param([(b"x-obiguard-provider", b"p")], "openai", id="obiguard's other headers"),
        pytest.param([(b"x-portkey-api-key", b"k"), (PORTKEY, b"false")], "portkey", id="opt in"),
        pytest.param([(b"accept", b"*/*"), (b"x-request-id", b"1")], "truefoundry", id="others"),
    ],
)
def test_headers_choose_the_dialect(headers: list[tuple[bytes, bytes]], dialect: str) -> None:
    """Each rule decides what it says it decides, and the earlier one wins."""
    negotiate = Negotiator(KNOWN, None, "truefoundry")

    assert dialect == negotiate(headers).name


@pytest.mark.parametrize("opt_in", [TFY, PORTKEY, OBIGUARD])
def test_a_strict_route_stays_strict(opt_in: bytes) -> None:
    """A route that allows only the strict dialect cannot be talked out of it."""
    negotiate = Negotiator(KNOWN, ("openai",), "openai")

    assert negotiate([(opt_in, b"false")]).name == "openai"
    assert negotiate([(NAME, b"truefoundry")]).name == "openai"
    assert negotiate([]).name == "openai"


def test_a_dialect_that_the_route_does_not_allow_becomes_strict() -> None:
    """Asking for a known dialect that is not allowed gives the strict one, not an error."""
    negotiate = Negotiator(KNOWN, ("portkey",), "portkey")

    assert negotiate([(TFY, b"false")]).name == "openai"
    assert negotiate([]).name == "portkey"


@pytest.mark.parametrize("values", [(b"acme",), (b"portkey", b"obiguard"), (b"",), (b"\xff",)])
def test_an_unknown_name_is_refused_with_the_allowed_ones(values: tuple[bytes, ...]) -> None:
    """`x-thinking-dialect` must name one known dialect."""
    negotiate = Negotiator(KNOWN, ("portkey",), "portkey")

    with pytest.raises(InvalidRequest, match="this route has openai, portkey") as caught:
        negotiate([(NAME, value) for value in values])

    assert caught.value.param == "x-thinking-dialect"


@pytest.mark.parametrize(("allowed", "default"), [(("acme",), "openai"), (None, "acme")])
def test_an_unknown_name_in_the_configuration_is_an_error(
    allowed: tuple[str, ...] | None, default: str
) -> None:
    """A route cannot be built with a dialect that is not installed."""
    with pytest.raises(ConfigurationError, match="'acme' is not installed"):
        Negotiator(KNOWN, allowed, default)


def test_vary_names_every_header_that_counts() -> None:
    """Caches learn which headers change the reply."""
    assert Negotiator(KNOWN, None, "openai").vary == b", ".join((NAME, TFY, PORTKEY, OBIGUARD))


def test_thinking_within_content_is_only_for_those_who_name_it() -> None:
    """A route that lists no dialects has all others; its default is always among them."""
    wish = [(NAME, b"think-tags")]

    assert "openai" == Negotiator(KNOWN, None, "openai")(wish).name
    assert "think-tags" == Negotiator(KNOWN, ("think-tags",), "openai")(wish).name
    assert "think-tags" == Negotiator(KNOWN, None, "think-tags")([]).name
    assert "openrouter" == Negotiator(KNOWN, None, "openai")([(NAME, b"openrouter")]).name


@pytest.mark.parametrize(
    ("headers", "signal"),
    [
        ([], None),
        ([(b"accept", b"*/*"), (b"x-request-id", b"1"), (b"x-title", b"t")], None),
        ([(b"x-portkey-api-key", b"k")], ("openai", False)),
        ([(PORTKEY, b"true")], ("openai", True)),
        ([(TFY, b"false")], ("truefoundry-legacy", True)),
        ([(b"X_Obiguard_Strict-Open-AI-Compliance", b"false")], ("obiguard", True)),
        ([(NAME, b"openai")], ("openai", True)),
        ([(NAME, b"deepseek")], ("openai", True)),
    ],
)
def test_a_signal_is_what_the_request_itself_says(
    headers: list[tuple[bytes, bytes]], signal: tuple[str, bool] | None
) -> None:
    """The default is none; that a gateway is strict unless told otherwise is one, if implied."""
    allowed = ("truefoundry", "truefoundry-legacy", "portkey", "obiguard")
    negotiate = Negotiator(KNOWN, allowed, "truefoundry")

    found = negotiate.signal(headers)

    assert signal == (found and (found[0].name, found[1]))
    assert "truefoundry" == negotiate.usual.name
