"""Who asks: what a policy and a transform are told of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Asker"]


@dataclass(frozen=True, slots=True)
class Asker:
    """One request, as those see it who decide about it.

    Attributes:
        model: The model, as the caller wrote it; "" where the body names none.
        tenant: What `authorize` answered; "" where nobody was asked.
        scope: The ASGI scope, with the headers and whatever the host's own middleware put there,
            such as `scope["user"]`; nobody changes it.
    """

    model: str = ""
    tenant: str = ""
    scope: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    def header(self, name: str) -> str:
        """The value of the request's first header of that name, "" without one."""
        wanted = name.lower().encode("latin-1")
        for raw, value in self.scope.get("headers", ()):
            if raw.lower() == wanted:
                text: str = value.decode("latin-1")
                return text
        return ""
