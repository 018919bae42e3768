"""The rules that choose a provider instance, in their order."""

from __future__ import annotations

import pytest

from asgi_thinking.exceptions import ConfigurationError, InvalidRequest, ModelNotFound
from asgi_thinking.routing import Router
from tests.scripted import Scripted


class Acme(Scripted):
    """A provider that claims its own models."""

    def claims(self, model: str) -> bool:
        return model.startswith("acme-")


MODELS = {
    "fast": "acme/acme-small",
    "*/claude-*": "cloud/claude-*",
    "any/*": "acme/acme-small",
    "x*y*": "cloud/*-*",
}
ROUTER = Router(
    {"acme": Acme(), "cloud": Scripted(name="cloud", kind="vertex")},
    MODELS,
    {"vk-1": "cloud"},
    provider_headers=True,
)


@pytest.mark.parametrize(
    ("model", "headers", "found"),
    [
        pytest.param("fast", [], ("acme", "acme-small"), id="exact name"),
        pytest.param("corp/claude-x", [], ("cloud", "claude-x"), id="last star fills the star"),
        pytest.param("any/thing", [], ("acme", "acme-small"), id="a target without stars"),
        pytest.param("x1y2", [], ("cloud", "1-2"), id="two stars"),
        pytest.param(
            "fast", [(b"x-thinking-provider", b"cloud")], ("acme", "acme-small"), id="map first"
        ),
        pytest.param("m", [(b"x-thinking-provider", b"cloud")], ("cloud", "m"), id="header"),
        pytest.param("m", [(b"X-Portkey-Provider", b"@cloud")], ("cloud", "m"), id="at sign"),
        pytest.param(
            "m", [(b"x-obiguard-provider", b"vertex-ai")], ("cloud", "m"), id="kind alias"
        ),
        pytest.param(
            "cloud/m", [(b"x-tfy-provider-name", b"cloud")], ("cloud", "m"), id="said twice"
        ),
        pytest.param("m", [(b"x-portkey-virtual-key", b"vk-1")], ("cloud", "m"), id="virtual key"),
        pytest.param(
            "acme-1", [(b"x-portkey-virtual-key", b"vk-2")], ("acme", "acme-1"), id="other key"
        ),
        pytest.param("cloud/a/b", [], ("cloud", "a/b"), id="first slash"),
        pytest.param("@cloud/m", [], ("cloud", "m"), id="at prefix"),
        pytest.param("acme-9", [], ("acme", "acme-9"), id="claimed"),
        pytest.param("gpt-5", [], None, id="the host's"),
        pytest.param("cloud", [], None, id="an instance is no model"),
    ],
)
def test_a_request_finds_its_provider(
    model: str, headers: list[tuple[bytes, bytes]], found: tuple[str, str] | None
) -> None:
    """Each rule decides what it says it decides, and the earlier one wins."""
    result = ROUTER(model, headers)

    assert found == (result and (result[0].name, result[1]))


def test_a_header_that_names_nobody_is_an_error() -> None:
    """The error lists the configured instances."""
    with pytest.raises(
        ModelNotFound, match="'openai' is not configured; configured are acme, cloud"
    ):
        ROUTER("m", [(b"x-portkey-provider", b"openai")])


def test_provider_headers_can_be_switched_off() -> None:
    """Then callers cannot choose an instance."""
    router = Router({"acme": Acme()}, {}, {}, provider_headers=False)

    assert router("m", [(b"x-thinking-provider", b"acme")]) is None


@pytest.mark.parametrize(
    "model", ["acme/../secrets", "acme/a b", "acme/a\r\nb", "acme/ü", "acme/", "acme/?a"]
)
def test_a_model_id_is_one_harmless_path_segment(model: str) -> None:
    """Nothing in a model's name can change the upstream's URL."""
    with pytest.raises(InvalidRequest, match="is not a model id") as caught:
        ROUTER(model, [])

    assert caught.value.param == "model"


@pytest.mark.parametrize(
    ("models", "keys", "message"),
    [
        ({"a": "nobody/b"}, {}, "no provider instance 'nobody'; configured are acme"),
        ({}, {"vk": "nobody"}, "no provider instance 'nobody'"),
        ({"a-*": "acme/*-*"}, {}, "'acme/\\*-\\*' has more stars than 'a-\\*'"),
    ],
)
def test_a_map_that_leads_nowhere_is_an_error(
    models: dict[str, str], keys: dict[str, str], message: str
) -> None:
    """Mistakes in the owner's map are found at construction."""
    with pytest.raises(ConfigurationError, match=message):
        Router({"acme": Acme()}, models, keys)
