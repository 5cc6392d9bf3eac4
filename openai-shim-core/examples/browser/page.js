// Converts what is pasted with openai-shim-core in WebAssembly (examples/wasm.rs), and shows the result beside the diagnostics.
'use strict';

const element = id => document.getElementById(id);
const choices = ['kind', 'from', 'to', 'profile'];
const meanings = {
  request: (from, to) => `A client's request in ${from}, as an upstream of ${to} gets it.`,
  response: (from, to) => `An upstream's response in ${from}, as a client of ${to} gets it.`,
  stream: (from, to) => `An upstream's stream in ${from}, as a client of ${to} gets it.`,
  error: (from, to) => `An upstream's error in ${from}, as a client of ${to} gets it.`,
};
const example = `data:{"choices":[{"delta":{"content":"Hello"}}]}

data:{"choices":[{"delta":{"content":" there"},"finish_reason":"eos"}]}

`;
let compiled, core;

// The module takes and gives one byte at a time.
function give(text) {
  for (const byte of new TextEncoder().encode(text)) core.put(byte);
}
function take(length) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = core.get(at);
  return new TextDecoder().decode(bytes);
}

function convert() {
  const [kind, from, to, profile] = choices.map(id => element(id).value);
  element('meaning').textContent = meanings[kind](from, to);
  let text;
  try {
    give(`${kind} ${from} ${to} ${profile} indented\n${element('payload').value}`);
    text = take(core.run());
  } catch (error) {
    renew(); // an instance that has failed is of no more use
    text = `error: ${error}\n---\n`;
  }
  const end = text.indexOf('---\n');
  const lines = text.slice(0, end).trim().split('\n');
  const changes = lines.filter(line => line.startsWith('- '));
  element('result').textContent = text.slice(end + 4);
  const facts = lines.filter(line => line && !line.startsWith('- '));
  element('status').textContent = [...facts, `diagnostics: ${changes.length}`].join(', ');
  element('diagnostics').replaceChildren(...changes.map(line => {
    const item = document.createElement('li');
    item.textContent = line.slice(2);
    item.className = line.match(/ \[(info|warning|error)\]/)?.[1] ?? '';
    return item;
  }));
}

async function renew() {
  core = (await WebAssembly.instantiate(compiled, {})).exports;
}

function fill(id, names, chosen) {
  element(id).replaceChildren(...names.map(name => new Option(name, name, name === chosen, name === chosen)));
}

async function start() {
  compiled = await WebAssembly.compile(await (await fetch('wasm.wasm')).arrayBuffer());
  await renew();
  const [dialects, profiles] = take(core.names()).split('\n\n').map(list => list.split('\n'));
  fill('from', dialects, 'openai-chat');
  fill('to', dialects, 'anthropic-messages');
  fill('profile', profiles, 'compatible');
  element('payload').value = example;
  choices.forEach(id => element(id).addEventListener('change', convert));
  let timer;
  element('payload').addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(convert, 100);
  });
  element('choices').addEventListener('submit', event => event.preventDefault());
  convert();
}
start().catch(error => { element('status').textContent = `The module could not be loaded: ${error}`; });
