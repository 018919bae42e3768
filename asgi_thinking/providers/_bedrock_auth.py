"""Who asks Bedrock: a bearer token, or AWS credentials that sign each request.

Sources, read 2026-11-22: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and
botocore 1.44.5 (`credentials.py`, `auth.py`).
"""

from __future__ import annotations

import asyncio
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias
from weakref import WeakKeyDictionary

from asgi_thinking.exceptions import ConfigurationError, ProviderError

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials

    from asgi_thinking.transport import UpstreamRequest

__all__ = ["Auth", "Bearer", "Signer", "find_auth"]

Headers: TypeAlias = "tuple[tuple[str, str], ...]"

_SERVICE: Final = "bedrock"
_INSTALL: Final = "pip install 'asgi-thinking[bedrock]'"
_NO_CREDENTIAL: Final = (
    "bedrock: no credential; set AWS_BEARER_TOKEN_BEDROCK, or what boto3 reads: AWS_ACCESS_KEY_ID"
    " and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, a role"
)
_NO_REGION: Final = "bedrock: no region; set AWS_REGION or pass region="

# Hashing more than this takes long enough for others to wait, in bytes.
_LARGE: Final = 2**20


class Auth(Protocol):
    """Adds credentials to requests; `region` is "" where nobody said one."""

    region: str

    async def headers(self, upstream: UpstreamRequest, signed: Headers) -> Headers:
        """The headers to add to a request of which `signed` are headers already.

        Raises:
            ProviderError: the credentials could not be refreshed.
        """
        ...


class Bearer:
    """A Bedrock API key, which needs no SDK."""

    def __init__(self, token: str, region: str) -> None:
        self.region = region
        self._headers = (("authorization", f"Bearer {token}"),)

    async def headers(self, upstream: UpstreamRequest, signed: Headers) -> Headers:
        """The key."""
        del upstream, signed
        return self._headers


class Signer:
    """Signs with credentials of botocore, which are refreshed off the event loop.

    Raises:
        ConfigurationError: the session has no credentials, or nobody names a region.
    """

    def __init__(self, session: Any, region: str) -> None:
        self.region = region or _region_of(session)
        if not self.region:
            raise ConfigurationError(_NO_REGION)
        credentials: Credentials | None = session.get_credentials()
        if credentials is None:
            raise ConfigurationError(_NO_CREDENTIAL)
        # Loading these takes long, so not on the first request.
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        self._signature, self._request = SigV4Auth, AWSRequest
        self._credentials = credentials
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._locks = WeakKeyDictionary()

    async def headers(self, upstream: UpstreamRequest, signed: Headers) -> Headers:
        """The signature, its date, and the session's token."""
        frozen = await self._frozen()
        if len(upstream.body) > _LARGE:
            return await asyncio.to_thread(self._sign, frozen, upstream, signed)
        return self._sign(frozen, upstream, signed)

    async def _frozen(self) -> ReadOnlyCredentials:
        """The credentials of now; while they are refreshed, the other requests wait."""
        credentials = self._credentials
        if not _is_stale(credentials):
            return credentials.get_frozen_credentials()
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            if not _is_stale(credentials):
                return credentials.get_frozen_credentials()
            try:
                return await asyncio.to_thread(credentials.get_frozen_credentials)
            except Exception as error:
                # Their messages name files, profiles and roles of the owner.
                reason = type(error).__name__
                raise ProviderError(
                    f"bedrock: the AWS credentials cannot be refreshed ({reason})"
                ) from error

    def _sign(
        self, frozen: ReadOnlyCredentials, upstream: UpstreamRequest, signed: Headers
    ) -> Headers:
        given = dict(signed)
        request = self._request("POST", upstream.url, headers=given, data=upstream.body)
        self._signature(frozen, _SERVICE, self.region).add_auth(request)
        return tuple(
            (name.lower(), value) for name, value in request.headers.items() if name not in given
        )


def find_auth(api_key: str | None, session: Any, profile: str | None, region: str) -> Auth:
    """The first of: the key, the session, the profile, the environment's key, boto3's own chain.

    Raises:
        ConfigurationError: there is none, or the SDK that it needs is missing.
    """
    own = session is not None or profile is not None
    key = api_key or (None if own else os.environ.get("AWS_BEARER_TOKEN_BEDROCK"))
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    if key:
        return Bearer(key, region)
    if find_spec("botocore") is None:
        raise ConfigurationError(f"{_NO_CREDENTIAL}; all but the first need {_INSTALL}")
    if session is None:
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session

        try:
            return Signer(Session(profile=profile), region)
        except BotoCoreError as error:
            raise ConfigurationError(f"bedrock: {error}") from error
    return Signer(session, region)


def _region_of(session: Any) -> str:
    """The region of a session, boto3's or botocore's."""
    if hasattr(session, "region_name"):
        return session.region_name or ""
    return session.get_config_variable("region") or ""


def _is_stale(credentials: Credentials) -> bool:
    """Whether asking for the credentials would fetch new ones."""
    refresh_needed = getattr(credentials, "refresh_needed", None)
    return refresh_needed is not None and refresh_needed()
