"""The Gemini models that the simulator plays, and what Google says each accepts.

Sources, read 2026-11-22:

- budgets and levels: https://ai.google.dev/gemini-api/docs/thinking and
  https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking
- requests that end with the model's turn, several candidates:
  https://ai.google.dev/gemini-api/docs/generate-content/whats-new-gemini-3.6
- output limits: https://ai.google.dev/gemini-api/docs/models
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["MODELS", "Model", "find"]


class Model(NamedTuple):
    """A model: its generation, and what of thinking it accepts.

    `budgets` are the least and the largest one, `zero` says that 0 switches thinking off, `levels`
    are the words of `thinkingLevel`, and `prefill` says that a request may end with a model's turn.
    """

    major: int
    budgets: tuple[int, int] = (0, 0)
    zero: bool = False
    levels: tuple[str, ...] = ()
    prefill: bool = True
    output: int = 65_536

    @property
    def thinks(self) -> bool:
        """Whether the model thinks at all."""
        return bool(self.levels or self.budgets[1])


_ALL: Final = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_NO_MINIMAL: Final = _ALL[1:]
_NEWEST: Final = Model(3, levels=_NO_MINIMAL, prefill=False)

MODELS: Final[dict[str, Model]] = {
    "gemini-1.5-flash": Model(1, output=8_192),
    "gemini-1.5-pro": Model(1, output=8_192),
    "gemini-2.0-flash": Model(2, output=8_192),
    "gemini-2.0-flash-lite": Model(2, output=8_192),
    "gemini-2.5-flash": Model(2, (1, 24_576), zero=True),
    "gemini-2.5-flash-lite": Model(2, (512, 24_576), zero=True),
    "gemini-2.5-pro": Model(2, (128, 32_768)),
    "gemini-3-flash": Model(3, levels=_ALL),
    "gemini-3-pro": Model(3, levels=("LOW", "HIGH")),
    "gemini-3.1-flash-lite": Model(3, levels=_ALL),
    "gemini-3.1-pro": Model(3, levels=_NO_MINIMAL),
    "gemini-3.5-flash": Model(3, levels=_ALL),
    "gemini-3.5-flash-lite": Model(3, levels=_ALL, prefill=False),
    "gemini-3.6-flash": Model(3, levels=_ALL, prefill=False),
    "gemini-3.7-flash": _NEWEST,
    "gemini-3.7-flash-cyber": _NEWEST,
    "gemini-3.8-flash": _NEWEST,
    "gemini-3.8-flash-cyber": _NEWEST,
    "gemini-4-argon": _NEWEST._replace(major=4),
}

# A stage, a date and a number of a build: "-preview", "-preview-05-06", "-preview-09-2025", "-001".
_BUILD: Final = re.compile(r"(-preview|-exp|-latest)?(-\d{2}-\d{2,4}|-\d{3})?(@[\w-]+)?$")


def find(model: str) -> Model | None:
    """The model of an id, whatever its build."""
    return MODELS.get(_BUILD.sub("", model, count=1))
