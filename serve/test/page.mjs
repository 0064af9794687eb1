// The page in a headless Chromium: by mouse, touch and keyboard, with pictures
// dropped, pasted, chosen and photographed, and what axe says of it.
//
//   node page.mjs INFER REPOSITORY [CLASSIFIER.frz PICTURE LABEL]
//
// INFER is the command; a classifier of photos, a picture of which it says
// LABEL, are optional. CHROMIUM is another browser than Debian's. SHOTS is a
// folder for screenshots.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { crc32 } from "node:zlib";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";
import { digits } from "./strokes.mjs";

const [infer, repository, classifier, photo, label] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const models = ["--model", `digits=${repository}/weights/digits/digits.frz`];
if (classifier) models.push("--model", `photos=${classifier}`);
const { url, end } = await serve(infer, ...models);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
let checks = 0;

// open opens the page, and fails if it asks anybody else.
async function open({ phone = false, scheme = "light" } = {}) {
  const context = await browser.newContext({
    colorScheme: scheme, hasTouch: phone, isMobile: phone,
    viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 900 },
  });
  const page = await context.newPage();
  page.on("request", (r) => assert(/^(data|blob):/.test(r.url()) || r.url().startsWith(url + "/"), `a request to ${r.url()}`));
  page.on("pageerror", (e) => { throw e; });
  await page.goto(url);
  await page.waitForSelector("#model option", { state: "attached" });
  return page;
}

async function says(page, text, note) {
  await page.waitForFunction(([text, note]) => {
    const has = (id, t) => document.getElementById(id).textContent.includes(t);
    return has("spoken", text) && (note === undefined || has("note", note));
  }, [text, note], { timeout: 15_000 }).catch(async () => {
    assert.fail(`it says ${JSON.stringify(await page.textContent("#spoken"))} and ${JSON.stringify(await page.textContent("#note"))}, not ${text}`);
  });
  checks++;
}

