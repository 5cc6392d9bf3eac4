// openwebui_documents.mjs URL OUT DOCUMENT: in a real browser, asks about a document that it uploads, has the answer read aloud, and
// dictates a question. Needs playwright-core (its folder in PW_DIR) and Debian's chromium, which has a microphone of its own. Exits
// with 1 if something is missing.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
const { chromium } = createRequire(process.env.PW_DIR + '/x.js')('playwright-core');
const [url, out, document_] = process.argv.slice(2);
fs.mkdirSync(out, { recursive: true });
const browser = await chromium.launchPersistentContext(fs.mkdtempSync(os.tmpdir() + '/owui-'), {
  executablePath: '/usr/bin/chromium', headless: true, viewport: { width: 1280, height: 850 }, permissions: ['microphone'],
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream', '--autoplay-policy=no-user-gesture-required'],
});
const page = await browser.newPage();
let passed = 0, failed = 0;
const step = async (name, action) => {
  let what = '';
  try { what = await action(); } catch (error) { what = String(error).slice(0, 400); }
  await page.screenshot({ path: `${out}/documents-${name.replaceAll(' ', '-')}.png` }).catch(() => {});
  if (what) { failed++; console.log(JSON.stringify({ name, ok: false, what })); } else { passed++; console.log(JSON.stringify({ name, ok: true })); }
};
const until = async (what, holds, seconds = 60) => {
  for (let i = 0; i < seconds * 5; i++) {
    if (await holds()) return '';
    await page.waitForTimeout(200);
  }
  return `not after ${seconds} s: ${what}`;
};
const answer = () => page.evaluate(() => [...document.querySelectorAll('.chat-assistant')].at(-1)?.innerText || '');
const spoken = [];
page.on('response', response => { if (/audio\/speech/.test(response.url())) spoken.push(response); });

await page.goto(url + '/?models=chat', { waitUntil: 'load' });
await page.waitForSelector('#chat-input', { timeout: 60000 });
await page.waitForTimeout(1500);
const ok = page.getByText("Okay, Let's Go!");
if (await ok.count()) await ok.first().click();

await step('document is uploaded', async () => {
  await page.locator('input[type=file]').first().setInputFiles(document_);
  const busy = () => page.evaluate(() => !!document.querySelector('form .animate-spin, form [class*=spinner], form svg.animate-spin'));
  const shown = await until('the file is shown', async () => await page.getByText('lighthouse').count() > 0);
  return shown || until('the file is processed', async () => !(await busy()));
});
await step('answer comes from the document', async () => {
  await page.waitForTimeout(3000);
  await page.locator('#chat-input').click();
  await page.keyboard.type('What is the secret of the lighthouse?');
  await page.keyboard.press('Enter');
  return until('the answer has the secret', async () => /secret of the lighthouse is heliotrope/.test(await answer()));
});
await step('answer is read aloud', async () => {
  await page.waitForTimeout(1500);
  await page.locator('.chat-assistant').last().hover();
  await page.locator('button[aria-label="Read Aloud"]').last().click({ timeout: 8000 });
  const came = await until('speech is fetched', () => spoken.length > 0, 20);
  if (came) return came;
  const length = Number(await spoken[0].headerValue('content-length'));
  return spoken[0].status() === 200 && length > 500 ? '' : `${spoken[0].status()} ${length}`;
});
await step('question is dictated', async () => {
  await page.locator('#voice-input-button').first().click({ timeout: 8000 });
  await page.waitForTimeout(2500);
  await page.locator('#confirm-recording-button').first().click({ timeout: 8000 });
  return until('the words are in the input', async () => /secret of the lighthouse/.test(await page.locator('#chat-input').innerText()), 30);
});
await browser.close();
console.log(`openwebui's documents: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
