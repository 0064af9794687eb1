// Tests the page in a headless browser: node browser_test.mjs FOLDER CHROMIUM,
// where FOLDER holds index.html, digits.wasm and wasm_exec.js. It needs
// playwright-core.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const { chromium } = createRequire(join(process.cwd(), "x.js"))("playwright-core");
const [folder, executablePath] = process.argv.slice(2);
const types = { html: "text/html", js: "text/javascript", wasm: "application/wasm" };

const server = createServer(async (request, response) => {
  const name = request.url === "/" ? "index.html" : request.url.slice(1);
  try {
    const data = await readFile(join(folder, name));
    response.setHeader("Content-Type", types[name.split(".").pop()]);
    response.end(data);
  } catch {
    response.statusCode = 404;
    response.end();
  }
});
await new Promise(done => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${server.address().port}/`;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 390, height: 700 } });
  const elsewhere = [];
  page.on("request", r => { if (!r.url().startsWith(address)) elsewhere.push(r.url()); });
  await page.goto(address);
  await page.waitForFunction(() => loaded);

  // Strokes on a square of 100 × 100.
  const digits = {
    1: [[[50, 15], [50, 85]]],
    7: [[[25, 20], [75, 20], [45, 85]]],
    4: [[[40, 15], [25, 55], [75, 55]], [[62, 30], [62, 88]]],
    0: [[[50, 15], [30, 25], [25, 50], [30, 75], [50, 85], [70, 75], [75, 50], [70, 25], [50, 15]]],
  };
  const box = await page.locator("#page").boundingBox();
  for (const [digit, strokes] of Object.entries(digits)) {
    await page.locator("#clear").click();
    for (const [from, ...to] of strokes) {
      const at = ([x, y]) => [box.x + box.width * x / 100, box.y + box.height * y / 100];
      await page.mouse.move(...at(from));
      await page.mouse.down();
      for (const p of to) await page.mouse.move(...at(p), { steps: 8 });
      await page.mouse.up();
    }
    await page.waitForFunction(d => answer.textContent.startsWith(d), digit, { timeout: 10_000 })
      .catch(async () => assert.fail(`a drawn ${digit} is read as ${await page.locator("#answer").textContent()}`));
  }
  assert.deepEqual(elsewhere, [], "requests to other places");
  console.log(`read ${Object.keys(digits).length} drawn digits`);
} finally {
  await browser.close();
  server.close();
}
