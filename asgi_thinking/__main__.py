"""Command line: `python -m asgi_thinking serve | demo | providers`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="asgi-thinking", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="one conversation in every dialect, without keys")
    demo.add_argument("--serve", action="store_true", help="keep the demo's server up")
    serve = commands.add_parser("serve", help="a server with every provider that has credentials")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    commands.add_parser("providers", help="what is installed and configured, and what is missing")
    try:
        status = _run(parser.parse_args(argv))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has enough; Python would complain once more as it flushes at its end.
        # Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe, read 2026-11-22.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _run(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "demo":
            from asgi_thinking.demo import run_demo

            return run_demo(keep=arguments.serve)
        case "serve":
            from asgi_thinking.server import run_server

            return run_server(arguments.host, arguments.port)
        case _:
            from asgi_thinking.server import print_providers

            return print_providers()


if __name__ == "__main__":
    sys.exit(main())
