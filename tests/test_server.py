"""`serve` and `providers`: who is ready, who may ask, what nobody serves."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from typing import Any

import pytest
import uvicorn

from asgi_thinking import __main__, registry, server
from asgi_thinking.exceptions import ConfigurationError
from tests.asgi import Client, call, scope_for
from tests.loopback import Loopback, replying

MESSAGE = json.dumps(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
).encode()
ASK = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]}


VARIABLES = ("ANTHROPIC_", "ASGI_THINKING_", "AWS_", "GEMINI_", "GOOGLE_", "OPENAI_")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An Anthropic key, and nothing else of ours."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "server-key")
    for name in os.environ:
        if name.startswith(VARIABLES) and name != "ANTHROPIC_API_KEY":
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No provider has credentials."""

    def load(name: str, **options: object) -> Any:
        raise ConfigurationError(f"{name}: no credential")

    monkeypatch.setattr(server, "load_provider", load)


@pytest.mark.anyio
@pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
@pytest.mark.parametrize(
    "model", ["claude-sonnet-4-5", "anthropic/claude-sonnet-4-5", "corp-main/claude-sonnet-4-5"]
)
async def test_claude_is_found_under_any_account_prefix(
    environment: pytest.MonkeyPatch, transport: str, model: str
) -> None:
    """Prefixes of other gateways' accounts lead to the configured provider."""
    environment.setenv("ASGI_THINKING_TRANSPORT", transport)
    async with Loopback(
        replying(MESSAGE, headers=(("content-type", "application/json"),))
    ) as upstream:
        environment.setenv("ANTHROPIC_BASE_URL", upstream.url.removesuffix("/v1/messages"))
        app = server.build_app("127.0.0.1")
        client = await call(app, ASK | {"model": model}, [(b"authorization", b"Bearer any")])
        await app.service.aclose()

    assert client.json["choices"][0]["message"]["content"] == "hello"
    assert json.loads(upstream.requests[0].body)["model"] == "claude-sonnet-4-5"
    assert upstream.requests[0].header("authorization") == ""


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("tfy-ai-gemini/gemini-2-5-pro", ("gemini", "gemini-2-5-pro")),
        ("main/us.anthropic.claude-opus-5", ("bedrock", "us.anthropic.claude-opus-5")),
        ("main/amazon.nova-pro-v1:0", ("bedrock", "amazon.nova-pro-v1:0")),
        ("corp/gpt-5-mini", ("openai", "gpt-5-mini")),
        ("bedrock-converse/x", ("bedrock-converse", "x")),
    ],
)
def test_each_family_has_its_provider(
    environment: pytest.MonkeyPatch, model: str, found: tuple[str, str]
) -> None:
    """With plain keys every provider but Vertex AI is ready."""
    for name in ("GEMINI_API_KEY", "OPENAI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"):
        environment.setenv(name, "key")
    environment.setenv("AWS_REGION", "us-east-1")
    routed = server.build_app("127.0.0.1").service.router(model, [])
    assert routed is not None
    assert found == (routed[0].name, routed[1])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/v1/chat/completions", {"model": "gpt-5"}, 404, "model"),
        ("/chat/completions", {"model": 5}, 400, "model"),
        ("/chat/completions", {}, 400, "model"),
    ],
)
async def test_what_nobody_serves_is_an_error(
    path: str, body: Any, status: int, param: str
) -> None:
    """The host behind the middleware answers in OpenAI's envelope."""
    client = await call(server.build_app("127.0.0.1"), body, path=path)

    assert client.status == status
    assert client.json["error"]["param"] == param


@pytest.mark.anyio
async def test_other_content_types_are_bounded_too() -> None:
    """What the middleware leaves to the host is not read beyond the limit."""
    app = server.build_app("::1")
    for length in (b"33554433", b"many"):
        headers = [(b"content-type", b"text/plain"), (b"content-length", length)]
        client = Client([b"{}"])
        await app(scope_for(headers=headers), client.receive, client.send)

        assert client.status == 413


@pytest.mark.anyio
async def test_the_root_says_who_is_ready() -> None:
    """A health check sees the providers' names, and no more."""
    client = Client()

    await server.build_app("localhost")(scope_for("/", method="GET"), client.receive, client.send)

    assert client.json == {"providers": ["anthropic"]}


@pytest.mark.anyio
async def test_a_key_protects_the_server(environment: pytest.MonkeyPatch) -> None:
    """With a key every caller must send it; without one only loopback is served."""
    with pytest.raises(ConfigurationError, match="set ASGI_THINKING_API_KEY"):
        server.build_app("0.0.0.0")
    with pytest.raises(ConfigurationError, match=r"--host example\.com is no loopback"):
        server.build_app("example.com")
    environment.setenv("ASGI_THINKING_API_KEY", "key")
    app = server.build_app("0.0.0.0")

    assert (await call(app, ASK)).status == 401
    assert (await call(app, ASK, [(b"authorization", b"Bearer wrong")])).status == 401
    good = [(b"authorization", b"Bearer key")]
    assert (await call(app, ASK | {"messages": []}, good)).status == 400


def test_providers_are_listed_with_their_state(capsys: pytest.CaptureFixture[str]) -> None:
    """`providers` succeeds where one at least is ready."""
    assert __main__.main(["providers"]) == 0

    assert "anthropic          ready" in capsys.readouterr().out


@pytest.mark.usefixtures("nobody")
def test_what_is_missing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a ready provider both commands say why."""
    assert __main__.main(["providers"]) == 1
    assert "anthropic          anthropic: no credential" in capsys.readouterr().out
    assert __main__.main(["serve"]) == 2
    assert "no provider has credentials: anthropic" in capsys.readouterr().err


def test_serve_runs_uvicorn(environment: pytest.MonkeyPatch) -> None:
    """The address is the command line's."""
    seen: dict[str, Any] = {}
    environment.setattr(uvicorn, "run", lambda app, **options: seen.update(options))

    assert __main__.main(["serve", "--port", "9000"]) == 0

    assert (seen["host"], seen["port"]) == ("127.0.0.1", 9000)


def test_serve_says_what_to_install(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without uvicorn, and without aiohttp, it is an error with its mend."""
    environment.setattr(server, "find_spec", lambda name: None)

    assert __main__.main(["serve"]) == 2

    assert "pip install 'asgi-thinking[server]'" in capsys.readouterr().err


def test_the_demo_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`demo` needs nothing of the environment."""
    # One line, because what follows a loop's end is not traced on Python 3.11.
    assert (__main__.main(["demo"]), "truefoundry" in capsys.readouterr().out) == (0, True)


def test_the_module_is_the_command(environment: pytest.MonkeyPatch) -> None:
    """`python -m asgi_thinking` ends with the command's status."""
    environment.setattr(sys, "argv", ["asgi-thinking", "providers"])
    environment.delitem(sys.modules, "asgi_thinking.__main__")

    with pytest.raises(SystemExit) as ended:
        runpy.run_module("asgi_thinking", run_name="__main__")

    assert ended.value.code == 0
    assert registry.provider_names()


def test_a_reader_that_has_enough_is_no_failure() -> None:
    """`providers | head -1` ends without a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "asgi_thinking", "providers"]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (1, b"") == (ended.returncode, ended.stderr)
