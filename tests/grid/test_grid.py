"""Models by forms by histories by streams: every cell is answered, or refused for a stated reason.

A client's body goes in, the simulated vendor judges what goes upstream, and the client's reply
comes out. By default a share of the cells is asked; the profile "ci" asks them all.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from typing import Final

import pytest
from hypothesis import settings

from tests.asgi import Client
from tests.grid.forms import FORMS
from tests.grid.scene import SHAPES, Asked, Edge, answer, told
from tests.grid.targets import TARGETS, Target
from tests.strictness import check_completion, check_stream

pytestmark = [pytest.mark.anyio, pytest.mark.hypothesis]

# Of how many cells one is asked; the sum of a cell's places says which.
_EVERY: Final = max(1, 600 // settings().max_examples)

_DIALECTS: Final = (
    *("truefoundry", "truefoundry-legacy", "portkey"),
    *("openrouter", "litellm", "deepseek", "reasoning"),
)

# What is refused where tools are sent, and the words of the reason.
# Source: https://developers.openai.com/api/docs/guides/latest-model, read 2026-11-22: this model
# reasons in all requests, and takes functions only where it need not, or by another API.
REFUSED: Final = {"openai/gpt-6": ("tools", "takes none while the model thinks")}


# What a vendor refuses before the middleware asks in another way: newer models of Claude bind their
# thinking to the tools too, and nobody but them knows of what it was made.
# Source: https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks,
# read 2026-11-22.
HEALED: Final[dict[bool, set[str]]] = {True: {"claude.thinking_bound"}, False: set()}


def cells(target: Target, every: int) -> list[Asked]:
    """The cells of one model, or a share of them."""
    number = TARGETS.index(target)
    found: list[Asked] = []
    for (f, form), (s, shape), stream in product(enumerate(FORMS), enumerate(SHAPES), (0, 1)):
        if (number + f + s + 3 * stream) % every == 0:
            dialect = "openai" if SHAPES[shape].plain else _DIALECTS[(number + s) % len(_DIALECTS)]
            remembers = bool((number + f) % 2)
            found.append(Asked(target, form, shape, bool(stream), dialect, remembers))
    return found


def refused(asked: Asked) -> bool:
    """Whether the list above names the cell."""
    return asked.target.name in REFUSED and "tools" in asked.fields


@cache
def edge(remembers: bool) -> Edge:
    """One middleware for all cells of its kind, because its conversations are had once."""
    return Edge(remembers=remembers)


def check_answer(asked: Asked, client: Client) -> None:
    """Fail unless this is a whole reply in the client's dialect."""
    assert (asked, 200) == (asked, client.status), client.content
    assert "Sunny." == answer(told(client, asked.dialect, stream=asked.stream))
    if asked.dialect == "openai" and asked.stream:
        check_stream(client.content)
    elif asked.dialect == "openai":
        check_completion(client.json)


def check_refusal(asked: Asked, client: Client) -> None:
    """Fail unless the client is told what is wrong, and where."""
    param, why = REFUSED[asked.target.name]
    assert (asked, 400) == (asked, client.status)
    error = client.json["error"]
    assert (param, "invalid_request_error") == (error["param"], error["type"])
    assert why in error["message"]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
async def test_every_cell_is_answered(target: Target) -> None:
    """No form breaks a conversation, whatever its history, with any model.

    Nor does a vendor refuse anything on the way to it, but thinking whose tools are others now.
    """
    for asked in cells(target, _EVERY):
        vendors = edge(asked.remembers)
        client = await vendors.ask(asked)
        check = check_refusal if refused(asked) else check_answer
        check(asked, client)
        assert set(vendors.refusals) <= HEALED[asked.changes_tools], asked


def test_the_grid_is_wide() -> None:
    """At least 20 models, 12 forms and 5 histories, and each model of the list is one of them."""
    assert (len(TARGETS) >= 20, len(FORMS) >= 12, len(SHAPES) >= 5) == (True, True, True)
    assert {target.name for target in TARGETS} >= set(REFUSED)


def test_little_is_refused() -> None:
    """The list above names at most a twentieth of all cells."""
    every = [asked for target in TARGETS for asked in cells(target, 1)]
    assert 20 * sum(map(refused, every)) <= len(every)


def test_a_share_has_every_pair() -> None:
    """Whatever two of model, form, history and stream are looked at, the share has all of both."""

    def pairs(every: int) -> set[object]:
        found = [asked[:4] for target in TARGETS for asked in cells(target, every)]
        ends = combinations(range(4), 2)
        return {(a, b, cell[a], cell[b]) for a, b in ends for cell in found}

    assert pairs(1) == pairs(6)
