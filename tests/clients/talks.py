"""One user turn with a tool call in it, had by real clients, each in its own way.

    talk(stage, Way("deepseek", stream=True)) == [Heard("I look it up.", ""), Heard("…", "…")]

What a client takes for the thinking is what it gives its user as such; what it sends back is left
to the client wherever it has a way of its own, and else is its message as it dumps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ClassVar, Final, NamedTuple

from tests.clients.scene import ASKED, CLAUDE, RESULT, TOOLS, USER, Heard, JSONObject, Stage

__all__ = ["PACKAGES", "TALKS", "Way"]

_LIMIT: Final = 8_000


class Way(NamedTuple):
    """In which dialect a client is answered, whether in a stream, and by whom."""

    dialect: str
    stream: bool = False
    model: str = CLAUDE

    @property
    def headers(self) -> dict[str, str]:
        """What the client is told to send along."""
        return {"x-thinking-dialect": self.dialect}


Talk = Callable[[Stage, Way], list[Heard]]


def _results(calls: list[JSONObject]) -> list[JSONObject]:
    return [{"role": "tool", "tool_call_id": call["id"], "content": RESULT} for call in calls]


def openai(stage: Stage, way: Way) -> list[Heard]:
    """Whoever uses it reads extra keys as they are; `model_dump` sends them all back."""
    import openai as library

    client = library.OpenAI(
        base_url=f"{stage.url}/v1", api_key="k", default_headers=way.headers, max_retries=0
    )
    chat = client.chat.completions
    turns: list[Any] = [{"role": "user", "content": USER}]
    heard: list[Heard] = []
    for _ in range(2):
        asked: Any = {"model": way.model, "messages": turns, "tools": TOOLS, "max_tokens": _LIMIT}
        if way.stream:
            with chat.stream(**asked, extra_body=ASKED) as stream:
                told = stream.get_final_completion()
        else:
            told = chat.create(**asked, extra_body=ASKED)
        message = told.choices[0].message.model_dump(exclude_none=True)
        thought = message.get("reasoning_content") or message.get("reasoning") or ""
        heard.append(Heard(thought, message.get("content") or ""))
        turns += [message, *_results(message.get("tool_calls", []))]
    client.close()
    return heard


def _langchain(model: Any, way: Way) -> list[Heard]:
    from langchain_core.messages import HumanMessage, ToolMessage

    bound = model.bind_tools(TOOLS)
    turns: list[Any] = [HumanMessage(USER)]
    heard: list[Heard] = []
    for _ in range(2):
        if way.stream:
            first, *rest = bound.stream(turns)
            message = sum(rest, first)
        else:
            message = bound.invoke(turns)
        thought = message.additional_kwargs.get("reasoning_content") or ""
        heard.append(Heard(thought, message.text))
        results = [ToolMessage(RESULT, tool_call_id=call["id"]) for call in message.tool_calls]
        turns += [message, *results]
    return heard


def langchain_openai(stage: Stage, way: Way) -> list[Heard]:
    """Knows OpenAI's fields only."""
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(
        model=way.model,
        base_url=f"{stage.url}/v1",
        api_key="k",
        default_headers=way.headers,
        max_retries=0,
        max_tokens=_LIMIT,
        extra_body=ASKED,
    )
    return _langchain(model, way)


def langchain_deepseek(stage: Stage, way: Way) -> list[Heard]:
    """Reads DeepSeek's key, and the other in its place."""
    from langchain_deepseek import ChatDeepSeek

    model = ChatDeepSeek(
        model=way.model,
        api_base=f"{stage.url}/v1",
        api_key="k",
        default_headers=way.headers,
        max_retries=0,
        max_tokens=_LIMIT,
        extra_body=ASKED,
    )
    return _langchain(model, way)


def langchain_litellm(stage: Stage, way: Way) -> list[Heard]:
    """LiteLLM under LangChain's messages."""
    from langchain_litellm import ChatLiteLLM

    model = ChatLiteLLM(
        model=f"openai/{way.model}",
        api_base=f"{stage.url}/v1",
        api_key="k",
        extra_headers=way.headers,
        max_retries=0,
        max_tokens=_LIMIT,
        model_kwargs={"extra_body": ASKED},
    )
    return _langchain(model, way)


