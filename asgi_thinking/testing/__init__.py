"""What a third party needs to prove its provider and its dialect; no network, no test framework.

    check_provider(AcmeProvider(), model="acme-1", replies={"stream": b"data: …", "json": b"{…}",
                                                            "error": (429, b"{…}")})
    check_dialect(ACME)
    replay(AcmeProvider(), b"data: …", model="acme-1", dialect="portkey").message

All three are plain functions, which run an event loop of their own. The first two raise
`Nonconformance`, an `AssertionError` with a sentence for each promise that is broken::

    acme: the decoder gave other events when its bytes were cut at 17
    acme: a reply that was cut off at 204 passes as a whole one

**A provider's promises.** Its attributes are what they are called; `claims`, `capabilities` and
`accepts_for` answer for any id. `build` is pure, repeats itself, and lets no model id choose a
host, a query, a header or more than one segment of the path. The decoder gives the same events for
every split of its bytes, in the grammar of `asgi_thinking.events`; a reply that is cut off never
passes as whole; damaged bytes become a `StreamError` and raise nothing; a JSON reply says what the
stream says, and signatures go back as they came. Errors keep their status and are `ProviderError`.
Whoever leaves in the middle, or is cancelled, leaves no connection behind. Replies are good in
every installed dialect, strict where it is strict, and keys and prompts are in no log, no error, no
repr and no reply.

**A dialect's promises.** JSON and streams have OpenAI's envelope and say the same; the bytes do not
depend on how events are batched; `[DONE]` comes once, after good replies alone; errors end a stream
as `event: error`; no `signature` is null; items of lists that come twice have an `index`. Nothing
thought is shown unasked, or ever if `shows_thinking` is False. If it is `ordered`, what its clients
send back of a message, or of a stream's deltas, has every block, signature and redacted datum in
its place; else it has at least the texts. `read_echo` raises nothing but `InvalidRequest`.

`ScriptedTransport` is the network's stand-in for tests of one's own: pass it as `transport=`.
"""

from asgi_thinking.testing._dialects import Client, check_dialect
from asgi_thinking.testing._findings import Nonconformance
from asgi_thinking.testing._providers import Replies, check_provider
from asgi_thinking.testing._replay import Received, replay
from asgi_thinking.testing._transport import Answer, ScriptedReply, ScriptedTransport

__all__ = [
    "Answer",
    "Client",
    "Nonconformance",
    "Received",
    "Replies",
    "ScriptedReply",
    "ScriptedTransport",
    "check_dialect",
    "check_provider",
    "replay",
]
