// node .ci/wasm.mjs MODULE.wasm FIXTURES...: runs stream fixtures through core in WebAssembly, which may import nothing.
import fs from 'node:fs';
const [path, ...fixtures] = process.argv.slice(2);
const module = new WebAssembly.Module(fs.readFileSync(path));
const imports = WebAssembly.Module.imports(module);
if (imports.length) { console.error('core imports', imports); process.exit(1); }
const { put, run, get } = new WebAssembly.Instance(module, {}).exports;
const kinds = ['requests', 'responses', 'streams', 'errors'];
let bad = 0;
for (const file of fixtures) {
  const kind = kinds.findIndex(k => file.includes(`/${k}/`));
  for (const byte of fs.readFileSync(file)) put(byte);
  const length = run(kind);
  const text = Buffer.from(Array.from({ length }, (_, i) => get(i))).toString();
  const expected = process.env.EXPECTED && fs.readFileSync(`${process.env.EXPECTED}/${kinds[kind]}/${file.split('/').pop()}.txt`, 'utf8');
  if (!text.includes('---') || (expected && expected !== text)) { bad++; console.error(`differs: ${file}\n${text}`); }
}
console.log(`wasm: ${fixtures.length - bad} passed, ${bad} failed, no imports`);
process.exit(bad || !fixtures.length ? 1 : 0);
