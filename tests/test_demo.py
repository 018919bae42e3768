"""What a newcomer sees first: the demo's output, for which the package is all that is needed."""

from __future__ import annotations

import asyncio
import io
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from asgi_thinking._demo.anthropic import KEY, MODEL, QUESTION, RESULT, Claude
from asgi_thinking._demo.upstream import Answer, Call, Upstream
from asgi_thinking.demo import run_demo, show

GOLDEN = Path(__file__).parent / "goldens" / "demo.txt"

SIGNED: dict[str, Any] = {
    "type": "thinking",
    "thinking": "3599 is 60^2 - 1, that is (60 - 1)(60 + 1), so it is not prime.",
    "signature": "c2lnbmVkIGJ5IHRoZSBkZW1vJ3MgdXBzdHJlYW06IDM1OTk=",
}
DIM = "\x1b\\[2m(.*)\x1b\\[0m"

# Run in a process of its own, because other tests import SDKs.
ALONE = """
import sys
from asgi_thinking.__main__ import main
status = main(["demo"])
foreign = {"anthropic", "openai", "boto3", "google.genai", "google.auth", "fastapi", "aiohttp"}
sys.exit(f"imported {found}" if (found := foreign & sys.modules.keys()) else status)
"""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_demo_needs_no_key_no_sdk_and_no_extra_but_the_server() -> None:
    """A process without credentials, behind a proxy that is not there, shows the golden output."""
    nowhere = "http://127.0.0.1:9"
    environment = {"HTTP_PROXY": nowhere, "ANTHROPIC_BASE_URL": nowhere, "PYTHONUTF8": "1"}

    done = subprocess.run(
        [sys.executable, "-c", ALONE], env=environment, capture_output=True, check=False, timeout=60
    )

    assert done.stderr == b""
    assert GOLDEN.read_text("utf-8") == done.stdout.decode()
    assert done.returncode == 0


def test_the_output_is_the_same_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Here too, where SDKs are imported and a proxy may be set."""
    assert (run_demo(keep=False), capsys.readouterr().out) == (0, GOLDEN.read_text("utf-8"))


def test_the_output_is_short() -> None:
    """Sixty lines of a hundred columns are what a newcomer reads."""
    lines = GOLDEN.read_text("utf-8").splitlines()

    assert len(lines) <= 60
    assert max(len(line) for line in lines) <= 100


@pytest.mark.anyio
async def test_thinking_is_dim_on_a_terminal() -> None:
    """A terminal sets the thinking apart, and nothing else."""
    out = Terminal()

    await show(out)

    dim = [line.removeprefix("·").strip() for line in re.findall(DIM, out.getvalue())]
    assert dim == [SIGNED["thinking"]] * 4
    assert re.sub("\x1b\\[[02]m", "", out.getvalue()) == GOLDEN.read_text("utf-8")


def test_the_server_stays_up_until_it_is_interrupted() -> None:
    """The line that `--serve` prints works, and Ctrl-C ends it well."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "asgi_thinking", "demo", "--serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        command = next(line for line in process.stdout if line.startswith("curl"))
        found = re.fullmatch(r"curl -s (\S+) -H 'content-type: (\S+)' -d '(.*)'\n", command)
        assert found is not None
        reply = httpx.post(
            found[1], headers={"content-type": found[2]}, content=found[3], trust_env=False
        )
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)

    message = reply.json()["choices"][0]["message"]
    assert message["reasoning_content"].startswith("3599 is 60^2 - 1")
    assert message["content"] == "No: 3599 = 59 * 61."
    assert (process.returncode, errors) == (0, "")


class Interrupting(io.StringIO):
    """A user who presses Ctrl-C as soon as the server's line appears."""

    def write(self, text: str) -> int:
        if "curl" in text:
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


def test_an_interrupt_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status of `--serve` is that of a demo that went well."""
    out = Interrupting()
    monkeypatch.setattr(sys, "stdout", out)

    assert (run_demo(keep=True), out.getvalue().count("Ctrl-C")) == (0, 1)


def test_without_uvicorn_the_demo_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server is an extra."""
    monkeypatch.setattr("asgi_thinking.demo.find_spec", lambda name: None)

    assert run_demo(keep=False) == 2

    assert "pip install 'asgi-thinking[server]'" in capsys.readouterr().err


USE = {"type": "tool_use", "id": "toolu_demo", "name": "factor", "input": {"number": 3599}}


def ask(claude: Claude, *turn: Any, path: str = "/v1/messages", key: str = KEY, **more: Any) -> Any:
    """The status and body of a request; with `turn` it brings a tool's result back."""
    result = {"type": "tool_result", "tool_use_id": "toolu_demo", "content": RESULT}
    later = [{"role": "assistant", "content": turn}, {"role": "user", "content": [result]}]
    question = {"role": "user", "content": [{"type": "text", "text": QUESTION}]}
    body = {
        "model": MODEL,
        "messages": [question, *(later if turn else ())],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        **more,
    }
    answer = claude(Call(path, {"x-api-key": key}, json.dumps(body).encode()))
    return answer.status, json.loads(b"".join(answer.parts))


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ([USE], "messages.1.content.0.type: Expected `thinking`"),
        ([SIGNED | {"signature": "bm8="}, USE], "messages.1.content.0: Invalid `signature`"),
        ([SIGNED | {"thinking": "3599"}, USE], "messages.1.content.0: Invalid `signature`"),
    ],
)
def test_the_upstream_refuses_a_turn_whose_thinking_was_changed(turn: Any, said: str) -> None:
    """The demo would fail where Anthropic would."""
    claude = Claude()

    status, body = ask(claude, *turn)

    assert status == 400
    assert body["error"]["message"].startswith(said)
    assert claude.verdict == "the thinking did not come back as it was"


def test_the_upstream_takes_the_turn_that_it_sent() -> None:
    """What came with the call, sent back with the result, gives the answer."""
    claude = Claude()

    _, first = ask(claude, tools=[{"name": "factor"}])
    status, second = ask(claude, *first["content"])

    assert first["content"] == [SIGNED, USE]
    assert first["stop_reason"] == "tool_use"
    assert (status, second["stop_reason"]) == (200, "end_turn")
    assert second["content"] == [{"type": "text", "text": "No: 3599 = 59 * 61."}]
    assert claude.verdict == "the thinking and its signature came back unchanged"


def test_the_upstream_thinks_and_shows_only_what_it_is_asked_for() -> None:
    """Omitted thinking keeps its signature; without thinking there is none."""
    omitted = {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}

    assert ask(Claude(), thinking=omitted)[1]["content"][0] == SIGNED | {"thinking": ""}
    assert [block["type"] for block in ask(Claude(), thinking={})[1]["content"]] == ["text"]


def test_the_upstream_knows_its_path_and_its_key() -> None:
    """A provider that asks elsewhere, or without the key, gets the vendor's errors."""
    assert ask(Claude(), path="/v1/complete")[0] == 404
    assert ask(Claude(), key="other")[0] == 401


@pytest.mark.anyio
async def test_an_upstream_outlives_clients_that_leave() -> None:
    """A connection that ends early does not disturb the next."""
    answer = Answer(200, "text/plain", (b"a", b"b"))
    async with Upstream(lambda call: answer) as url, httpx.AsyncClient(trust_env=False) as http:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"POST / HTTP/1.1\r\ncontent-le")
        writer.close()
        await writer.wait_closed()
        reply = await http.post(url)

    assert reply.content == b"ab"
