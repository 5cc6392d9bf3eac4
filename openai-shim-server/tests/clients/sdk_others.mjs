// Runs the Node SDKs of Anthropic and Ollama against the shim with the upstream echo. sdk_others.mjs ROOT MODEL (npm
// @anthropic-ai/sdk and ollama in the folder SDK_DIR)
import { createRequire } from 'node:module';
const require = createRequire(process.env.SDK_DIR + '/x.js');
const Anthropic = require('@anthropic-ai/sdk').default ?? require('@anthropic-ai/sdk');
const { Ollama } = require('ollama');
const [root, model] = process.argv.slice(2);
const messages = [{ role: 'user', content: 'Say hello to the world' }];
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
let passed = 0;
const check = (name, ok, what) => {
  if (!ok) { console.log(`failed: ${name}:`, JSON.stringify(what)); console.log(`${passed} passed, 1 failed`); process.exit(1); }
  passed++;
};
const fails = async (name, attempt, status) => {
  try { await attempt(); } catch (error) { return check(name, (error.status ?? error.status_code) === status, String(error)); }
  check(name, false);
};

const anthropic = new Anthropic({ baseURL: root, apiKey: 'any', maxRetries: 0 });
const ask = { model, max_tokens: 64, messages };
const message = await anthropic.messages.create(ask);
check('non-streaming response', message.content[0].text === 'Say hello to the world' && message.stop_reason === 'end_turn', message);
const stream = anthropic.messages.stream(ask);
let text = '';
stream.on('text', piece => { text += piece; });
const final = await stream.finalMessage();
check('stream', text === 'Say hello to the world' && final.usage.output_tokens > 0, final);
const tools = [{ name: 'get_weather', input_schema: schema }];
const called = await anthropic.messages.stream({ ...ask, tools, tool_choice: { type: 'any' } }).finalMessage();
const use = called.content.at(-1);
check('tool call', use.type === 'tool_use' && use.input.city === '' && called.stop_reason === 'tool_use', called);
const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'sunny' }] };
const after = await anthropic.messages.create({ ...ask, tools, messages: [...messages, { role: 'assistant', content: called.content }, result] });
check('tool result', after.content[0].text === 'sunny', after);
check('tokens are counted', (await anthropic.messages.countTokens({ model, messages })).input_tokens > 3);
const listed = [];
for await (const m of anthropic.models.list()) listed.push(m.id);
check('models are listed', listed.includes(model), listed);
await fails('a request without messages is an error', () => anthropic.messages.create({ ...ask, messages: [] }), 400);

const ollama = new Ollama({ host: root });
check('Ollama models are listed', (await ollama.list()).models.some(m => m.model === model));
check('a model is shown', (await ollama.show({ model })).capabilities.includes('tools'));
const chat = await ollama.chat({ model, messages });
check('Ollama chat', chat.message.content === 'Say hello to the world' && chat.done_reason === 'stop', chat);
let ollamaText = '', ends = 0;
for await (const part of await ollama.chat({ model, messages, stream: true })) { ollamaText += part.message.content; ends += part.done; }
check('Ollama chat in a stream', ollamaText === 'Say hello to the world' && ends === 1, ollamaText);
ollamaText = '';
for await (const part of await ollama.generate({ model, prompt: 'Say hello', stream: true })) ollamaText += part.response;
check('Ollama generate in a stream', ollamaText === 'Say hello', ollamaText);
const call = { function: { name: 'get_weather', arguments: { city: 'Oslo' } } };
const history = [...messages, { role: 'assistant', content: '', tool_calls: [call] }, { role: 'tool', content: 'sunny', tool_name: 'get_weather' }];
const answered = await ollama.chat({ model, messages: history, tools: [{ type: 'function', function: { name: 'get_weather', parameters: schema } }] });
check('Ollama tool result', answered.message.content === 'sunny', answered);
const structured = await ollama.chat({ model, messages: [{ role: 'user', content: '{"city":"Paris"}' }], format: schema });
check('structured output', JSON.parse(structured.message.content).city === 'Paris', structured);
check('embeddings', (await ollama.embed({ model, input: ['a', 'b'] })).embeddings.length === 2);
await fails('show of an unknown model is an error', () => ollama.show({ model: 'no/such-model' }), 404);
console.log(`${passed} passed, 0 failed`);
