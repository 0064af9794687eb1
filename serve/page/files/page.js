// What a person gives is a drawing or a picture's file. The server prepares both
// by the same code as for everybody else.

const $ = (id) => document.getElementById(id);
const paper = $("paper"), pen = paper.getContext("2d");

// Coordinates of strokes are parts of the paper's side.
const width = 0.075; // of a stroke
let strokes = [], current = null;
let file = null, picture = null, boxes = []; // a given file, how it looks, what was found on it
let models = new Map(), model = null;
let cursor = null; // the pen that keys move: {x, y, down}

// element makes an element. Texts are strangers', and never become markup.
function element(name, text, properties = {}) {
  const e = Object.assign(document.createElement(name), properties);
  if (text !== undefined) e.textContent = text;
  return e;
}

/* Drawing */

function trace(context, side, colour) {
  context.lineWidth = width * side;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = context.fillStyle = colour;
  for (const stroke of strokes) {
    context.beginPath();
    if (stroke.length === 1) {
      context.arc(stroke[0].x * side, stroke[0].y * side, (width * side) / 2, 0, 2 * Math.PI);
      context.fill();
      continue;
    }
    context.moveTo(stroke[0].x * side, stroke[0].y * side);
    for (let i = 1; i < stroke.length - 1; i++) { // smooth through the middles
      const a = stroke[i], b = stroke[i + 1];
      context.quadraticCurveTo(a.x * side, a.y * side, ((a.x + b.x) / 2) * side, ((a.y + b.y) / 2) * side);
    }
    const end = stroke.at(-1);
    context.lineTo(end.x * side, end.y * side);
    context.stroke();
  }
}

function show() {
  const side = Math.round(paper.clientWidth * devicePixelRatio);
  if (paper.width !== side) paper.width = paper.height = side;
  pen.clearRect(0, 0, side, side);
  const style = getComputedStyle(document.body);
  if (picture) showPicture(side, style);
  trace(pen, side, style.color);
  if (cursor && document.activeElement === paper) {
    pen.lineWidth = 2 * devicePixelRatio;
    pen.strokeStyle = style.color;
    pen.setLineDash(cursor.down ? [] : [4 * devicePixelRatio, 4 * devicePixelRatio]);
    pen.beginPath();
    pen.arc(cursor.x * side, cursor.y * side, (width * side) / 2 + 3 * devicePixelRatio, 0, 2 * Math.PI);
    pen.stroke();
    pen.setLineDash([]);
  }
  const drawing = draws();
  const nothing = strokes.length === 0 && !file;
  $("hint").textContent = !nothing ? "" : drawing ? "Draw a digit here" : pictures() ? "Drop a picture here" : "";
  $("undo").disabled = strokes.length === 0;
  $("clear").disabled = nothing;
}

function showPicture(side, style) {
  const scale = Math.min(side / picture.width, side / picture.height);
  const x = (side - picture.width * scale) / 2, y = (side - picture.height * scale) / 2;
  pen.drawImage(picture, x, y, picture.width * scale, picture.height * scale);
  pen.font = `600 ${14 * devicePixelRatio}px system-ui, sans-serif`;
  pen.textBaseline = "bottom";
  for (const b of boxes) {
    const at = [x + b.x * scale, y + b.y * scale, b.width * scale, b.height * scale];
    pen.lineWidth = 5 * devicePixelRatio;
    pen.strokeStyle = "#000";
    pen.strokeRect(...at);
    pen.lineWidth = 2.5 * devicePixelRatio;
    pen.strokeStyle = "#5fd3c4";
    pen.strokeRect(...at);
    const text = ` ${b.label} `, tall = 20 * devicePixelRatio;
    pen.fillStyle = "#000";
    pen.fillRect(at[0], Math.max(at[1], tall) - tall, pen.measureText(text).width, tall);
    pen.fillStyle = "#fff";
    pen.fillText(text, at[0], Math.max(at[1], tall) - 2 * devicePixelRatio);
  }
}

const pictures = () => Boolean(model?.parameters?.picture);
const draws = () => model?.parameters?.picture === "digit";

function place(event) {
  const r = paper.getBoundingClientRect();
  return { x: (event.clientX - r.left) / r.width, y: (event.clientY - r.top) / r.height };
}

