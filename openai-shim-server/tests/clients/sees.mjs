// Tells what a person sees of each answer of failing.py in a Node SDK: sees.py's counterpart, with the same output.
// sees.mjs ROUTES PACKAGE ROOT UPSTREAM CASE... (PACKAGE: the name under which the SDK is installed in the folder SDK_DIR)
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
const require = createRequire(process.env.SDK_DIR + '/x.js');
export const [routes, packages, root, upstream, ...cases] = process.argv.slice(2);
export const ask = 'Which city?', v1 = root + '/v1', names = packages.split(',');
const [name] = names, messages = [{ role: 'user', content: ask }];
export const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const described = { name: 'weather', description: 'The weather of a city', parameters: schema };
const chat = { messages, tools: [{ type: 'function', function: described }] };
const WORDS = {
  stop: 'complete', tool_calls: 'complete', length: 'length', content_filter: 'filtered',
  completed: 'complete', max_output_tokens: 'length',
  end_turn: 'complete', tool_use: 'complete', max_tokens: 'length', refusal: 'refused',
  STOP: 'complete', MAX_TOKENS: 'length', SAFETY: 'filtered', RECITATION: 'filtered',
};
export const word = reason => WORDS[reason] ?? (reason || 'nothing');

function* openai() {
  const OpenAI = require(name).default ?? require(name);
  const client = new OpenAI({ baseURL: v1, apiKey: 'any', maxRetries: 0, timeout: 30000 });
  const read = ({ choices: [choice] }) => [choice.message.refusal ? 'refused' : word(choice.finish_reason),
    choice.message.content || choice.message.refusal || JSON.stringify(choice.message.tool_calls)];
  yield ['chat', 'openai-chat', async model => read(await client.chat.completions.create({ model, ...chat }))];
  yield ['chat stream', 'openai-chat', async model => {
    let text = '', end, refused = '';
    for await (const chunk of await client.chat.completions.create({ model, stream: true, ...chat })) {
      for (const choice of chunk.choices) {
        text += (choice.delta.content ?? '') + (choice.delta.tool_calls ?? []).map(c => c.function.arguments ?? '').join('');
        refused += choice.delta.refusal ?? '';
        end = choice.finish_reason ?? end;
      }
    }
    return [refused ? 'refused' : word(end), text || refused];
  }];
  yield ['chat helper', 'openai-chat', async model => read(await client.chat.completions.stream({ model, ...chat }).finalChatCompletion())];
  yield ['completions', 'openai-completions', async model => {
    const { choices: [choice] } = await client.completions.create({ model, prompt: ask });
    return [word(choice.finish_reason), choice.text];
  }];
  yield ['completions stream', 'openai-completions', async model => {
    let text = '', end;
    for await (const chunk of await client.completions.create({ model, prompt: ask, stream: true })) {
      for (const choice of chunk.choices) { text += choice.text; end = choice.finish_reason ?? end; }
    }
    return [word(end), text];
  }];
  const request = model => ({ model, input: ask, tools: [{ type: 'function', strict: false, ...described }] });
  const responseWord = response => response.output.some(i => i.content?.some?.(p => p.type === 'refusal')) ? 'refused'
    : word(response.incomplete_details?.reason ?? response.status);
  const readResponse = response => [responseWord(response), response.output_text || JSON.stringify(response.output)];
  yield ['responses', 'openai-responses', async model => readResponse(await client.responses.create(request(model)))];
  yield ['responses stream', 'openai-responses', async model => {
    let text = '', end = 'nothing';
    for await (const event of await client.responses.create({ ...request(model), stream: true })) {
      if (['response.output_text.delta', 'response.refusal.delta'].includes(event.type)) text += event.delta;
      if (['response.completed', 'response.incomplete', 'response.failed'].includes(event.type)) end = responseWord(event.response);
    }
    return [end, text];
  }];
  yield ['responses helper', 'openai-responses', async model => readResponse(await client.responses.stream(request(model)).finalResponse())];
}

function* anthropic() {
  const Anthropic = require(name).default ?? require(name);
  const client = new Anthropic({ baseURL: root, apiKey: 'any', maxRetries: 0, timeout: 30000 });
  const request = model => ({ model, max_tokens: 64, messages, tools: [{ name: 'weather', input_schema: schema }] });
  const read = message => [word(message.stop_reason), message.content.map(b => b.text ?? JSON.stringify(b.input)).join('')];
  yield ['messages', 'anthropic-messages', async model => read(await client.messages.create(request(model)))];
  yield ['messages stream', 'anthropic-messages', async model => {
    let text = '', end;
    for await (const event of await client.messages.create({ ...request(model), stream: true })) {
      if (event.type === 'content_block_delta') text += event.delta.text ?? '';
      if (event.type === 'message_delta') end = event.delta.stop_reason;
    }
    return [word(end), text];
  }];
  yield ['messages helper', 'anthropic-messages', async model => read(await client.messages.stream(request(model)).finalMessage())];
}

function* ollama() {
  const { Ollama } = require(name);
  const client = new Ollama({ host: root });
  const read = async (parts, text) => {
    let all = '', end;
    for await (const part of parts) { all += text(part) ?? ''; end = part.done_reason ?? end; }
    return [word(end), all];
  };
  const said = part => part.message.content, written = part => part.response;
  yield ['chat', 'ollama-chat', async model => read([await client.chat({ model, ...chat })], said)];
  yield ['chat stream', 'ollama-chat', async model => read(await client.chat({ model, stream: true, ...chat }), said)];
  yield ['generate', 'ollama-generate', async model => read([await client.generate({ model, prompt: ask })], written)];
  yield ['generate stream', 'ollama-generate', async model => read(await client.generate({ model, prompt: ask, stream: true }), written)];
}

function* genai() {
  const { GoogleGenAI } = require(name);
  const client = new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl: root } });
  const config = { tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: schema }] }] };
  const request = model => ({ model: 'models/' + model, contents: ask, config });
  const read = async answers => {
    let text = '', end;
    for await (const answer of answers) {
      end = answer.promptFeedback?.blockReason ?? end;
      for (const candidate of answer.candidates ?? []) {
        end = candidate.finishReason ?? end;
        text += (candidate.content?.parts ?? []).map(p => p.text ?? '').join('');
      }
    }
    return [word(end), text];
  };
  yield ['generate', 'gemini', async model => read([await client.models.generateContent(request(model))])];
  yield ['generate stream', 'gemini', async model => read(await client.models.generateContentStream(request(model)))];
  yield ['chat stream', 'gemini', async model => read(await client.chats.create({ model: 'models/' + model, config }).sendMessageStream({ message: ask }))];
}

export async function answers(routes) {
  for await (const [route, dialect, attempt] of routes) {
    for (const kase of cases) {
      // These two have no tools.
      if (kase.startsWith('call') && ['openai-completions', 'ollama-generate'].includes(dialect)) continue;
      let seen, detail;
      try {
        const answer = await attempt(`${upstream === 'own' ? dialect : upstream}/${kase}`);
        if (!answer) continue; // not asked
        [seen, detail] = answer;
      } catch (error) {
        [seen, detail] = ['error', `${error.constructor.name}: ${error.message}`];
      }
      console.log(JSON.stringify([route, kase, seen, String(detail)]));
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await answers({ openai, anthropic, ollama, 'google-genai': genai }[routes]());
