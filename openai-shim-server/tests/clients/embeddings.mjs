// Runs the embeddings of Vercel's AI SDK against the shim, in front of the upstream of embeddings.py, which starts this.
// embeddings.mjs ROOT (npm ai, @ai-sdk/openai, @ai-sdk/openai-compatible and @ai-sdk/google in the folder SDK_DIR)
import { createRequire } from 'node:module';
const require = createRequire(process.env.SDK_DIR + '/x.js');
const { embed, embedMany } = require('ai');
const { createOpenAI } = require('@ai-sdk/openai');
const { createOpenAICompatible } = require('@ai-sdk/openai-compatible');
const { createGoogleGenerativeAI } = require('@ai-sdk/google');
const root = process.argv[2];
const values = Array.from({ length: 25 }, (_, i) => `text ${i}`);
const wanted = JSON.stringify(values.map((_, i) => i));
let passed = 0;
const check = (name, ok, what) => {
  if (!ok) { console.log(`failed: ${name}:`, JSON.stringify(what)); process.exit(1); }
  passed++;
};
const models = {
  openai: [createOpenAI({ baseURL: `${root}/v1`, apiKey: 'any' }).textEmbeddingModel('embedder'), { openai: { dimensions: 2 } }],
  compatible: [createOpenAICompatible({ name: 'shim', baseURL: `${root}/v1`, apiKey: 'any' }).textEmbeddingModel('embedder'), { shim: { dimensions: 2 } }],
  google: [createGoogleGenerativeAI({ baseURL: `${root}/v1beta`, apiKey: 'any' }).textEmbeddingModel('embedder'), { google: { taskType: 'RETRIEVAL_DOCUMENT' } }],
};
for (const [name, [model, providerOptions]] of Object.entries(models)) {
  const one = await embed({ model, value: 'text 7', maxRetries: 0 });
  check(`${name}, one`, one.embedding[0] === 7, one);
  const many = await embedMany({ model, values, maxRetries: 0, providerOptions });
  check(`${name}, order`, JSON.stringify(many.embeddings.map(vector => vector[0])) === wanted, many);
  if (name !== 'google') check(`${name}, usage`, many.usage.tokens === 25, many.usage);
}
console.log(passed);
