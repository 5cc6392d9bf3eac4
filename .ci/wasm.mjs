// NATIVE=openai-shim node .ci/wasm.mjs MODULE.wasm FIXTURES...: converts fixtures with core in WebAssembly, and compares the
// output with the native binary's. The module must have no imports.
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
const [path, ...files] = process.argv.slice(2);
const fixtures = files.filter(f => !f.endsWith('.request.json') && !f.includes('*'));
const module = new WebAssembly.Module(fs.readFileSync(path));
const imports = WebAssembly.Module.imports(module);
if (imports.length) { console.error('core has imports:', imports); process.exit(1); }
const { put, run, get } = new WebAssembly.Instance(module, {}).exports;
const kinds = ['request', 'response', 'stream', 'error'];
let failed = 0;
for (const file of fixtures) {
  const kind = kinds.find(kind => file.includes(`/${kind}s/`));
  const head = Buffer.from(`${kind} openai-chat openai-chat compatible\n`);
  for (const byte of Buffer.concat([head, fs.readFileSync(file)])) put(byte);
  const length = run();
  const text = Buffer.from(Array.from({ length }, (_, i) => get(i))).toString();
  const body = text.slice(text.indexOf('---\n') + 4);
  const args = ['convert', '--from', 'openai-chat', '--to', 'openai-chat', '--kind', kind];
  const native = execFileSync(process.env.NATIVE, args, { input: fs.readFileSync(file), stdio: ['pipe', 'pipe', 'ignore'] }).toString();
  if (body.trimEnd() !== native.trimEnd()) { failed++; console.error(`differs: ${file}\n${body}\n${native}`); }
}
console.log(`wasm: ${fixtures.length - failed} passed, ${failed} failed, no imports`);
process.exit(failed || !fixtures.length ? 1 : 0);
