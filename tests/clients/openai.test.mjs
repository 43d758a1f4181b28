// The `openai` package from npm, unchanged, against a running server: HALCYON_URL.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.env.HALCYON_URL}/v1`, apiKey: "none needed", maxRetries: 0 });
const model = "halcyon-tiny";
const messages = [{ role: "user", content: "Who are you?" }];
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a town",
    parameters: {
      type: "object",
      properties: { town: { type: "string", maxLength: 20 }, unit: { enum: ["celsius", "fahrenheit"] } },
      required: ["town", "unit"],
    },
  },
};

test("lists models", async () => {
  const models = [];
  for await (const entry of client.models.list()) models.push(entry.id);
  assert.deepEqual(models, [model]);
  assert.equal((await client.models.retrieve(model)).id, model);
});

test("answers a chat", async () => {
  const answer = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 50 });
  assert.match(answer.choices[0].message.content, /Halcyon/);
  assert.equal(answer.choices[0].message.role, "assistant");
  assert.ok(answer.usage.total_tokens === answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.ok(answer.id.startsWith("chatcmpl-"));
});

test("streams a chat with its usage", async () => {
  const whole = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 50 });
  const stream = await client.chat.completions.create({
    model, messages, temperature: 0, max_tokens: 50, stream: true, stream_options: { include_usage: true },
  });
  let text = "", usage, reason;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    reason ??= chunk.choices[0]?.finish_reason;
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(reason, whole.choices[0].finish_reason);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
});

test("the stream helper puts the answer together", async () => {
  const stream = client.chat.completions.stream({ model, messages, temperature: 0, max_tokens: 20 });
  const answer = await stream.finalChatCompletion();
  assert.ok(answer.choices[0].message.content.length > 0);
});

test("stops a stream that nobody wants any more", async () => {
  const stream = await client.chat.completions.create({ model, messages, stream: true, max_tokens: 1000 });
  for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) break;
  stream.controller.abort();
});

test("several choices, logprobs and stop strings", async () => {
  const answer = await client.chat.completions.create({
    model, messages, n: 3, seed: 7, temperature: 1, max_tokens: 12, logprobs: true, top_logprobs: 2, stop: ["zzz", "."],
  });
  assert.equal(answer.choices.length, 3);
  for (const choice of answer.choices) {
    assert.ok(!choice.message.content.includes("."));
    assert.equal(choice.logprobs.content[0].top_logprobs.length, 2);
    assert.ok(choice.logprobs.content[0].logprob <= 0);
  }
});

test("calls a tool when it has to", async () => {
  const answer = await client.chat.completions.create({
    model, messages, tools: [weather], tool_choice: "required", temperature: 0, max_tokens: 200,
  });
  const call = answer.choices[0].message.tool_calls[0];
  assert.equal(answer.choices[0].finish_reason, "tool_calls");
  assert.equal(call.function.name, "get_weather");
  assert.ok(["celsius", "fahrenheit"].includes(JSON.parse(call.function.arguments).unit));

  const after = await client.chat.completions.create({
    model, tools: [weather], max_tokens: 10,
    messages: [...messages, answer.choices[0].message, { role: "tool", tool_call_id: call.id, content: "sunny" }],
  });
  assert.equal(after.choices[0].message.role, "assistant");
});

test("streams a tool call", async () => {
  const stream = client.chat.completions.stream({
    model, messages, tools: [weather], tool_choice: { type: "function", function: { name: "get_weather" } },
    temperature: 0, max_tokens: 200,
  });
  const answer = await stream.finalChatCompletion();
  assert.equal(answer.choices[0].message.tool_calls[0].function.name, "get_weather");
  JSON.parse(answer.choices[0].message.tool_calls[0].function.arguments);
});

test("keeps to a JSON schema", async () => {
  const schema = {
    type: "object", additionalProperties: false, required: ["name", "age"],
    properties: { name: { type: "string", maxLength: 10 }, age: { type: "integer", minimum: 1, maximum: 99 } },
  };
  const answer = await client.chat.completions.create({
    model, messages, temperature: 1, max_tokens: 200,
    response_format: { type: "json_schema", json_schema: { name: "person", schema, strict: true } },
  });
  const person = JSON.parse(answer.choices[0].message.content);
  assert.deepEqual(Object.keys(person), ["name", "age"]);
  assert.ok(person.age >= 1 && person.age <= 99);
});

test("completes text", async () => {
  const answer = await client.completions.create({ model, prompt: "Once upon a time", max_tokens: 8, temperature: 0 });
  assert.equal(answer.object, "text_completion");
  const stream = await client.completions.create({
    model, prompt: "Once upon a time", max_tokens: 8, temperature: 0, stream: true,
  });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.text ?? "";
  assert.equal(text, answer.choices[0].text);
});

test("embeds", async () => {
  // The package asks for base64 by itself and decodes it.
  const { data, usage } = await client.embeddings.create({ model, input: ["a fox", "a lantern"] });
  assert.equal(data.length, 2);
  assert.ok(Math.abs(data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-3);
  const floats = await client.embeddings.create({ model, input: "a fox", encoding_format: "float" });
  assert.ok(Math.abs(floats.data[0].embedding[0] - data[0].embedding[0]) < 1e-6);
  assert.ok(usage.prompt_tokens > 1);
});

test("tells what is wrong", async () => {
  const ask = (more) => client.chat.completions.create({ model, messages, ...more });
  await assert.rejects(ask({ model: "no-such-model" }), OpenAI.NotFoundError);
  await assert.rejects(ask({ temperature: "hot" }), OpenAI.BadRequestError);
  await assert.rejects(ask({ messages: [] }), OpenAI.BadRequestError);
  await assert.rejects(ask({ messages: [{ role: "user", content: "word ".repeat(20000) }] }), (error) => {
    assert.equal(error.status, 400);
    assert.match(error.message, /context/);
    return true;
  });
  await assert.rejects(ask({ no_such_option: 1 }), /no_such_option/);
});
