// openwebui.mjs URL OUT MODEL=REGEXP...: sends a message to each model in a real browser, and checks the text on the page.
// Needs playwright-core (its folder in PW_DIR) and Debian's chromium. Prints one JSON line for each model; exits with 1 if a
// model's text is wrong.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
const { chromium } = createRequire(process.env.PW_DIR + '/x.js')('playwright-core');
const [url, out, ...checks] = process.argv.slice(2);
fs.mkdirSync(out, { recursive: true });
const browser = await chromium.launchPersistentContext(fs.mkdtempSync(os.tmpdir() + '/owui-'), {
  executablePath: '/usr/bin/chromium', headless: true, viewport: { width: 1280, height: 850 },
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'],
});
const read = page => page.evaluate(() => {
  const answers = [...document.querySelectorAll('.chat-assistant')];
  const busy = [...document.querySelectorAll('button')].some(b => /stop/i.test(b.getAttribute('aria-label') || '') && b.offsetParent);
  const toasts = [...document.querySelectorAll('[data-sonner-toast]')].map(t => t.innerText.trim());
  const message = [...document.querySelectorAll('[id^="message-"]')].map(m => m.innerText.trim()).at(-1) || '';
  return { text: answers.at(-1)?.innerText.trim() || '', busy, toasts, message };
});
let wrong = 0;
for (const check of checks) {
  const cut = check.indexOf('=');
  const [model, expected] = [check.slice(0, cut), new RegExp(check.slice(cut + 1), 's')];
  const page = await browser.newPage();
  let state = {}, changes = 0, last = '', toasts = new Set(), failed = false;
  try {
    // Selects the model in the model picker, which must list it.
    await page.goto(url + '/', { waitUntil: 'load' });
    await page.waitForSelector('#chat-input', { timeout: 60000 });
    await page.waitForTimeout(1200);
    const ok = page.getByText("Okay, Let's Go!");
    if (await ok.count()) await ok.first().click();
    await page.locator('[id^=model-selector]').first().click();
    await page.waitForTimeout(400);
    await page.keyboard.type(model);
    await page.locator(`button[aria-label="Select ${model} model"], [role=option]:has-text("${model}")`).first().click({ timeout: 8000 });
    await page.locator('#chat-input').click();
    await page.keyboard.type('Please answer PONG');
    await page.keyboard.press('Enter');
    const begun = Date.now();
    for (;;) {
      await page.waitForTimeout(100);
      state = await read(page);
      state.toasts.forEach(t => toasts.add(t));
      if (state.text !== last) { changes++; last = state.text; }
      if ((!state.busy && Date.now() - begun > 3000) || Date.now() - begun > 240000) break;
    }
    await page.waitForTimeout(2500);
    state = await read(page);
    await page.screenshot({ path: `${out}/${model.replaceAll('/', '_')}.png` });
  } catch (error) {
    failed = true;
    state.message = String(error).slice(0, 300);
    await page.screenshot({ path: `${out}/${model.replaceAll('/', '_')}-failed.png` }).catch(() => {});
  }
  const shown = [state.text, state.message, ...toasts].join('\n');
  const good = !failed && expected.test(shown) && !state.busy;
  wrong += good ? 0 : 1;
  console.log(JSON.stringify({ model, ok: good, busy: state.busy, changes, text: (state.text || '').slice(0, 160), toasts: [...toasts], title: await page.title(), message: (state.message || '').slice(0, 200) }));
  await page.close();
}
await browser.close();
console.log(`openwebui: ${checks.length - wrong} passed, ${wrong} failed`);
process.exit(wrong ? 1 : 0);
