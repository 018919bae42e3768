"""What a newcomer sees first: the demo's output, for which the package is all that is needed."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from asgi_thinking._demo.upstream import Answer, Upstream
from asgi_thinking.demo import run_demo, show

GOLDEN = Path(__file__).parent / "goldens" / "demo.txt"

THOUGHT = "3599 is 60^2 - 1, that is (60 - 1)(60 + 1), so it is not prime."
DIM = "\x1b\\[2m(.*)\x1b\\[0m"

# Run in a process of its own, because other tests import SDKs.
ALONE = """
import sys
from asgi_thinking.__main__ import main
status = main(["demo"])
foreign = {"anthropic", "openai", "boto3", "botocore", "google.genai", "google.auth", "fastapi"}
foreign |= {"aiohttp"}
sys.exit(f"imported {found}" if (found := foreign & sys.modules.keys()) else status)
"""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_demo_needs_no_key_no_sdk_and_no_extra_but_the_server() -> None:
    """A process without credentials, behind a proxy that is not there, shows the golden output."""
    nowhere = "http://127.0.0.1:9"
    elsewhere = ("HTTP_PROXY", "ANTHROPIC_BASE_URL", "AWS_ENDPOINT_URL", "GOOGLE_GEMINI_BASE_URL")
    environment = dict.fromkeys(elsewhere, nowhere)
    environment |= {"GOOGLE_GENAI_API_VERSION": "v1", "PYTHONUTF8": "1"}

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
    assert dim == [THOUGHT] * 6
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
        serving = next(line for line in process.stdout if line.startswith("Serving"))
        command = next(line for line in process.stdout if line.startswith("curl"))
        found = re.fullmatch(r"curl -s (\S+) -H 'content-type: (\S+)' -d '(.*)'\n", command)
        assert found is not None
        first, *others = re.findall(r"[\w.:-]+-\d[\w.:-]*", serving)
        replies = [
            httpx.post(
                found[1],
                headers={"content-type": found[2]},
                content=found[3].replace(first, model),
                trust_env=False,
            )
            for model in (first, *others)
        ]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)

    messages = [reply.json()["choices"][0]["message"] for reply in replies]
    said = [(message["reasoning_content"], message["content"]) for message in messages]
    assert said == [(THOUGHT, "No: 3599 = 59 * 61.")] * 3
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
