// sees.mjs for frameworks: OpenAI's agents for Node, Vercel's AI SDK, and Gemini CLI.
// sees_frameworks.mjs ROUTES PACKAGE,PACKAGE... ROOT UPSTREAM CASE... (the names under which they are installed in SDK_DIR)
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { pathToFileURL } from 'node:url';
import { answers, ask, root, routes, names, schema, v1, word } from './sees.mjs';
const load = async name => import(pathToFileURL(createRequire(process.env.SDK_DIR + '/x.js').resolve(name)));
const [first, ...others] = names;

async function* agents() {
  const sdk = await load(first);
  sdk.setTracingDisabled(true);
  const OpenAI = (await load(others[0])).default;
  const client = new OpenAI({ baseURL: v1, apiKey: 'any', maxRetries: 0, timeout: 30000 });
  const weather = sdk.tool({ name: 'weather', description: 'The weather of a city', strict: false, parameters: { ...schema, additionalProperties: true }, execute: ({ city }) => `sunny in ${city}` });
  const agent = model => new sdk.Agent({ name: 'a', model, tools: [weather], toolUseBehavior: 'stop_on_first_tool' });
  for (const [name, dialect, Model] of [['chat', 'openai-chat', sdk.OpenAIChatCompletionsModel], ['responses', 'openai-responses', sdk.OpenAIResponsesModel]]) {
    yield [name, dialect, async model => ['complete', (await sdk.run(agent(new Model(client, model)), ask)).finalOutput]];
    yield [name + ' stream', dialect, async model => {
      const result = await sdk.run(agent(new Model(client, model)), ask, { stream: true });
      for await (const _ of result);
      await result.completed;
      return ['complete', result.finalOutput];
    }];
  }
}

async function* vercel() {
  const { generateText, streamText, tool, jsonSchema } = await load(first);
  const [openai, compatible, anthropic, google] = await Promise.all(others.map(load));
  const settings = { apiKey: 'any', baseURL: v1 };
  const ai = openai.createOpenAI(settings), other = compatible.createOpenAICompatible({ ...settings, name: 'shim' });
  const claude = anthropic.createAnthropic(settings), gemini = google.createGoogleGenerativeAI({ apiKey: 'any', baseURL: root + '/v1beta' });
  const tools = { weather: tool({ description: 'The weather of a city', inputSchema: jsonSchema(schema), execute: async ({ city }) => `sunny in ${city}` }) };
  const words = { stop: 'complete', 'tool-calls': 'complete', length: 'length', 'content-filter': 'filtered' };
  const models = {
    chat: ['openai-chat', m => ai.chat(m)], compatible: ['openai-chat', m => other(m)], responses: ['openai-responses', m => ai.responses(m)],
    messages: ['anthropic-messages', m => claude(m)], gemini: ['gemini', m => gemini('models/' + m)],
  };
  const settle = model => ({ model, prompt: ask, tools, maxRetries: 0, timeout: 30000 });
  for (const [name, [dialect, model]] of Object.entries(models)) {
    yield [name, dialect, async m => {
      const result = await generateText(settle(model(m)));
      return [words[result.finishReason] ?? word(result.finishReason), result.text || JSON.stringify(result.toolResults)];
    }];
    yield [name + ' stream', dialect, async m => {
      let text = '', end, failure;
      for await (const part of streamText({ ...settle(model(m)), onError() {} }).fullStream) {
        if (part.type === 'text-delta') text += part.text ?? part.delta;
        if (part.type === 'tool-result') text += JSON.stringify(part.output);
        if (part.type === 'error') failure ??= part.error;
        if (part.type === 'finish') end = part.finishReason;
      }
      if (failure) throw failure instanceof Error ? failure : new Error(JSON.stringify(failure));
      return [words[end] ?? word(end), text];
    }];
  }
}

// An error is an exit code other than 0. It tries again before.
async function* geminiCli() {
  const home = fs.mkdtempSync(os.tmpdir() + '/gemini-');
  fs.mkdirSync(home + '/.gemini');
  fs.writeFileSync(home + '/.gemini/settings.json', JSON.stringify({ security: { auth: { selectedType: 'gemini-api-key' } }, privacy: { usageStatisticsEnabled: false } }));
  const env = { ...process.env, HOME: home, GEMINI_API_KEY: 'any', GOOGLE_GEMINI_BASE_URL: root, GEMINI_TELEMETRY_ENABLED: 'false' };
  yield ['prompt', 'gemini', model => new Promise(resolve => {
    // It has no tool of the name that these call.
    if (/call(-length)?$/.test(model)) return resolve(null);
    const cli = spawn('node', [`${process.env.SDK_DIR}/node_modules/.bin/gemini`, '-m', model, '--skip-trust', '-p', ask], { cwd: home, env, timeout: 120000 });
    let text = '', errors = '';
    cli.stdout.on('data', data => { text += data; });
    cli.stderr.on('data', data => { errors += data; });
    cli.on('close', code => resolve(code ? ['error', text + errors.slice(0, 500)] : ['complete', text]));
  })];
  fs.rmSync(home, { recursive: true });
}

await answers({ agents, vercel, 'gemini-cli': geminiCli }[routes]());