paper.addEventListener("pointerdown", (event) => {
  if (!draws() || event.button !== 0 || current) return;
  event.preventDefault();
  paper.setPointerCapture(event.pointerId);
  forgetFile();
  cursor = null;
  current = { id: event.pointerId, points: [place(event)] };
  strokes.push(current.points);
  changed();
});
paper.addEventListener("pointermove", (event) => {
  if (current?.id !== event.pointerId) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const e of events.length ? events : [event]) current.points.push(place(e));
  changed();
});
for (const name of ["pointerup", "pointercancel"]) {
  paper.addEventListener(name, (event) => {
    if (current?.id !== event.pointerId) return;
    current = null;
    changed();
  });
}
paper.addEventListener("click", () => { if (pictures() && !draws()) $("choose").click(); });

paper.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (!draws()) {
    if (pictures() && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      $("choose").click();
    }
    return;
  }
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (step) {
    cursor ??= { x: 0.5, y: 0.25, down: false };
    cursor.x = Math.min(Math.max(cursor.x + step[0] / 28, 0.05), 0.95);
    cursor.y = Math.min(Math.max(cursor.y + step[1] / 28, 0.05), 0.95);
    if (cursor.down) strokes.at(-1).push({ x: cursor.x, y: cursor.y });
  } else if (event.key === " ") {
    cursor ??= { x: 0.5, y: 0.25, down: false };
    cursor.down = !cursor.down;
    forgetFile();
    if (cursor.down) strokes.push([{ x: cursor.x, y: cursor.y }]);
  } else if (event.key === "Escape") {
    clear();
  } else {
    return;
  }
  event.preventDefault();
  changed();
});
paper.addEventListener("blur", show);

function undo() {
  strokes.pop();
  if (cursor) cursor.down = false;
  changed();
}

function clear() {
  strokes = [];
  cursor = current = null;
  forgetFile();
  changed();
}

$("undo").addEventListener("click", undo);
$("clear").addEventListener("click", clear);
addEventListener("keydown", (event) => {
  if (event.key === "z" && (event.ctrlKey || event.metaKey) && strokes.length) {
    event.preventDefault();
    undo();
  }
});

/* Pictures */

function forgetFile() {
  picture?.close();
  file = picture = null;
  boxes = [];
}

function give(given) {
  if (!given) return;
  if (!pictures()) return say("This model takes tensors, not pictures.");
  strokes = [];
  cursor = current = null;
  forgetFile();
  file = given;
  changed();
}

// look shows a file once the server has found it good: it has limits.
async function look(given) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(given);
  } catch {
    return; // a format that the server knows, and the browser does not
  }
  if (given !== file) return bitmap.close();
  picture?.close();
  picture = bitmap;
  show();
}

for (const id of ["choose", "photograph"]) {
  $(id).addEventListener("change", (event) => {
    give(event.target.files[0]);
    event.target.value = "";
  });
}
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dragging"); });
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  give(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => give(event.clipboardData.files[0]));

/* Asking */

// There is one request at a time. What changes meanwhile is asked afterwards.
let asking = false, again = false;

async function changed() {
  show();
  again = true;
  if (asking) return;
  asking = true;
  while (again) {
    again = false;
    await ask();
  }
  asking = false;
}

// begun says whether more than a dot is drawn: no digit is smaller.
function begun() {
  const points = strokes.flat();
  const extent = (values) => Math.max(...values) - Math.min(...values);
  return points.length > 1 && Math.max(extent(points.map((p) => p.x)), extent(points.map((p) => p.y))) > width;
}

// drawn is the drawing as a picture's file.
function drawn() {
  const side = 168, canvas = element("canvas", undefined, { width: side, height: side });
  const context = canvas.getContext("2d", { alpha: false });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, side, side);
  trace(context, side, "#000");
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

const patience = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function ask() {
  const asked = model, given = file;
  if (!asked) return;
  if (!given && !begun()) return rest();
  const body = given ?? (await drawn());
  const start = performance.now();
  let response, answer;
  try {
    response = await fetch(`/v2/models/${encodeURIComponent(asked.name)}/classify?top=${draws() ? 10 : 5}&explain=true`, { method: "POST", body });
    answer = await response.json();
  } catch {
    return fail("The server cannot be reached.", "Is it still running?");
  }
  if (asked !== model || given !== file) return;
  if (response.status === 503) {
    fail("The server has too much to do.", "It is asked again in a moment.");
    await patience(Math.min(Number(response.headers.get("Retry-After")) || 1, 5));
    if (asked === model && given === file) again = true;
    return;
  }
  if (!response.ok) return fail(...kindly(response.status, given, answer.error));
  tell(answer, performance.now() - start);
  if (given && !picture) look(given);
}

