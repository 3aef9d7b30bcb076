// node client.mjs BASE_URL generate|stream QUESTION: asks as Chatbox does, and prints what it read as JSON.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";

const [baseURL, mode, question] = process.argv.slice(2);
const provider = createOpenAICompatible({ name: "zhiwen", baseURL, apiKey: "none", includeUsage: true });
const request = {
  model: provider("zhiwen"),
  system: "You are a helpful assistant.",
  messages: [{ role: "user", content: [{ type: "text", text: question }] }],
  maxRetries: 0,
};

async function generated() {
  const done = await generateText(request);
  return { text: done.text, reasoning: done.reasoningText, finishReason: done.finishReason, usage: done.usage, error: null };
}

async function streamed() {
  const read = { text: "", reasoning: "", finishReason: null, usage: null, error: null };
  const stream = streamText({ ...request, onError() {} });
  for await (const part of stream.fullStream) {
    if (part.type === "text-delta") read.text += part.text;
    if (part.type === "reasoning-delta") read.reasoning += part.text;
    if (part.type === "finish") Object.assign(read, { finishReason: part.finishReason, usage: part.totalUsage });
    if (part.type === "error") read.error = String(part.error?.message ?? part.error);
  }
  return read;
}

console.log(JSON.stringify(await (mode === "stream" ? streamed() : generated())));
