// The official Node SDK through the shim. sdk_openai.mjs BASE_URL MODEL echo|real (npm openai in the folder SDK_DIR)
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

const whole = await client.chat.completions.create({ model, messages, max_tokens: 16 });
check('a whole answer', echo ? whole.choices[0].message.content === 'Say hello to the world' : whole.choices[0].message.content, whole);

let text = '', last;
const stream = await client.chat.completions.create({ model, messages, max_tokens: 16, stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) { text += chunk.choices[0]?.delta?.content ?? ''; last = chunk; }
check('a stream', echo ? text === 'Say hello to the world' : text, text);
check('usage at its end', last.usage?.total_tokens > 0 && last.choices.length === 0, last);

const helper = client.chat.completions.stream({ model, messages, max_tokens: 16 });
check('the stream helper', (await helper.finalContent()).length > 0);

if (echo) {
  let called = 0;
  const tools = [{ type: 'function', function: { name: 'clock', parse: JSON.parse, parameters: { type: 'object', properties: {} }, function: () => { called++; return 'noon'; } } }];
  const runner = client.chat.completions.runTools({ model, messages, tools, stream: true, tool_choice: 'required' });
  check('a tool round trip', (await runner.finalContent()) === 'noon' && called === 1, called);
  const aborted = await client.chat.completions.create({ model, messages, stream: true });
  aborted.controller.abort();
  check('an aborted stream', true);
}

try {
  await client.chat.completions.create({ model, messages: 'hello' });
  check('messages as a text are an error', false);
} catch (error) {
  check('messages as a text are an error', error.status === 400 && error.param === 'messages', error);
}
console.log(`${passed} passed, 0 failed`);