// kindly is what a status means for whoever gave a picture, and what helps.
function kindly(status, given, error) {
  switch (status) {
    case 401: return ["The server asks for a token.", "Reload the page, and give it as the password."];
    case 408: return ["The picture came too slowly.", "Please try again."];
    case 413: return ["That picture is too large.", error];
    case 415: return ["That is not a picture that can be read here.", "PNG, JPEG, GIF, BMP, TIFF and WebP can."];
    case 422: return /nothing is drawn/.test(error)
      ? ["There is nothing drawn on it.", draws() ? "One digit, dark on bright or bright on dark, is what this net reads." : ""]
      : ["That picture cannot be read.", error];
    case 504: return ["It took too long.", "Please try again."];
  }
  return [given ? "This picture gets no answer." : "This drawing gets no answer.", error];
}

/* Answers */

let spoken = 0;

// say changes what screen readers hear, but not with every point of a stroke.
function say(text) {
  clearTimeout(spoken);
  if (current === null) $("spoken").textContent = text;
  else spoken = setTimeout(() => { $("spoken").textContent = text; }, 400);
}

function best(text) {
  const e = $("best");
  e.textContent = text ?? "";
  e.classList.toggle("none", text === "?" || text === "!");
}

function rest() {
  best("?");
  say(draws() ? "Nothing is drawn yet." : pictures() ? "There is no picture yet." : "This model takes tensors, not pictures.");
  $("note").textContent = draws() ? "The bars move while you draw." : "";
  bars(draws() ? Array.from({ length: 10 }, (_, i) => ({ label: String(i), part: 0 })) : []);
  explain(null);
}

function fail(what, help) {
  best("!");
  say(what);
  $("note").textContent = help ?? "";
  bars([]);
  explain(null);
}

function percent(x) {
  if (x > 0.9995) return "> 99.9 %";
  if (x < 0.0005 && x > 0) return "< 0.1 %";
  return `${(100 * x).toFixed(1)} %`;
}

function tell(answer, took) {
  explain(answer.explanation, took);
  $("note").textContent = "";
  boxes = [];
  if (answer.top) {
    const [first] = answer.top;
    best(draws() ? first.label : undefined);
    say(draws() ? `It is a ${first.label}.` : first.label);
    $("note").textContent = `${percent(first.probability)} sure`;
    let list = answer.top.map((c) => ({ label: c.label, part: c.probability, index: c.index }));
    if (draws()) list.sort((a, b) => a.index - b.index);
    bars(list, !draws());
  } else if (answer.boxes) {
    best(undefined);
    say(answer.boxes.length === 1 ? "One thing was found." : `${answer.boxes.length || "No"} things were found.`);
    boxes = answer.boxes;
    bars(boxes.slice(0, 10).map((b) => ({ label: b.label, part: b.score })), true);
  } else if (answer.classes) {
    best(undefined);
    say(`Of ${answer.width} × ${answer.height} pixels:`);
    bars(answer.classes.slice(0, 10).map((c) => ({ label: c.label, part: c.share })), true);
  } else {
    best(undefined);
    say(`It made a picture of ${answer.width} × ${answer.height} pixels.`);
    bars([]);
  }
  show();
}

// bars shows parts of one, named above their bars if they have long names. Bars
// that stand already are moved.
function bars(list, named = false) {
  const e = $("bars");
  e.classList.toggle("named", named);
  while (e.children.length > list.length) e.lastChild.remove();
  while (e.children.length < list.length) {
    const li = element("li");
    li.append(element("span", "", { className: "label" }), element("meter", undefined, { min: 0, max: 1 }), element("span", "", { className: "value" }));
    e.append(li);
  }
  const most = Math.max(...list.map((x) => x.part), 0);
  list.forEach((x, i) => {
    const [label, meter, value] = e.children[i].children;
    label.textContent = x.label;
    meter.value = x.part;
    meter.setAttribute("aria-label", x.label);
    value.textContent = most > 0 ? percent(x.part) : "";
    e.children[i].classList.toggle("first", most > 0 && x.part === most);
  });
}

