// node .ci/browser.mjs MODULE.wasm [SCREENSHOTS]: opens examples/browser in a real browser (chromium, by its own protocol over a
// pipe), uses it as a person does, and checks what it shows. Exits with 1 if something is wrong.
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
const [module, screenshots] = process.argv.slice(2);
const folder = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../openai-shim-core/examples/browser');

// Any static server will do.
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const requested = new Set();
const server = http.createServer((request, response) => {
  const name = request.url === '/' ? '/index.html' : request.url;
  requested.add(name);
  const file = name === '/wasm.wasm' ? module : path.join(folder, path.basename(name));
  if (!fs.existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream' }).end(fs.readFileSync(file));
}).listen(0, '127.0.0.1');
await new Promise(resolve => server.on('listening', resolve));

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'browser-'));
const browser = spawn(process.env.CHROMIUM ?? 'chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--remote-debugging-pipe',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', `--user-data-dir=${profile}`, 'about:blank'],
{ stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
const [, , , toBrowser, fromBrowser] = browser.stdio;
const waiting = new Map(), problems = [];
let count = 0, rest = '', session;
fromBrowser.on('data', data => {
  const messages = (rest + data).split('\0');
  rest = messages.pop();
  for (const { id, method, params, result, error } of messages.map(message => JSON.parse(message))) {
    if (method === 'Runtime.exceptionThrown') problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Log.entryAdded' && params.entry.level === 'error') problems.push(params.entry.text);
    if (waiting.has(id)) waiting.get(id)(error ? { error } : result);
    waiting.delete(id);
  }
});
const call = (method, params = {}) => new Promise((resolve, reject) => {
  const id = ++count;
  waiting.set(id, result => (result.error ? reject(new Error(`${method}: ${result.error.message}`)) : resolve(result)));
  toBrowser.write(JSON.stringify({ id, method, params, sessionId: session }) + '\0');
});
const read = async expression => {
  const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, returnByValue: true });
  assert(!exceptionDetails, exceptionDetails?.exception?.description);
  return result.value;
};
const text = id => read(`document.getElementById('${id}')?.textContent ?? ''`);
const press = async (key, code) => {
  for (const type of ['keyDown', 'keyUp']) await call('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: code });
};
const choose = (id, value) => read(`{ const s = document.getElementById('${id}'); s.value = '${value}'; s.dispatchEvent(new Event('change')); }`);
const shows = async (id, pattern) => {
  let shown;
  for (const begun = Date.now(); Date.now() - begun < 10_000;) {
    shown = await text(id);
    if (pattern.test(shown)) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  assert.match(shown, pattern);
};
const screenshot = async name => {
  if (!screenshots) return;
  fs.mkdirSync(screenshots, { recursive: true });
  const { data } = await call('Page.captureScreenshot', { captureBeyondViewport: true });
  fs.writeFileSync(path.join(screenshots, `${name}.png`), Buffer.from(data, 'base64'));
};

let failed = 1;
try {
  const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
  session = (await call('Target.attachToTarget', { targetId, flatten: true })).sessionId;
  for (const domain of ['Page', 'Runtime', 'Log']) await call(`${domain}.enable`);
  await call('Page.navigate', { url: `http://127.0.0.1:${server.address().port}/` });

  // The example: a careless stream for a client of another dialect.
  await shows('result', /event: message_start[^]*Hello[^]*event: message_stop/);
  await shows('status', /outcome: complete/);
  await shows('diagnostics', /done-missing/);
  assert(await read(`document.getElementById('profile').length`) > 50);

  // With the keyboard alone: every control in order, then a payload of one's own.
  await read(`document.body.focus()`);
  const order = [];
  for (let at = 0; at < 7; at++) {
    await press('Tab', 9);
    order.push(await read(`document.activeElement.id`));
    const outline = await read(`getComputedStyle(document.activeElement).outlineStyle`);
    assert.equal(outline, 'solid', `${order.at(-1)} shows no focus`);
  }
  assert.deepEqual(order, ['kind', 'from', 'to', 'profile', 'payload', 'result', 'diagnostics']);
  await read(`document.getElementById('kind').focus()`);
  for (const key of ['ArrowUp', 'ArrowUp']) await press(key, 38);
  assert.equal(await read(`document.getElementById('kind').value`), 'request');
  await choose('to', 'gemini');
  await read(`{ const p = document.getElementById('payload'); p.focus(); p.select(); }`);
  await call('Input.insertText', { text: '{"model":"m","messages":[{"role":"user","content":"<b>hi</b> ü"}],"seed":12345678901234567890,"frobnicate":1}' });
  await shows('result', /"text": "<b>hi<\/b> ü"/);
  await shows('diagnostics', /\[warning\].*frobnicate/);
  assert.equal(await read(`document.querySelectorAll('#result b').length`), 0, 'what is pasted is text');
  // Numbers are not rounded where they stay.
  await choose('to', 'openai-chat');
  await shows('result', /12345678901234567890/);
  await choose('profile', 'groq');
  await shows('result', /frobnicate|messages/);

  // What is no payload is an error that says so.
  await read(`{ const p = document.getElementById('payload'); p.focus(); p.select(); }`);
  await call('Input.insertText', { text: '{"model":' });
  await shows('status', /outcome: errored/);
  await shows('result', /"error": \{/);

  // A narrow screen, and both colours.
  await read(`{ const p = document.getElementById('payload'); p.value = 'data: ' + 'x'.repeat(5000); p.dispatchEvent(new Event('input')); }`);
  for (const scheme of ['light', 'dark']) {
    await call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    for (const width of [360, 1280]) {
      await call('Emulation.setDeviceMetricsOverride', { width, height: 740, deviceScaleFactor: 1, mobile: width < 500 });
      assert.equal(await read(`document.documentElement.scrollWidth`), width, `${width} px: wider than the screen`);
      await screenshot(`${scheme}-${width}`);
    }
    const [least, where] = await read(`(${leastContrast})()`);
    assert(least >= 4.5, `${scheme}: contrast ${least} of ${where}`);
  }
  assert.deepEqual(problems, []);
  assert.deepEqual([...requested].sort(), ['/index.html', '/page.css', '/page.js', '/wasm.wasm']);
  console.log('the page converts, by mouse and keyboard, in light and dark, from 360 px');
  failed = 0;
} catch (error) {
  console.error(error, problems);
} finally {
  session = undefined;
  const exited = new Promise(resolve => browser.on('exit', resolve));
  await Promise.race([call('Browser.close').then(() => exited), new Promise(resolve => setTimeout(resolve, 3000))]).catch(() => {});
  browser.kill('SIGKILL');
  server.close();
  await fs.promises.rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }).catch(() => {});
}
process.exit(failed);

// The least contrast between a text and what it stands on, and where; it runs in the page.
function leastContrast() {
  const channels = color => color.match(/[\d.]+/g).map(Number);
  const luminance = color => {
    const [r, g, b] = channels(color).map(c => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const list = document.getElementById('diagnostics');
  for (const severity of ['warning', 'error']) list.append(Object.assign(document.createElement('li'), { className: severity, textContent: severity }));
  return ['h1', 'p', 'label', 'select', 'textarea', '#result', '#status', 'li', 'li.warning', 'li.error'].map(selector => {
    const e = document.querySelector(selector) ?? document.body;
    const [a, b] = [luminance(getComputedStyle(e).color), luminance(ground(e))].sort((a, b) => b - a);
    return [(a + 0.05) / (b + 0.05), selector];
  }).sort((a, b) => a[0] - b[0])[0];
}
