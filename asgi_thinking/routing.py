"""Which provider instance answers a request, and under which model id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from asgi_thinking.exceptions import ConfigurationError, InvalidRequest, ModelNotFound
from asgi_thinking.providers import Provider

__all__ = ["Router"]

# Names that other gateways give these kinds. Source: docs.portkey.ai/docs/integrations/llms, read
# 2026-11-22.
_KIND_ALIASES: Final = {"google": "gemini", "vertex-ai": "vertex", "aws": "bedrock"}

_PROVIDER_HEADERS: Final = (
    b"x-thinking-provider",
    b"x-portkey-provider",
    b"x-obiguard-provider",
    b"x-tfy-provider-name",
)
_VIRTUAL_KEY_HEADERS: Final = (b"x-portkey-virtual-key", b"x-obiguard-virtual-key")

# One path segment after percent-encoding: no control characters, no dot segments.
_MODEL: Final = re.compile(r"[A-Za-z0-9._:@/+-]{1,256}")


class Router:
    """The configured instances and the rules that choose one; immutable.

    In this order: `models` (exact names, then patterns), a provider header, an instance's name
    before the model's first slash, the first instance that claims the model.
    """

    __slots__ = ("_exact", "_headers", "_mapped", "_patterns", "_virtual_keys", "instances")

    def __init__(
        self,
        instances: Mapping[str, Provider],
        models: Mapping[str, str],
        virtual_keys: Mapping[str, str],
        *,
        provider_headers: bool = True,
    ) -> None:
        self.instances = dict(instances)
        self._exact = {name: target for name, target in models.items() if "*" not in name}
        self._patterns = [
            (_pattern(name), target) for name, target in models.items() if "*" in name
        ]
        # Callers repeat themselves, and a pattern costs more than all that is said once.
        self._mapped = lru_cache(maxsize=1024)(self._find_mapped)
        self._virtual_keys = {key.encode(): name for key, name in virtual_keys.items()}
        self._headers = provider_headers
        targets = [target.partition("/")[0] for target in models.values()]
        for name in (*targets, *virtual_keys.values()):
            if name not in self.instances:
                known = ", ".join(self.instances) or "none"
                raise ConfigurationError(
                    f"models/virtual_keys: no provider instance {name!r}; configured are {known}"
                )
        for name, target in models.items():
            if target.count("*") > name.count("*"):
                raise ConfigurationError(f"models: {target!r} has more stars than {name!r}")

    def __call__(
        self, model: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> tuple[Provider, str] | None:
        """The instance and the model id it is asked for, or None where the host must answer.

        Raises:
            ModelNotFound: a provider header names no configured instance.
            InvalidRequest: the model id has characters that no id has.
        """
        found = self._mapped(model) or self._by_header(model, headers) or self._by_name(model)
        if found is not None:
            _check(found[1])
        return found

    def _find_mapped(self, model: str) -> tuple[Provider, str] | None:
        target = self._exact.get(model)
        if target is None:
            for pattern, candidate in self._patterns:
                if match := pattern.fullmatch(model):
                    target = _fill(candidate, match.groups())
                    break
            else:
                return None
        instance, _, name = target.partition("/")
        return self.instances[instance], name

    def _by_header(
        self, model: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> tuple[Provider, str] | None:
        for raw, value in headers:
            header = raw.lower()
            if self._headers and header in _PROVIDER_HEADERS:
                instance = self._instance(value.decode("latin-1").strip().removeprefix("@"))
            elif header in _VIRTUAL_KEY_HEADERS and value in self._virtual_keys:
                instance = self._virtual_keys[value]
            else:
                continue
            return self.instances[instance], model.removeprefix(f"{instance}/")
        return None

    def _instance(self, wished: str) -> str:
        if wished in self.instances:
            return wished
        kind = _KIND_ALIASES.get(wished, wished)
        for name, provider in self.instances.items():
            if provider.kind == kind:
                return name
        known = ", ".join(self.instances) or "none"
        raise ModelNotFound(
            f"provider {wished[:64]!r} is not configured; configured are {known}",
            code="model_not_found",
        )

    def _by_name(self, model: str) -> tuple[Provider, str] | None:
        instance, slash, name = model.removeprefix("@").partition("/")
        if slash and instance in self.instances:
            return self.instances[instance], name
        for provider in self.instances.values():
            if provider.claims(model):
                return provider, model
        return None


@lru_cache(maxsize=1024)
def _check(name: str) -> None:
    """Refuse what is no model id."""
    if not _MODEL.fullmatch(name) or ".." in name:
        raise InvalidRequest(f"model: {name[:64]!r} is not a model id", param="model")


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(re.escape(part) for part in text.split("*")), re.DOTALL)


def _fill(target: str, captured: tuple[str, ...]) -> str:
    """Put what the pattern's stars matched in the place of the target's, from the right."""
    parts = target.split("*")
    missing = len(parts) - 1
    values = captured[len(captured) - missing :] if missing else ()
    return parts[0] + "".join(v + p for v, p in zip(values, parts[1:], strict=True))
