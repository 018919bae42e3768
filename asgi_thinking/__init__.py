"""Model thinking in any ASGI chat-completions endpoint, in the dialect the client asked for."""

from asgi_thinking._version import __version__
from asgi_thinking.continuity import Continuity
from asgi_thinking.exceptions import ThinkingError
from asgi_thinking.middleware import ThinkingMiddleware, allow_all
from asgi_thinking.outcomes import Outcome
from asgi_thinking.policies import Asker, Choice
from asgi_thinking.responses import ThinkingResponse
from asgi_thinking.service import Service
from asgi_thinking.stores import MemoryStore, RedisStore

__all__ = [
    "Asker",
    "Choice",
    "Continuity",
    "MemoryStore",
    "Outcome",
    "RedisStore",
    "Service",
    "ThinkingError",
    "ThinkingMiddleware",
    "ThinkingResponse",
    "__version__",
    "allow_all",
]