const time = (us) => (us < 1000 ? `${us.toFixed(us < 100 ? 1 : 0)} µs` : `${(us / 1000).toFixed(us < 100000 ? 1 : 0)} ms`);

function explain(why, took) {
  const seen = $("seen");
  $("times").replaceChildren();
  if (!why) {
    seen.getContext("2d").clearRect(0, 0, seen.width, seen.height);
    seen.setAttribute("aria-label", "Nothing yet");
    $("caption").textContent = "The input, enlarged.";
    return tensors(model?.inputs ?? [], model?.outputs ?? []);
  }
  const { width, height, channels, pixels } = why.seen;
  const bytes = Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0));
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = bytes[channels * i + (channels === 1 ? 0 : c)];
    image.data[4 * i + 3] = 255;
  }
  seen.width = width;
  seen.height = height;
  seen.getContext("2d").putImageData(image, 0, 0);
  seen.setAttribute("aria-label", `The input, ${width} by ${height} pixels`);
  $("caption").textContent = `The input, ${width} × ${height} pixels${width <= 56 ? ", enlarged" : ""}.`;
  const t = why.microseconds;
  for (const [name, value] of [["Decode", t.decode], ["Prepare", t.prepare], ["Wait", t.queue], ["The net", t.run], ["There and back", 1000 * took]]) {
    const div = element("div");
    div.append(element("dt", name), element("dd", time(value)));
    $("times").append(div);
  }
  tensors(why.inputs, why.outputs, why.kernels);
}

function tensors(inputs, outputs) {
  const rows = [];
  for (const [kind, list] of [["Input", inputs], ["Output", outputs]]) {
    for (const t of list) {
      const row = element("tr");
      row.append(element("th", kind, { scope: "row" }), element("td", t.name), element("td", t.datatype),
        element("td", t.shape.map((d) => (d < 0 ? "N" : d)).join(" × ")));
      rows.push(row);
      if (t.data?.length <= 16) {
        const numbers = element("tr");
        numbers.append(element("td"), element("td", t.data.map((x) => (x === null ? "no number" : x.toFixed(2))).join(" "), { colSpan: 3, className: "numbers" }));
        rows.push(numbers);
      }
    }
  }
  $("tensors").replaceChildren(...rows);
}

/* Models */

function choose(name) {
  model = models.get(name);
  document.body.className = draws() ? "drawing" : pictures() ? "photos" : "";
  $("give-title").textContent = draws() ? "Draw a digit" : pictures() ? "Give a picture" : "No pictures";
  $("undo").hidden = !draws();
  $("ways").hidden = !pictures();
  $("choose").parentElement.hidden = !pictures();
  $("photograph").parentElement.hidden = !pictures() || navigator.maxTouchPoints === 0; // desks have no camera to hold
  paper.setAttribute("role", draws() ? "application" : "img");
  paper.setAttribute("aria-label", draws() ? "Drawing area" : "The picture");
  paper.tabIndex = draws() ? 0 : -1;
  const path = `${location.origin}/v2/models/${encodeURIComponent(name)}`;
  $("command").textContent = pictures() ? `curl --data-binary @picture.png '${path}/classify?top=3'\ncurl ${path}` : `curl ${path}`;
  strokes = draws() ? strokes : [];
  cursor = null;
  changed();
}

async function begin() {
  let list;
  try {
    const get = async (path) => {
      const response = await fetch(path);
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
      return answer;
    };
    list = (await get("/v2/models")).models;
    for (const name of list) models.set(name, await get(`/v2/models/${encodeURIComponent(name)}`));
  } catch (error) {
    return fail("The server tells nothing of its models.", error.message);
  }
  if (list.length === 0) return fail("No model is loaded yet.", "Reload the page in a moment.");
  $("model").replaceChildren(...list.map((name) => element("option", name, { value: name })));
  const first = list.find((name) => models.get(name).parameters.picture === "digit") ?? list[0];
  $("model").value = first;
  choose(first);
}

$("model").addEventListener("change", (event) => choose(event.target.value));
new ResizeObserver(show).observe(paper);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
begin();