def litellm(stage: Stage, way: Way) -> list[Heard]:
    """Sends its own message back; a stream's is built by its own builder."""
    import litellm as library

    turns: list[Any] = [{"role": "user", "content": USER}]
    heard: list[Heard] = []
    for _ in range(2):
        told = library.completion(
            model=f"openai/{way.model}",
            api_base=f"{stage.url}/v1",
            api_key="k",
            messages=turns,
            tools=TOOLS,
            max_tokens=_LIMIT,
            extra_headers=way.headers,
            extra_body=ASKED,
            stream=way.stream,
            num_retries=0,
        )
        if way.stream:
            told = library.stream_chunk_builder(list(told))
        message = told.choices[0].message
        heard.append(Heard(getattr(message, "reasoning_content", "") or "", message.content or ""))
        turns.append(message)
        turns += _results([call.model_dump() for call in message.tool_calls or ()])
    return heard


def llama_index(stage: Stage, way: Way) -> list[Heard]:
    """Keeps thinking as blocks of a message."""
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    model = OpenAILike(
        model=way.model,
        api_base=f"{stage.url}/v1",
        api_key="k",
        is_chat_model=True,
        is_function_calling_model=True,
        default_headers=way.headers,
        max_retries=0,
        max_tokens=_LIMIT,
        additional_kwargs={"extra_body": ASKED},
    )
    turns = [ChatMessage(role="user", content=USER)]
    heard: list[Heard] = []
    for _ in range(2):
        if way.stream:
            *_, told = model.stream_chat(turns, tools=TOOLS)
        else:
            told = model.chat(turns, tools=TOOLS)
        message = told.message
        thoughts = [
            block.content or "" for block in message.blocks if "thinking" == block.block_type
        ]
        heard.append(Heard("".join(thoughts), message.content or ""))
        calls = model.get_tool_calls_from_response(told, error_on_no_tool_call=False)
        turns.append(message)
        for call in calls:
            given = {"tool_call_id": call.tool_id}
            turns.append(ChatMessage(role="tool", content=RESULT, additional_kwargs=given))
    return heard


def smolagents(stage: Stage, way: Way) -> list[Heard]:
    """Knows OpenAI's fields only, and sends calls and results back as text, as its agents do."""
    from smolagents import ChatMessage, MessageRole, OpenAIModel, Tool
    from smolagents.models import agglomerate_stream_deltas

    class Find(Tool):  # type: ignore[misc] (untyped)
        name = "find"
        description = "Finds the weather of a place."
        inputs: ClassVar = {"place": {"type": "string", "description": "A town."}}
        output_type = "string"

        def forward(self, place: str) -> str:
            return place

    model = OpenAIModel(
        way.model,
        f"{stage.url}/v1",
        api_key="k",
        client_kwargs={"default_headers": way.headers, "max_retries": 0},
        max_tokens=_LIMIT,
        extra_body=ASKED,
        tool_choice="auto",
    )
    turns: list[Any] = [ChatMessage(MessageRole.USER, [{"type": "text", "text": USER}])]
    heard: list[Heard] = []
    for _ in range(2):
        kept = {"messages": turns, "tools_to_call_from": [Find()]}
        if way.stream:
            message = agglomerate_stream_deltas(list(model.generate_stream(**kept)))
        else:
            message = model.generate(**kept)
        heard.append(Heard("", message.content or ""))
        said = f"Calling tools: {[asdict(call) for call in message.tool_calls or ()]}"
        turns.append(ChatMessage(MessageRole.ASSISTANT, [{"type": "text", "text": said}]))
        turns.append(ChatMessage(MessageRole.TOOL_RESPONSE, [{"type": "text", "text": RESULT}]))
    return heard


def pydantic_ai(stage: Stage, way: Way) -> list[Heard]:
    """Runs the tool itself; what it sends back depends on where it has found the thinking."""
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=f"{stage.url}/v1", api_key="k")
    return _pydantic_ai(Agent(OpenAIChatModel(way.model, provider=provider)), way)


