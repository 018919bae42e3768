"""Google credentials that need no Google."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from google.auth.credentials import Credentials

VARIABLES = (
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_VERTEX_BASE_URL",
    "GOOGLE_GENAI_API_VERSION",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "ANTHROPIC_VERTEX_BASE_URL",
    "CLOUD_ML_REGION",
)


class Tokens(Credentials):
    """Credentials that count their tokens, and note the thread that fetches them."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # google-auth has few types
        self.token: Any = None
        self.fetched = 0
        self.threads: list[threading.Thread] = []
        self.failures = [*failures]
        self.gate = threading.Event()
        self.gate.set()
        self._asked = threading.Event()

    async def asked(self) -> None:
        """Wait until somebody asks for a token."""
        assert await asyncio.to_thread(self._asked.wait, 5)

    def refresh(self, request: Any) -> None:
        self._asked.set()
        assert self.gate.wait(5)
        self.threads.append(threading.current_thread())
        if self.failures:
            raise self.failures.pop()
        self.fetched += 1
        self.token = f"token-{self.fetched}"