async function accessible(page, what) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  assert.deepEqual(result.violations.map((v) => `${v.id}: ${v.nodes[0].html} ${v.nodes[0].failureSummary}`), [], what);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${what.replaceAll(" ", "-")}.png`, fullPage: true });
  checks++;
}

const mouse = (page) => ({
  down: async (x, y) => { await page.mouse.move(x, y); await page.mouse.down(); },
  move: (x, y) => page.mouse.move(x, y, { steps: 2 }),
  up: () => page.mouse.up(),
});

async function touch(page) {
  const cdp = await page.context().newCDPSession(page);
  const send = (type, points) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  return {
    down: (x, y) => send("touchStart", [{ x, y }]),
    move: (x, y) => send("touchMove", [{ x, y }]),
    up: () => send("touchEnd", []),
  };
}

async function draw(page, hand, strokes, { scale = 1, left = 0, top = 0 } = {}) {
  await page.locator("#paper").scrollIntoViewIfNeeded();
  const box = await page.locator("#paper").boundingBox();
  const at = ([x, y]) => [box.x + (left + scale * x) * box.width, box.y + (top + scale * y) * box.height];
  for (const stroke of strokes) {
    await hand.down(...at(stroke[0]));
    for (const point of stroke.slice(1)) await hand.move(...at(point));
    await hand.up();
  }
}

// give drops or pastes a file.
async function give(page, how, name, bytes) {
  await page.evaluate(async ([how, name, base64]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    const event = how === "drop"
      ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
      : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    document.getElementById("paper").dispatchEvent(event);
  }, [how, name, Buffer.from(bytes).toString("base64")]);
}

// painted is a picture's file that the browser makes: a drawing, turned by
// quarters, or a blank page.
async function painted(page, type, strokes, quarters = 0) {
  const base64 = await page.evaluate(async ([type, strokes, quarters]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 300, height: 300 });
    const c = canvas.getContext("2d");
    c.fillStyle = "#fff";
    c.fillRect(0, 0, 300, 300);
    c.translate(150, 150);
    c.rotate((quarters * Math.PI) / 2);
    c.translate(-150, -150);
    c.lineWidth = 22;
    c.lineCap = c.lineJoin = "round";
    for (const s of strokes) {
      c.beginPath();
      s.forEach(([x, y], i) => (i ? c.lineTo(300 * x, 300 * y) : c.moveTo(300 * x, 300 * y)));
      c.stroke();
    }
    const bytes = new Uint8Array(await (await new Promise((r) => canvas.toBlob(r, type))).arrayBuffer());
    return btoa(String.fromCharCode(...bytes));
  }, [type, strokes, quarters]);
  return Buffer.from(base64, "base64");
}

// turned says in a JPEG file's Exif data how it is to be turned upright.
function turned(jpeg, orientation) {
  const tiff = Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
  const body = Buffer.concat([Buffer.from("Exif\0\0"), tiff]);
  const head = Buffer.from([0xff, 0xe1, 0, body.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

// huge claims to be a PNG picture of so many pixels a side.
function huge(side) {
  const chunk = Buffer.alloc(25);
  chunk.writeUInt32BE(13, 0);
  chunk.write("IHDR", 4);
  chunk.writeUInt32BE(side, 8);
  chunk.writeUInt32BE(side, 12);
  chunk.set([8, 2, 0, 0, 0], 16);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 21)), 21);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk]);
}

try {
  for (const phone of [false, true]) {
    for (const scheme of ["light", "dark"]) {
      const page = await open({ phone, scheme });
      const device = `${phone ? "phone" : "desktop"} ${scheme}`;
      await says(page, "Nothing is drawn yet");
      await accessible(page, `${device} at first`);
      const hand = phone ? await touch(page) : mouse(page);
      for (const [digit, strokes] of digits.entries()) {
        await page.click("#clear", { force: true }).catch(() => {});
        await draw(page, hand, strokes);
        await says(page, `It is a ${digit}.`);
      }
      assert.equal(await page.textContent("#best"), "9");
      assert.match(await page.getAttribute("#seen", "aria-label"), /28 by 28/);
      await accessible(page, `${device} answered`);
      await page.click("#clear");
      await draw(page, hand, digits[7], { scale: 0.4, left: 0.55, top: 0.5 });
      await says(page, "It is a 7."); // small, and in a corner
      await page.click("#undo");
      await says(page, "Nothing is drawn yet");
      await page.context().close();
    }
  }

  const page = await open();
  const file = (name) => readFileSync(`${repository}/testdata/${name}`);
  for (const [name, digit] of [["7.png", 7], ["8.jpg", 8], ["3.gif", 3], ["6.bmp", 6], ["5.tiff", 5], ["9.webp", 9]]) {
    await give(page, "drop", name, file(name));
    await says(page, `It is a ${digit}.`);
  }
  await give(page, "paste", "4.png", file("4.png"));
  await says(page, "It is a 4.");
  await page.setInputFiles("#choose", `${repository}/testdata/0.png`);
  await says(page, "It is a 0.");
  await page.setInputFiles("#photograph", `${repository}/testdata/2.jpg`);
  await says(page, "It is a 2.");
  const sideways = await painted(page, "image/jpeg", digits[7], 3);
  await give(page, "drop", "turned.jpg", turned(sideways, 6));
  await says(page, "It is a 7.");
  await page.waitForFunction(() => !document.getElementById("clear").disabled);

  await give(page, "drop", "blank.png", await painted(page, "image/png", []));
  await says(page, "nothing drawn", "One digit");
  await accessible(page, "refused");
  await give(page, "drop", "huge.png", huge(20_000));
  await says(page, "too large", "20000");
  await give(page, "drop", "notes.txt", Buffer.from("no picture"));
  await says(page, "not a picture", "PNG");
  await give(page, "drop", "cut.png", file("7.png").subarray(0, 60));
  await says(page, "cannot be read");
  await draw(page, mouse(page), digits[3]); // and on it goes
  await says(page, "It is a 3.");

  // By keyboard: a line downwards.
  await page.click("#clear");
  await page.focus("#paper");
  await page.keyboard.press(" ");
  for (let i = 0; i < 14; i++) await page.keyboard.press("ArrowDown");
  await says(page, "It is a 1.");
  await page.keyboard.press("Escape");
  await says(page, "Nothing is drawn yet");

  // The policy holds: no other site, and no script in the page.
  assert(await page.evaluate(() => fetch("http://127.0.0.2:9/").then(() => false, () => true)));
  assert(await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    return !window.ran;
  }));
  checks += 2;

  if (classifier) {
    await page.selectOption("#model", "photos");
    await says(page, "There is no picture yet");
    await give(page, "drop", "photo", readFileSync(photo));
    await says(page, label, "sure");
    assert.equal(await page.locator("#bars meter").count(), 5);
    await accessible(page, "photos");
  }

  // A server that is gone gets kind words, too.
  await page.selectOption("#model", "digits");
  await end();
  await draw(page, mouse(page), digits[1]);
  await says(page, "cannot be reached");
  console.log(`${checks} checks of the page passed`);
} finally {
  await browser.close();
  await end();
}