def pydantic_ai_openrouter(stage: Stage, way: Way) -> list[Heard]:
    """Its model for OpenRouter, which reads and sends details only."""
    from openai import AsyncOpenAI
    from pydantic_ai import Agent
    from pydantic_ai.models.openrouter import OpenRouterModel
    from pydantic_ai.providers.openrouter import OpenRouterProvider

    client = AsyncOpenAI(base_url=f"{stage.url}/v1", api_key="k", max_retries=0)
    provider = OpenRouterProvider(openai_client=client)
    return _pydantic_ai(Agent(OpenRouterModel(way.model, provider=provider)), way)


def _pydantic_ai(agent: Any, way: Way) -> list[Heard]:
    from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart

    @agent.tool_plain
    def find(place: str) -> str:
        """Finds the weather of a place."""
        return RESULT if place else ""

    settings = {"extra_headers": way.headers, "extra_body": ASKED, "max_tokens": _LIMIT}

    async def run() -> list[Any]:
        if not way.stream:
            return list((await agent.run(USER, model_settings=settings)).all_messages())
        async with agent.iter(USER, model_settings=settings) as steps:
            async for step in steps:
                if agent.is_model_request_node(step):
                    async with step.stream(steps.ctx) as events:
                        async for _ in events:
                            pass
        return list(steps.result.all_messages())

    def joined(message: Any, kind: type) -> str:
        return "".join(part.content for part in message.parts if isinstance(part, kind))

    replies = [each for each in asyncio.run(run()) if isinstance(each, ModelResponse)]
    return [Heard(joined(each, ThinkingPart), joined(each, TextPart)) for each in replies]


def openai_agents(stage: Stage, way: Way) -> list[Heard]:
    """Runs the tool itself."""
    import agents
    from openai import AsyncOpenAI

    agents.set_tracing_disabled(True)

    @agents.function_tool
    def find(place: str) -> str:
        """Finds the weather of a place."""
        return RESULT if place else ""

    client = AsyncOpenAI(
        base_url=f"{stage.url}/v1", api_key="k", default_headers=way.headers, max_retries=0
    )
    agent = agents.Agent(
        name="a",
        model=agents.OpenAIChatCompletionsModel(way.model, client),
        tools=[find],
        model_settings=agents.ModelSettings(max_tokens=_LIMIT, extra_body=ASKED),
    )

    async def run() -> list[Any]:
        if not way.stream:
            return list((await agents.Runner.run(agent, USER)).raw_responses)
        result = agents.Runner.run_streamed(agent, USER)
        async for _ in result.stream_events():
            pass
        return list(result.raw_responses)

    return [_heard_items(each.output) for each in asyncio.run(run())]


def _heard_items(items: list[Any]) -> Heard:
    told = [item.model_dump() for item in items]
    thoughts = [
        part["text"]
        for item in told
        if item["type"] == "reasoning"
        for part in (item.get("content") or item.get("summary") or ())
    ]
    texts = [part["text"] for item in told if item["type"] == "message" for part in item["content"]]
    return Heard("".join(thoughts), "".join(texts))


TALKS: Final[dict[str, Talk]] = {
    "openai": openai,
    "langchain-openai": langchain_openai,
    "langchain-deepseek": langchain_deepseek,
    "pydantic-ai": pydantic_ai,
    "pydantic-ai for OpenRouter": pydantic_ai_openrouter,
    "openai-agents": openai_agents,
    "litellm": litellm,
    "langchain-litellm": langchain_litellm,
    "llama-index": llama_index,
    "smolagents": smolagents,
}
"""The clients."""

PACKAGES: Final = {
    "openai": "openai",
    "langchain-openai": "langchain_openai",
    "langchain-deepseek": "langchain_deepseek",
    "pydantic-ai": "pydantic_ai",
    "pydantic-ai for OpenRouter": "pydantic_ai",
    "openai-agents": "agents",
    "litellm": "litellm",
    "langchain-litellm": "langchain_litellm",
    "llama-index": "llama_index.llms.openai_like",
    "smolagents": "smolagents",
}
"""What must be installed for each."""
