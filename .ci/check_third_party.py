"""Builds the example of a third party, installs it from its wheel, and uses it.

`python -I check_third_party.py` runs where the package's own wheel is installed, and makes a fresh
environment for both in the current directory. In there it runs itself again, with `inside`.
"""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import venv
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "custom_provider"
EVENTS = ({"thought": "Hm, 3599?"}, {"say": "It is 59 * 61."}, {"tokens": [5, 9]})
ASK = {
    "model": "acme-1",
    "messages": [{"role": "user", "content": "Is 3599 prime?"}],
    "reasoning_effort": "high",
}


def own_wheel() -> Path:
    """The wheel that the package was installed from."""
    told = metadata.distribution("asgi-thinking").read_text("direct_url.json")
    assert told is not None, "asgi-thinking was not installed from a wheel"
    return Path(url2pathname(urlsplit(json.loads(told)["url"]).path))


def run(*command: str | Path) -> str:
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def outside() -> None:
    """Build, install, and go on inside."""
    folder = Path("third-party").resolve()
    venv.create(folder, with_pip=True, clear=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder / "dist", EXAMPLE)
    [wheel] = (folder / "dist").glob("*.whl")
    run(python, "-m", "pip", "install", "--quiet", own_wheel(), wheel, "uvicorn")
    os.environ |= {"ACME_KEY": "acme-key", "ACME_URL": "https://acme.example/chat"}
    listed = run(python, "-I", "-m", "asgi_thinking", "providers")
    assert "acme" in dict(line.split(maxsplit=1) for line in listed.splitlines()), listed
    print(run(python, "-I", __file__, "inside", folder), end="")


def inside(folder: Path) -> None:
    """The example's own tests, and real HTTP on both sides, in every dialect."""
    import acme_provider

    assert Path(acme_provider.__file__).is_relative_to(folder), acme_provider.__file__
    tests = runpy.run_path(str(EXAMPLE / "test_acme.py"))
    for name, test in tests.items():
        if name.startswith("test_"):
            test()
    upstream = HTTPServer(("127.0.0.1", 0), Acme)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    os.environ["ACME_URL"] = f"http://127.0.0.1:{upstream.server_port}/"
    served = asyncio.run(serve())
    upstream.shutdown()
    print(f"a third party's wheel works: {served}")


class Acme(BaseHTTPRequestHandler):
    """The made-up vendor."""

    def do_POST(self) -> None:
        """Answer whoever has the key."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200 if self.headers["x-acme-key"] else 401)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for event in EVENTS:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Say nothing."""


async def serve() -> str:
    """Ask a real server in every installed dialect; their names."""
    import uvicorn
    from starlette.applications import Starlette

    from asgi_thinking import ThinkingMiddleware, allow_all

    names = sorted(point.name for point in metadata.entry_points(group="asgi_thinking.dialects"))
    assert "acme" in names
    app = ThinkingMiddleware(Starlette(), providers=["acme"], dialects=names, authorize=allow_all)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name in names:
        await ask(url, name)
    server.should_exit = True
    await task
    return ", ".join(names)


async def ask(url: str, dialect: str) -> None:
    """Ask in one dialect, with and without a stream."""
    import httpx

    headers = {"x-thinking-dialect": dialect}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        whole = await client.post("/v1/chat/completions", json=ASK)
        streamed = await client.post("/v1/chat/completions", json=ASK | {"stream": True})
    for reply in (whole, streamed):
        assert reply.status_code == 200, reply.text
        assert reply.headers["x-thinking-dialect"] == dialect
        assert "59 * 61." in reply.text
        assert ("Hm, 3599?" in reply.text) is (dialect != "openai"), (dialect, reply.text)
    assert streamed.text.endswith("data: [DONE]\n\n")


if __name__ == "__main__":
    inside(Path(sys.argv[2])) if sys.argv[1:] else outside()
