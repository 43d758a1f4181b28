// The `ollama` package from npm, unchanged, against a running server: HALCYON_URL.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ollama } from "ollama";

const client = new Ollama({ host: process.env.HALCYON_URL });
const model = "halcyon-tiny";
const messages = [{ role: "user", content: "Who are you?" }];
const options = { temperature: 0, num_predict: 40 };

test("lists, shows and names its version", async () => {
  assert.deepEqual((await client.list()).models.map((entry) => entry.name), [`${model}:latest`]);
  const shown = await client.show({ model });
  assert.equal(shown.details.family, "qwen3");
  assert.ok(shown.capabilities.includes("completion"));
  assert.equal(shown.model_info["general.architecture"], "qwen3");
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+/);
});

test("chats", async () => {
  const answer = await client.chat({ model, messages, options });
  assert.match(answer.message.content, /Halcyon/);
  assert.equal(answer.done, true);
  assert.ok(answer.eval_count > 0 && answer.total_duration > 0);
});

test("streams a chat", async () => {
  const whole = await client.chat({ model, messages, options });
  let text = "", last;
  for await (const part of await client.chat({ model, messages, options, stream: true })) {
    text += part.message.content;
    last = part;
  }
  assert.equal(text, whole.message.content);
  assert.equal(last.done, true);
  assert.equal(last.done_reason, whole.done_reason);
});

test("aborts a stream", async () => {
  const stream = await client.chat({ model, messages, stream: true, options: { num_predict: 1000 } });
  for await (const part of stream) {
    if (part.message.content) break;
  }
  client.abort();
});

test("generates, streamed and not", async () => {
  const request = { model, prompt: "Once upon a time", raw: true, options };
  const whole = await client.generate(request);
  let text = "";
  for await (const part of await client.generate({ ...request, stream: true })) text += part.response;
  assert.equal(text, whole.response);
});

test("keeps to a format", async () => {
  const format = {
    type: "object", required: ["answer"], properties: { answer: { enum: ["yes", "no"] } },
  };
  const answer = await client.chat({ model, messages, format, options: { num_predict: 50 } });
  assert.ok(["yes", "no"].includes(JSON.parse(answer.message.content).answer));
  const any = await client.generate({ model, prompt: "A person", format: "json", options: { num_predict: 30 } });
  assert.match(any.response, /^{/);
});

test("embeds", async () => {
  const { embeddings } = await client.embed({ model, input: ["a fox", "a lantern"] });
  assert.equal(embeddings.length, 2);
  assert.ok(Math.abs(embeddings[0].reduce((sum, x) => sum + x * x, 0) - 1) < 1e-3);
});

test("is told that the model has no use for tools", async () => {
  const tools = [{
    type: "function",
    function: { name: "add", description: "", parameters: { type: "object", properties: { a: { type: "number" } } } },
  }];
  await assert.rejects(client.chat({ model, messages, tools, options }), /does not support tools/);
});

test("loads, tells what is loaded, and unloads", async () => {
  await client.generate({ model, prompt: "", keep_alive: "5m" });
  const { models } = await client.ps();
  assert.equal(models[0].name, `${model}:latest`);
  await client.generate({ model, prompt: "", keep_alive: 0 });
  for (let i = 0; i < 100 && (await client.ps()).models.length > 0; ++i) await new Promise((r) => setTimeout(r, 50));
  assert.deepEqual((await client.ps()).models, []);
});

test("tells what is wrong", async () => {
  await assert.rejects(client.chat({ model: "no-such-model", messages }), /no-such-model/);
  await assert.rejects(client.pull({ model: "llama3" }), /not supported/);
  await assert.rejects(client.generate({ model, prompt: "x", options: { temperature: -1 } }), /temperature/);
});
