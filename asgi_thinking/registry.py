"""Providers and dialects by name, from the entry points of every installed distribution.

The groups are `asgi_thinking.providers` (a provider's class, called without arguments) and
`asgi_thinking.dialects` (a dialect object). Nothing is imported before its name is configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeAlias, cast

from asgi_thinking.dialects import Dialect
from asgi_thinking.exceptions import ConfigurationError
from asgi_thinking.providers import HTTPProvider, Provider

__all__ = ["BUILT_IN_DIALECTS", "load_dialects", "load_provider", "provider_names"]

BUILT_IN_DIALECTS: Final = (
    *("openai", "truefoundry", "truefoundry-legacy", "portkey", "obiguard"),
    *("openrouter", "litellm", "deepseek", "reasoning", "think-tags"),
)
"""All dialects of this distribution: what their clients send back is always read."""

_Points: TypeAlias = Mapping[str, list[EntryPoint]]


def _installed(group: str) -> _Points:
    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        points.setdefault(point.name, []).append(point)
    return points


def provider_names() -> list[str]:
    """The names of all installed providers."""
    return sorted(_installed("asgi_thinking.providers"))


def load_provider(name: str, **options: Any) -> Provider:
    """Build the provider that an entry point names; `options` go to it if it is an `HTTPProvider`.

    Raises:
        ConfigurationError: no distribution has the name, two have it, its import fails, or the
            provider itself cannot be built (no credentials, say).
    """
    factory = _load(_installed("asgi_thinking.providers"), "provider", name)
    if not callable(factory):
        raise ConfigurationError(f"provider {name!r}: the entry point is not callable")
    takes_options = isinstance(factory, type) and issubclass(factory, HTTPProvider)
    provider = factory(**options) if takes_options else factory()
    if not isinstance(provider, Provider):
        raise ConfigurationError(f"provider {name!r}: {type(provider).__name__} is no Provider")
    return provider


def load_dialects(names: tuple[str, ...]) -> dict[str, Dialect]:
    """The dialects of these names, by name.

    Raises:
        ConfigurationError: no distribution has a name, two have it, or its import fails.
    """
    installed = _installed("asgi_thinking.dialects")
    return {name: cast("Dialect", _load(installed, "dialect", name)) for name in names}


def _load(installed: _Points, what: str, name: str) -> object:
    points = installed.get(name, [])
    owners = sorted({point.dist.name if point.dist else "?" for point in points})
    if not points:
        known = ", ".join(sorted(installed))
        raise ConfigurationError(f"{what} {name!r} is not installed; installed are {known}")
    if len({point.value for point in points}) > 1:
        raise ConfigurationError(f"{what} {name!r} is claimed by several of {', '.join(owners)}")
    try:
        return points[0].load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"{what} {name!r} of {owners[0]} cannot be loaded: {error}"
        ) from error
