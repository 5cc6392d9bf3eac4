// Runs OpenAI's official Node SDK against the shim. sdk_openai.mjs BASE_URL MODEL echo|real (npm openai in the folder SDK_DIR)
import { createRequire } from 'node:module';
const require = createRequire(process.env.SDK_DIR + '/x.js');
const OpenAI = require('openai').default ?? require('openai');
const [base, model, kind] = process.argv.slice(2);
const echo = kind === 'echo';
const client = new OpenAI({ baseURL: base, apiKey: 'any', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Say hello to the world' }];
let passed = 0;
const check = (name, ok, what) => {
  if (!ok) { console.log(`failed: ${name}:`, what); console.log(`${passed} passed, 1 failed`); process.exit(1); }
  passed++;
};

const models = [];
for await (const m of client.models.list()) models.push(m.id);
check('models are listed', models.includes(model), models);

const completion = await client.chat.completions.create({ model, messages, max_tokens: 16 });
check('non-streaming response', echo ? completion.choices[0].message.content === 'Say hello to the world' : completion.choices[0].message.content, completion);

let text = '', last;
const stream = await client.chat.completions.create({ model, messages, max_tokens: 16, stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) { text += chunk.choices[0]?.delta?.content ?? ''; last = chunk; }
check('stream', echo ? text === 'Say hello to the world' : text, text);
check('usage in the last chunk', last.usage?.total_tokens > 0 && last.choices.length === 0, last);

const helper = client.chat.completions.stream({ model, messages, max_tokens: 16 });
check('the stream helper', (await helper.finalContent()).length > 0);

if (echo) {
  let called = 0;
  const tools = [{ type: 'function', function: { name: 'clock', parse: JSON.parse, parameters: { type: 'object', properties: {} }, function: () => { called++; return 'noon'; } } }];
  const runner = client.chat.completions.runTools({ model, messages, tools, stream: true, tool_choice: 'required' });
  check('tool call and result', (await runner.finalContent()) === 'noon' && called === 1, called);
  const aborted = await client.chat.completions.create({ model, messages, stream: true });
  aborted.controller.abort();
  check('aborted stream', true);

  const vectors = await client.embeddings.create({ model, input: ['a', 'b'] });
  check('embeddings', vectors.data.length === 2 && vectors.data[0].embedding.length === 8, vectors);
  const floats = await client.embeddings.create({ model, input: 'a', encoding_format: 'float' });
  check('base64 and float embeddings are equal', floats.data[0].embedding.every((v, i) => Math.abs(v - vectors.data[0].embedding[i]) < 1e-6), floats);
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
  const structured = await client.chat.completions.parse({ model, messages: [{ role: 'user', content: '{"city":"Paris"}' }],
    response_format: { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema } } });
  check('structured output', JSON.parse(structured.choices[0].message.content).city === 'Paris', structured);

  const response = await client.responses.create({ model, input: 'Say hello to the world' });
  check('response', response.output_text === 'Say hello to the world' && response.status === 'completed', response);
  const helper = client.responses.stream({ model, input: 'Say hello to the world' });
  check('response in a stream', (await helper.finalResponse()).output_text === 'Say hello to the world');
  const clock = [{ type: 'function', name: 'clock', parameters: { type: 'object', properties: {} }, strict: false }];
  const withCall = await client.responses.create({ model, input: 'What time is it?', tools: clock, tool_choice: 'required' });
  const output = { type: 'function_call_output', call_id: withCall.output.at(-1).call_id, output: 'noon' };
  const after = await client.responses.create({ model, input: [output], tools: clock, previous_response_id: withCall.id });
  check('tool result with previous_response_id', after.output_text === 'noon', after);
  let completed = '';
  for await (const chunk of await client.completions.create({ model, prompt: 'Say hello', stream: true })) completed += chunk.choices[0]?.text ?? '';
  check('text completion in a stream', completed === 'Say hello', completed);
}

try {
  await client.chat.completions.create({ model, messages: 'hello' });
  check('a string as messages is an error', false);
} catch (error) {
  check('a string as messages is an error', error.status === 400 && error.param === 'messages', error);
}
console.log(`${passed} passed, 0 failed`);
