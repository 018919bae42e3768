// One user turn with a tool call in it, had by real clients that run on Node.
//
//     node talk.mjs <folder with node_modules> <client> <base URL> <dialect> <model> <stream: 0 or 1>
//
// prints [[thinking, answer], …] of its replies as JSON.

import { createRequire } from "node:module";
import path from "node:path";

const [folder, client, baseURL, dialect, model, stream] = process.argv.slice(2);
const require = createRequire(path.join(folder, "package.json"));
const streams = stream === "1";
const headers = { "x-thinking-dialect": dialect };
const asked = { thinking: { type: "enabled", budget_tokens: 2000 } };
const USER = "Weather in Tokyo?";
const RESULT = "Sunny";
const PLACE = { place: { type: "string", description: "A town." } };
const SCHEMA = { type: "object", properties: PLACE, required: ["place"] };
const TOOLS = [
  {
    type: "function",
    function: { name: "find", description: "Finds the weather of a place.", parameters: SCHEMA },
  },
];

// The library's own message is sent back as it is; its stream helper keeps the last of each extra.
async function openai() {
  const { OpenAI } = require("openai");
  const library = new OpenAI({ baseURL, apiKey: "k", defaultHeaders: headers, maxRetries: 0 });
  const messages = [{ role: "user", content: USER }];
  const heard = [];
  for (let turn = 0; turn < 2; turn += 1) {
    const body = { model, messages, tools: TOOLS, max_tokens: 8000, ...asked };
    let message;
    let thought = "";
    if (streams) {
      const events = library.chat.completions.stream(body);
      for await (const chunk of events) {
        const delta = chunk.choices[0]?.delta ?? {};
        thought += delta.reasoning_content ?? delta.reasoning ?? "";
      }
      message = (await events.finalChatCompletion()).choices[0].message;
    } else {
      message = (await library.chat.completions.create(body)).choices[0].message;
      thought = message.reasoning_content ?? message.reasoning ?? "";
    }
    heard.push([thought, message.content ?? ""]);
    messages.push(message);
    for (const call of message.tool_calls ?? []) {
      messages.push({ role: "tool", tool_call_id: call.id, content: RESULT });
    }
  }
  return heard;
}

async function langchain() {
  const { ChatOpenAI } = require("@langchain/openai");
  const { HumanMessage, ToolMessage } = require("@langchain/core/messages");
  const bound = new ChatOpenAI({
    model,
    apiKey: "k",
    maxRetries: 0,
    maxTokens: 8000,
    configuration: { baseURL, defaultHeaders: headers },
    modelKwargs: asked,
  }).bindTools(TOOLS);
  const messages = [new HumanMessage(USER)];
  const heard = [];
  for (let turn = 0; turn < 2; turn += 1) {
    let message;
    if (streams) {
      for await (const chunk of await bound.stream(messages)) {
        message = message === undefined ? chunk : message.concat(chunk);
      }
    } else {
      message = await bound.invoke(messages);
    }
    heard.push([message.additional_kwargs.reasoning_content ?? "", message.text]);
    messages.push(message);
    for (const call of message.tool_calls ?? []) {
      messages.push(new ToolMessage({ tool_call_id: call.id, content: RESULT }));
    }
  }
  return heard;
}

// The AI SDK calls the tool and sends everything back itself.
async function sdk(languageModel) {
  const { generateText, jsonSchema, stepCountIs, streamText, tool } = require("ai");
  const find = tool({
    description: "Finds the weather of a place.",
    inputSchema: jsonSchema(SCHEMA),
    execute: async () => RESULT,
  });
  const options = {
    model: languageModel,
    prompt: USER,
    tools: { find },
    stopWhen: stepCountIs(2),
    maxOutputTokens: 8000,
    maxRetries: 0,
  };
  const run = streams
    ? streamText({ ...options, onError: ({ error }) => { throw error; } })
    : await generateText(options);
  const steps = await run.steps;
  return steps.map((step) => [step.reasoningText ?? "", step.text]);
}

// What the providers of the AI SDK have no option for goes into the body here.
async function fetchAsked(url, init) {
  const body = JSON.stringify({ ...JSON.parse(init.body), ...asked });
  return fetch(url, { ...init, body });
}

const settings = { baseURL, apiKey: "k", headers, fetch: fetchAsked };

const TALKS = {
  openai,
  "@langchain/openai": langchain,
  "@ai-sdk/openai-compatible": () =>
    sdk(require("@ai-sdk/openai-compatible").createOpenAICompatible({ name: "a", ...settings })(model)),
  "@ai-sdk/deepseek": () => sdk(require("@ai-sdk/deepseek").createDeepSeek(settings)(model)),
  "@openrouter/ai-sdk-provider": () =>
    sdk(require("@openrouter/ai-sdk-provider").createOpenRouter(settings).chat(model)),
};

globalThis.AI_SDK_LOG_WARNINGS = false;
console.log(JSON.stringify(await TALKS[client]()));
