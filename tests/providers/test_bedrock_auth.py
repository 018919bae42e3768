"""Bedrock's credentials: where they are found, how they are refreshed, what signs."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.credentials import (
    DeferredRefreshableCredentials,
    ReadOnlyCredentials,
    RefreshableCredentials,
)

from asgi_thinking.exceptions import ConfigurationError, ProviderError
from asgi_thinking.providers import _bedrock_auth as module
from asgi_thinking.providers.bedrock import BedrockProvider
from tests.providers.bedrock_scene import REGION, asking, forget_aws

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


async def added(provider: BedrockProvider, **fields: Any) -> dict[str, str]:
    """The headers that the credentials add to a request."""
    request = asking(**fields)
    built = provider.build(request)
    headers = (await provider.authorize(built, request)).headers
    assert built.headers == headers[: len(built.headers)]
    return dict(headers[len(built.headers) :])


def signer_of(headers: dict[str, str]) -> str:
    """The access key and the region of a signature."""
    scope = headers["authorization"].partition("Credential=")[2].partition(",")[0].split("/")
    return f"{scope[0]} {scope[2]} {scope[3]}"


def configure(folder: Path, text: str) -> None:
    """Write the shared file of credentials."""
    (folder / "credentials").write_text(text)


async def test_a_key_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bedrock's own keys need no SDK; the argument comes before the environment."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "env")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert {"authorization": "Bearer env"} == await added(BedrockProvider(REGION))
    assert {"authorization": "Bearer arg"} == await added(BedrockProvider(REGION, api_key="arg"))


async def test_keys_of_the_environment_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the region of the environment, and a session's token if there is one."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    headers = await added(BedrockProvider())
    assert {"authorization", "x-amz-date"} == headers.keys()
    assert "AKIAENV eu-west-3 bedrock" == signer_of(headers)
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    headers = await added(BedrockProvider())
    assert "AKIAENV us-east-2 bedrock" == signer_of(headers)
    assert "token" == headers["x-amz-security-token"]


async def test_a_profile_has_its_keys_and_its_region(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An explicit profile comes before a key of the environment."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "env")
    configure(tmp_path, "[work]\naws_access_key_id=AKIAWORK\naws_secret_access_key=s\n")
    (tmp_path / "config").write_text("[profile work]\nregion=ap-south-1\n")
    assert "AKIAWORK ap-south-1 bedrock" == signer_of(await added(BedrockProvider(profile="work")))
    given = BedrockProvider(REGION, profile="work")
    assert f"AKIAWORK {REGION} bedrock" == signer_of(await added(given))
    with pytest.raises(ConfigurationError, match=r"bedrock: .*profile \(none\) could not be found"):
        BedrockProvider(REGION, profile="none")


@pytest.mark.parametrize(
    "kind", [boto3.Session, botocore.session.Session], ids=["boto3", "botocore"]
)
async def test_a_session_is_asked_for_its_credentials(
    kind: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With its own region, and before a key of the environment."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "env")
    configure(tmp_path, "[default]\naws_access_key_id=AKIAOWN\naws_secret_access_key=s\n")
    (tmp_path / "config").write_text("[default]\nregion=eu-north-1\n")
    headers = await added(BedrockProvider(session=kind()))
    assert "AKIAOWN eu-north-1 bedrock" == signer_of(headers)


def test_without_any_credential_it_cannot_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the SDK, the error says what to do."""
    with pytest.raises(ConfigurationError, match=r"no credential; set AWS_BEARER_TOKEN_BEDROCK"):
        BedrockProvider(REGION)
    with pytest.raises(ConfigurationError, match="no region; set AWS_REGION"):
        BedrockProvider()
    with pytest.raises(ConfigurationError, match="no region; set AWS_REGION"):
        BedrockProvider(session=boto3.Session())
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'asgi-thinking\[bedrock\]'"):
        BedrockProvider(REGION)


class Source:
    """Where credentials come from that end: who fetched them, how often, and a fault."""

    def __init__(self, lifetime: float, fault: Exception | None = None) -> None:
        self.threads: list[int] = []
        self.lifetime = timedelta(seconds=lifetime)
        self.fault = fault
        self.gate = threading.Event()
        self.gate.set()

    def fetch(self) -> dict[str, str]:
        self.gate.wait()
        self.threads.append(threading.get_ident())
        if self.fault is not None:
            raise self.fault
        return {
            "access_key": f"AKIA{len(self.threads)}",
            "secret_key": "secret",
            "token": "token",
            "expiry_time": (datetime.now(UTC) + self.lifetime).isoformat(),
        }

    def get_credentials(self) -> RefreshableCredentials:
        """What a session is asked for."""
        return DeferredRefreshableCredentials(self.fetch, "test")


async def test_credentials_that_end_are_refreshed_off_the_loop() -> None:
    """Once for all that wait, in another thread; not again while they are good."""
    source = Source(lifetime=7200)
    provider = BedrockProvider(REGION, session=source)
    source.gate.clear()
    tasks = [asyncio.create_task(added(provider)) for _ in range(5)]
    await asyncio.sleep(0)  # all of them ask
    source.gate.set()
    headers = await asyncio.gather(*tasks)
    headers.append(await added(provider))
    assert [f"AKIA1 {REGION} bedrock"] * 6 == [signer_of(found) for found in headers]
    assert 1 == len(source.threads)
    assert threading.get_ident() not in source.threads


async def test_credentials_near_their_end_are_fetched_again() -> None:
    """Each request that finds them so asks for new ones."""
    source = Source(lifetime=60)
    provider = BedrockProvider(REGION, session=source)
    signers = [signer_of(await added(provider))[:5] for _ in range(2)]
    assert ["AKIA1", "AKIA2"] == signers


async def test_a_failed_refresh_is_an_error_of_the_provider() -> None:
    """It names the kind of failure, and nothing that the owner configured."""
    provider = BedrockProvider(REGION, session=Source(60, ValueError("/home/owner/.aws")))
    with pytest.raises(ProviderError, match=r"cannot be refreshed \(ValueError\)$") as caught:
        await added(provider)
    assert 502 == caught.value.status


def test_one_provider_may_serve_several_loops() -> None:
    """What waits for a refresh waits in its own loop."""
    provider = BedrockProvider(REGION, session=Source(lifetime=60))
    for _ in range(2):
        asyncio.run(_both(provider))


async def _both(provider: BedrockProvider) -> None:
    await asyncio.gather(added(provider), added(provider))


async def test_a_large_body_is_hashed_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others need not wait for it; the signature is of the same kind."""
    threads: list[int] = []
    frozen = ReadOnlyCredentials("AKIAREAD", "secret", None)

    class Fixed:
        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            return frozen

    class Session:
        region_name = REGION

        def get_credentials(self) -> Fixed:
            return Fixed()

    sign = module.Signer._sign

    def watched(*given: Any) -> Any:
        threads.append(threading.get_ident())
        return sign(*given)

    monkeypatch.setattr(module.Signer, "_sign", watched)
    provider = BedrockProvider(session=Session())
    assert f"AKIAREAD {REGION} bedrock" == signer_of(await added(provider))
    large = {"a": "x" * 2**20}
    assert f"AKIAREAD {REGION} bedrock" == signer_of(await added(provider, extra=large))
    here = threading.get_ident()
    assert [True, False] == [found == here for found in threads]
