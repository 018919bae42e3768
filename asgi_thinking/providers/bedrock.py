"""Amazon Bedrock: Claude by InvokeModel, the other vendors' models by Converse.

Credentials, first match: `api_key=`, `session=`, `profile=`, `AWS_BEARER_TOKEN_BEDROCK`, boto3's
chain (environment, shared files, SSO, web identity, container and instance roles). All but the keys
need the extra `bedrock`, of which botocore finds, refreshes and signs, and never sees a reply.

Sources, read 2026-11-22: https://docs.aws.amazon.com/bedrock/latest/APIReference/welcome.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final, Literal, TypeAlias
from urllib.parse import quote
from uuid import uuid4

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.events import MessageStart
from asgi_thinking.exceptions import ConfigurationError, InvalidRequest, UpstreamStatusError
from asgi_thinking.messages import Image, Opaque, RedactedThinking, Thinking, Turn
from asgi_thinking.models_bedrock import (
    ORIGINS,
    BedrockModel,
    bedrock_model,
    canonical,
    is_bedrock_id,
)
from asgi_thinking.providers import HTTPProvider, WholeReply, now
from asgi_thinking.providers._bedrock_auth import find_auth
from asgi_thinking.providers._bedrock_invoke import InvokeDecoder
from asgi_thinking.requests import ChatRequest
from asgi_thinking.transport import Reply, UpstreamRequest
from asgi_thinking.wire import Decoder, anthropic, converse
from asgi_thinking.wire.converse import ConverseDecoder
from asgi_thinking.wire.converse.requests import SERVICE_TIERS

__all__ = ["BedrockConverseProvider", "BedrockInvokeProvider", "BedrockProvider"]

API: TypeAlias = Literal["invoke", "converse"]

# The version that every Claude takes here; from 4.7 on they take newer ones as well.
_VERSION: Final = "bedrock-2023-05-31"

_STREAM: Final = "application/vnd.amazon.eventstream"
_JSON: Final = "application/json"

# The operation's name in the URL, for a whole reply and for a stream.
_OPERATIONS: Final[Mapping[API, tuple[str, str]]] = {
    "invoke": ("invoke", "invoke-with-response-stream"),
    "converse": ("converse", "converse-stream"),
}
# Parts that are nothing to those who cannot verify them.
_HIDDEN: Final = (Thinking, RedactedThinking, Opaque)
_REGION: Final = re.compile(r"[a-z0-9-]+")
_TRUE: Final = frozenset({"1", "true"})


class BedrockProvider(HTTPProvider):
    """Bedrock, by the API that suits the model.

    Looking for credentials reads files, and may ask the machine's metadata service: make it before
    the event loop runs. They are refreshed in a thread of their own.

    Args:
        region: by default `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's.
        api: "invoke" or "converse" for Claude; by default "invoke". Others speak Converse.
        api_key: a Bedrock API key, by default `AWS_BEARER_TOKEN_BEDROCK`.
        session: a session of boto3 or botocore, asked for credentials and region.
        profile: a profile of the shared files.
        base_url: by default `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`, else the region's.
        families: which model an id stands for that does not say so, as in
            `{"arn:aws:bedrock:…:application-inference-profile/x1y2": "anthropic.claude-opus-5-5"}`;
            only the ARNs named here can be asked for.
        version: `anthropic_version` of InvokeModel.
        betas: values of `anthropic_beta`, for Claude.
        overrides: capabilities by model id, before the built-in tables; an id stands for all its
            spellings, and for what `families` says is the same model.
        options: those of `HTTPProvider`.

    Raises:
        ConfigurationError: there is no credential or no region, or an argument cannot work.
    """

    kind = "bedrock"
    accepts = frozenset({""}) | ORIGINS
    default_api: ClassVar[API | None] = None

    def __init__(  # noqa: PLR0913 (keywords of a public constructor)
        self,
        region: str = "",
        *,
        api: API | None = None,
        api_key: str | None = None,
        session: Any = None,
        profile: str | None = None,
        base_url: str | None = None,
        families: Mapping[str, str] | None = None,
        version: str = _VERSION,
        betas: tuple[str, ...] = (),
        overrides: Mapping[str, Capabilities] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        api = api or self.default_api
        if api not in {None, *_OPERATIONS}:
            raise ConfigurationError(f"bedrock: api={api!r}: choose of {', '.join(_OPERATIONS)}")
        self._api: API | None = api
        self._version = version
        self._betas = betas
        self._families = dict(families or {})
        self._overrides = dict(overrides or {})
        self._auth = find_auth(api_key, session, profile, region)
        self._url = _endpoint(base_url, self._auth.region)

    def claims(self, model: str) -> bool:
        """Models under Bedrock's own ids, and those of `families`."""
        return model in self._families or is_bedrock_id(model)

    def capabilities(self, model: str) -> Capabilities:
        """The owner's record for the model, or the table's."""
        for name in (model, canonical(model), self._named(model)):
            if (own := self._overrides.get(name)) is not None:
                return own
        known = self._model(model)
        by_invoke = known.by_invoke if self._api_of(known) == "invoke" else None
        return by_invoke or known.accepts

    def accepts_for(self, model: str) -> frozenset[str]:
        """The origins that the model's vendor and API take back."""
        return self._model(model).origins & self.accepts

    def build(self, request: ChatRequest) -> UpstreamRequest:
        """The request of the model's API, with the model in the URL.

        Raises:
            InvalidRequest: the id is an ARN that nobody configured, a model that the API does not
                serve, or a message has what it does not take.
        """
        named = canonical(request.model)
        if named.startswith("arn:") and named not in self._families:
            raise InvalidRequest("model: this ARN is not configured (families=)", param="model")
        model = self._model(request.model)
        api = self._api_of(model)
        betas = anthropic.betas_for(request, self.capabilities(request.model), self._betas)
        headers = [("content-type", _JSON), ("accept", _STREAM if request.stream else _JSON)]
        if api == "converse":
            body = converse.encode_request(request, model, betas=betas)
        else:
            if not model.is_claude:
                raise InvalidRequest(
                    f"model: {request.model!r} is not Claude, which alone is asked by InvokeModel",
                    param="model",
                )
            body = self._invoke_body(request, betas)
            if tier := SERVICE_TIERS.get(request.service_tier or ""):
                headers.append(("x-amzn-bedrock-service-tier", tier))
        # What may stand in a path stays: one HTTP client decodes it, which breaks the signature.
        operation = _OPERATIONS[api][request.stream]
        url = f"{self._url}/model/{quote(named, safe=':@')}/{operation}"
        return UpstreamRequest(url, tuple(headers), body, stream=request.stream)

    async def authorize(self, upstream: UpstreamRequest, request: ChatRequest) -> UpstreamRequest:
        """Sign the request, or add the key; the caller's headers are not signed."""
        added = await self._auth.headers(upstream, upstream.headers)
        headers = (*upstream.headers, *request.headers, *added)
        return UpstreamRequest(upstream.url, headers, upstream.body, upstream.stream)

    def decoder(self, request: ChatRequest, reply: Reply) -> Decoder:
        """A stream decoder for event streams, a whole-body one for anything else."""
        streamed = _STREAM in reply.headers.get("content-type", "")
        model = self._model(request.model)
        if self._api_of(model) == "invoke":
            if streamed:
                return InvokeDecoder(now(), self.kind)
            return WholeReply(partial(anthropic.decode_reply, created=now(), provider=self.kind))
        # The wire names neither the reply nor its model.
        named = reply.headers.get("x-amzn-requestid") or uuid4().hex
        head = MessageStart(named, request.model, now(), self.kind)
        if streamed:
            return ConverseDecoder(head, model.origin)
        return WholeReply(partial(converse.decode_reply, head=head, origin=model.origin))

    def read_error(
        self, status: int, body: bytes, headers: Mapping[str, str]
    ) -> UpstreamStatusError:
        """AWS's error body, and the header that names the exception."""
        return converse.decode_error(status, body, self.kind, headers.get("x-amzn-errortype", ""))

    def _model(self, model: str) -> BedrockModel:
        return bedrock_model(self._named(model))

    def _named(self, model: str) -> str:
        """The id that tells what the model is."""
        named = canonical(model)
        return self._families.get(named, named)

    def _api_of(self, model: BedrockModel) -> API:
        if self._api is not None:
            return self._api
        return "invoke" if model.is_claude else "converse"

    def _invoke_body(self, request: ChatRequest, betas: tuple[str, ...]) -> bytes:
        extra: dict[str, Any] = {"anthropic_version": self._version}
        if betas:
            extra["anthropic_beta"] = betas
        request = request.but(messages=_invokable(request.messages), service_tier=None)
        return anthropic.encode_request(request, stream=False, model_in_body=False, extra=extra)


class BedrockInvokeProvider(BedrockProvider):
    """Bedrock by InvokeModel, which is spoken with Claude only."""

    accepts = frozenset({""})
    default_api: ClassVar[API | None] = "invoke"


class BedrockConverseProvider(BedrockProvider):
    """Bedrock by Converse, Claude included."""

    default_api: ClassVar[API | None] = "converse"


def _endpoint(base_url: str | None, region: str) -> str:
    """The URL of the service, without a slash at its end.

    Raises:
        ConfigurationError: nobody names a region, or it is none.
    """
    given = base_url or os.environ.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
    given = given or os.environ.get("AWS_ENDPOINT_URL")
    if given:
        return given.rstrip("/")
    if not _REGION.fullmatch(region):
        raise ConfigurationError(f"bedrock: region={region!r}; set AWS_REGION or pass region=")
    fips = os.environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() in _TRUE
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://bedrock-runtime{'-fips' if fips else ''}.{region}.{domain}"


def _invokable(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The turns without what only Converse reads.

    Raises:
        InvalidRequest: an image is named by a URL, which this API does not open.
    """
    for turn in turns:
        if any(isinstance(part, Image) and part.url for part in turn.parts):
            message = "messages: image URLs are not supported by this API; send a data: URL"
            raise InvalidRequest(message, param="messages")
    return tuple([_without_verbatim(turn) for turn in turns])


def _without_verbatim(turn: Turn) -> Turn:
    kept = tuple(
        [part for part in turn.parts if not (isinstance(part, _HIDDEN) and part.origin in ORIGINS)]
    )
    return turn if len(kept) == len(turn.parts) else replace(turn, parts=kept)
