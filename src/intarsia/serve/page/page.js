"use strict";
// One picture, one or two models, and what they see. Everything is asked from this machine.

const $ = (id) => document.getElementById(id);
const state = { picture: null, views: [], show: "segments", pixel: null, asked: 0 };
const KIND_TEXT = {
  overlay: "picture", coco: "COCO panoptic", labels: "labels (TIFF)", table: "table (CSV)",
  geojson: "GeoJSON", instances: "COCO instances", all: "everything (ZIP)",
};

// ---------------------------------------------------------------- asking

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer; is it still running?");
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => null);
    throw new Error(said && said.error ? said.error : `The server answered ${answer.status}.`);
  }
  return answer;
}

const askJson = async (path, options) => (await ask(path, options)).json();

function say(text, kind = "") {
  $("status").textContent = text;
  $("status").className = kind;
}

function chosenModels() {
  const first = Number($("model").value);
  const other = $("other").value === "" ? null : Number($("other").value);
  return other === null || other === first ? [first] : [first, other];
}

// Only a model that knows how large things were in its training takes a diameter.
const takesDiameter = (number) => state.models[number].diameter_px !== null;
const diameterOf = (number) => (takesDiameter(number) ? encodeURIComponent($("diameter").value.trim()) : "");

function offerDiameter() {
  const knowing = chosenModels().filter(takesDiameter);
  $("diameter").disabled = !knowing.length;
  $("size-hint").textContent = knowing.length
    ? `A number, or auto; ${knowing.map((number) => `${state.models[number].name} learned things of ${Math.round(state.models[number].diameter_px)}`).join(", ")}.`
    : "This model sees things of any size as they are.";
}

async function upload(file) {
  const turn = ++state.asked;
  if (file.size > state.limits.max_bytes) {
    return say(`\`${file.name}\` must be a file of at most ${state.limits.max_bytes >> 20} MB, got ${(file.size / 1048576).toFixed(1)} MB.`, "bad");
  }
  say(`Reading ${file.name} ...`, "busy");
  try {
    const name = encodeURIComponent(file.name || "pasted.png");
    const picture = await askJson(`api/pictures?name=${name}`, { method: "POST", body: file });
    if (turn !== state.asked) return;
    state.picture = picture;
    await look(turn);
  } catch (error) {
    if (turn === state.asked) say(error.message, "bad");
  }
}

async function look(turn = ++state.asked) {
  if (!state.picture) return;
  const models = chosenModels();
  const names = models.map((number) => state.models[number].name).join(" and ");
  say(`${names}: looking at ${state.picture.name} ...`, "busy");
  try {
    const results = [];
    for (const number of models) results.push(await result(number));
    if (turn !== state.asked) return;
    state.views = results.map(makeView);
    state.pixel = null;
    show("segments");
    $("result").classList.toggle("single", models.length === 1);
    for (const id of ["views", "lists", "downloads", "inside-text"]) $(id).classList.toggle("two", models.length > 1);
    $("views").replaceChildren(...state.views.map((view) => view.figure));
    $("lists").replaceChildren(...state.views.map(segmentList));
    $("downloads").replaceChildren(...state.views.map(downloadLinks));
    $("inside").hidden = true;
    $("result").hidden = false;
    say(await summary(models));
  } catch (error) {
    if (turn === state.asked) say(error.message, "bad");
  }
}

async function result(number) {
  const base = `api/pictures/${state.picture.token}/maps/${number}`;
  const diameter = diameterOf(number);
  const found = await askJson(`${base}?diameter=${diameter}`, { method: "POST" });
  const bytes = await (await ask(`${base}/ids?diameter=${diameter}`)).arrayBuffer();
  return { number, base, diameter, ...found, ids: new Uint32Array(bytes) };
}

async function summary(models) {
  const counts = state.views.map((view) => `${view.model.name}: ${view.segments.length} segments`).join("; ");
  if (models.length < 2) return `${state.picture.name}, ${state.picture.height} x ${state.picture.width}. ${counts}.`;
  const path = `api/pictures/${state.picture.token}/agreement/${models[0]}/${models[1]}`;
  const [diameter, other] = state.views.map((view) => view.diameter);
  const { pq, remark } = await askJson(`${path}?diameter=${diameter}&other_diameter=${other}`);
  const agree = pq === null ? remark : `The PQ of one against the other is ${(100 * pq).toFixed(1)}.`;
  return `${counts}. ${agree}`;
}

// ---------------------------------------------------------------- drawing

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function makeView(found) {
  const model = state.models[found.number];
  const image = element("img", { alt: `${state.picture.name}`, src: `api/pictures/${state.picture.token}/photo` });
  const paint = element("canvas", { width: found.width, height: found.height });
  const top = element("canvas", { width: found.width, height: found.height, className: "top", tabIndex: 0 });
  top.setAttribute("role", "application");
  top.setAttribute("aria-label", `${model.name}: ${found.segments.length} segments. Arrow keys move, Enter looks from the pixel, Escape goes back.`);
  const fit = element("div", { className: "fit" }, image, paint, top);
  fit.style.width = `min(100%, calc(78vh * ${found.width / found.height}))`; // small pictures are enlarged
  const figure = element("figure", {}, element("figcaption", { textContent: model.name }), element("div", { className: "stage" }, fit));
  const view = { ...found, model, figure, paint, top, heat: {}, cursor: [found.height >> 1, found.width >> 1] };
  top.addEventListener("pointermove", (event) => pointAt(view, place(view, event), event));
  top.addEventListener("pointerleave", () => pointAt(view, null));
  top.addEventListener("click", (event) => lookFrom(place(view, event)));
  top.addEventListener("keydown", (event) => pressed(view, event));
  top.addEventListener("blur", () => pointAt(view, null));
  return view;
}

function place(view, event) {
  const box = view.top.getBoundingClientRect();
  const at = (part, size) => Math.min(size - 1, Math.max(0, Math.floor(part * size)));
  return [at((event.clientY - box.top) / box.height, view.height), at((event.clientX - box.left) / box.width, view.width)];
}

const strength = () => Number($("strength").value) / 100;
const numberAt = (view, [row, column]) => view.ids[row * view.width + column];

function palette(view) {
  const alpha = Math.round(255 * strength());
  const colors = new Uint32Array(view.segments.length + 1);
  colors[0] = ((alpha * 0.6) << 24) >>> 0;
  view.segments.forEach((segment, n) => {
    const [red, green, blue] = $("own").checked ? segment.own_color : segment.color;
    colors[n + 1] = ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
  return colors;
}

function drawSegments(view) {
  const { ids, width, height } = view;
  const picture = new ImageData(width, height);
  const pixels = new Uint32Array(picture.data.buffer);
  const colors = palette(view);
  const [thing, stuff] = [0xf0ffffff, 0xc0101010];
  for (let row = 0, n = 0; row < height; row++) {
    for (let column = 0; column < width; column++, n++) {
      const id = ids[n];
      const border = (column && ids[n - 1] !== id) || (row && ids[n - width] !== id);
      pixels[n] = border ? (isThing(view, id) || isThing(view, ids[n - 1]) ? thing : stuff) : colors[id];
    }
  }
  view.paint.getContext("2d").putImageData(picture, 0, 0);
}

const isThing = (view, number) => number > 0 && view.segments[number - 1].thing;

function draw(view) {
  const brush = view.paint.getContext("2d");
  brush.clearRect(0, 0, view.width, view.height);
  if (state.show === "segments") drawSegments(view);
  const heat = view.heat[state.show];
  if (heat) {
    brush.globalAlpha = Math.max(strength(), 0.3);
    brush.imageSmoothingEnabled = false;
    const [high, wide] = [heat.naturalHeight * view.heat.step[0], heat.naturalWidth * view.heat.step[1]];
    brush.drawImage(heat, 0, 0, wide, high);
    brush.globalAlpha = 1;
  }
}

function show(what) {
  state.show = what;
  for (const input of document.querySelectorAll("input[name=show]")) {
    input.checked = input.value === what;
    if (input.value === "alike" || input.value === "joined") input.disabled = !state.views.some((view) => view.heat[input.value]);
  }
  state.views.forEach(draw);
}

function drawTop(view, number, at) {
  const brush = view.top.getContext("2d");
  brush.clearRect(0, 0, view.width, view.height);
  if (number > 0) {
    const [left, top, width, height] = view.segments[number - 1].box;
    const picture = new ImageData(width, height);
    const pixels = new Uint32Array(picture.data.buffer);
    for (let row = 0, n = 0; row < height; row++) {
      for (let column = 0; column < width; column++, n++) {
        if (view.ids[(top + row) * view.width + left + column] === number) pixels[n] = 0x80ffffff;
      }
    }
    brush.putImageData(picture, left, top);
  }
  if (at) ring(brush, at, Math.max(view.width, view.height) / 90, "#000", "#fff");
  if (state.pixel) ring(brush, state.pixel, Math.max(view.width, view.height) / 60, "#000", "#ffd84d");
}

function ring(brush, [row, column], radius, dark, light) {
  for (const [color, line] of [[dark, 0.55], [light, 0.25]]) {
    brush.beginPath();
    brush.arc(column + 0.5, row + 0.5, radius, 0, 7);
    brush.lineWidth = Math.max(1, radius * line);
    brush.strokeStyle = color;
    brush.stroke();
  }
}

// ---------------------------------------------------------------- pointing and looking

function label(view, number) {
  if (number === 0) return "void";
  const { name, score, thing } = view.segments[number - 1];
  return thing ? `${name} ${Math.round(100 * score)} %` : name;
}

function pointAt(view, at, event) {
  for (const each of state.views) drawTop(each, at ? numberAt(each, at) : 0, each === view && !event ? at : null);
  const tip = $("tip");
  tip.hidden = !at;
  if (!at) return;
  tip.textContent = label(view, numberAt(view, at));
  const box = view.top.getBoundingClientRect();
  const x = event ? event.clientX : box.left + ((at[1] + 0.5) / view.width) * box.width;
  const y = event ? event.clientY : box.top + ((at[0] + 0.5) / view.height) * box.height;
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${Math.max(4, Math.min(y + 16, innerHeight - tip.offsetHeight - 4))}px`;
}

function pressed(view, event) {
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const step = steps[event.key];
  if (step) {
    const reach = event.shiftKey ? 1 : Math.max(1, Math.round(Math.max(view.width, view.height) / 60));
    const limit = (value, size) => Math.min(size - 1, Math.max(0, value));
    view.cursor = [limit(view.cursor[0] + step[0] * reach, view.height), limit(view.cursor[1] + step[1] * reach, view.width)];
    pointAt(view, view.cursor);
  } else if (event.key === "Enter" || event.key === " ") {
    lookFrom(view.cursor);
  } else {
    return;
  }
  event.preventDefault();
}

async function lookFrom([row, column]) {
  const turn = ++state.asked;
  say(`Looking from row ${row}, column ${column} ...`, "busy");
  try {
    const looks = [];
    for (const view of state.views) looks.push(await askJson(`${view.base}/pixel?row=${row}&column=${column}&diameter=${view.diameter}`));
    if (turn !== state.asked) return;
    state.pixel = [row, column];
    for (const [n, view] of state.views.entries()) {
      view.look = looks[n];
      view.cursor = [row, column];
      view.heat = { step: looks[n].step };
      for (const kind of ["alike", "joined"]) {
        if (looks[n][kind]) {
          view.heat[kind] = new Image();
          view.heat[kind].src = looks[n][kind];
          await view.heat[kind].decode();
        }
      }
    }
    $("inside-text").replaceChildren(...state.views.map(insideText));
    $("inside").hidden = false;
    show(state.show === "alike" || !state.views.some((view) => view.heat.joined) ? "alike" : "joined");
    state.views.forEach((view) => drawTop(view, 0, null));
    say(`Seen from row ${row}, column ${column}: ${looks.map((one) => one.category).join(" and ")}.`);
  } catch (error) {
    if (turn === state.asked) say(error.message, "bad");
  }
}

function insideText(view) {
  const { look } = view;
  const unit = (value) => (look.kind === "distance" ? `${value.toFixed(1)} margins` : `${(100 * value).toFixed(0)} %`);
  const told = {
    distance: "How far in embedding space; what is within one margin belongs together. First the pixel's own segment, then others of its category, then the rest.",
    affinity: "Where a walk from this pixel comes to that follows what the model joins, and how much of it stays in the pixel's own segment.",
    heard: "How much of what this model adds at the pixel comes from where.",
    none: "This model groups by boxes or centres: beyond the category there is nothing to see from one pixel.",
  }[look.kind];
  const rows = look.summary.map(({ text, value }) => [text, unit(value)]);
  const nearest = look.related.map(({ segment, value }) => [segmentButton(view, segment + 1), unit(value)]);
  const table = (lines) => element("table", {}, ...lines.map((line) => element("tr", {}, ...line.map((cell) => element("td", {}, cell)))));
  const parts = [element("h3", { textContent: `${view.model.name}: ${look.category}` }), element("p", { className: "hint", textContent: told })];
  if (rows.length) parts.push(table(rows));
  if (nearest.length) parts.push(element("h3", { textContent: "Nearest segments" }), table(nearest));
  return element("div", {}, ...parts);
}

// ---------------------------------------------------------------- lists

function segmentList(view) {
  const order = view.segments.map((_, n) => n).sort((a, b) => view.segments[b].area - view.segments[a].area);
  const items = order.map((n) => element("li", {}, segmentButton(view, n + 1)));
  const nothing = element("p", { className: "hint", textContent: "Nothing that this model knows." });
  return element("div", {}, element("h3", { textContent: view.model.name }), items.length ? element("ul", { className: "segments" }, ...items) : nothing);
}

function segmentButton(view, number) {
  const segment = view.segments[number - 1];
  const swatch = element("span", { className: "swatch" });
  const [red, green, blue] = segment.own_color;
  swatch.style.background = `rgb(${red},${green},${blue})`;
  const button = element("button", { type: "button", className: "segment" }, swatch, label(view, number));
  const [left, top, width, height] = segment.box;
  button.setAttribute("aria-label", `${label(view, number)}, ${segment.area} pixels, at row ${top + (height >> 1)}, column ${left + (width >> 1)}`);
  for (const name of ["pointerenter", "focus"]) button.addEventListener(name, () => drawTop(view, number, null));
  for (const name of ["pointerleave", "blur"]) button.addEventListener(name, () => drawTop(view, 0, null));
  button.addEventListener("click", () => lookFrom(inside(view, number)));
  return button;
}

function inside(view, number) {
  // the pixel of the segment nearest to the middle of its box
  const [left, top, width, height] = view.segments[number - 1].box;
  let best = [top, left], least = Infinity;
  for (let row = top; row < top + height; row++) {
    for (let column = left; column < left + width; column++) {
      const away = (row - top - height / 2) ** 2 + (column - left - width / 2) ** 2;
      if (away < least && view.ids[row * view.width + column] === number) [best, least] = [[row, column], away];
    }
  }
  return best;
}

function downloadLinks(view) {
  const links = [...state.kinds, "all"].map((kind) => element("a", { href: `${view.base}/files/${kind}?diameter=${view.diameter}`, download: "", textContent: KIND_TEXT[kind] ?? kind }));
  return element("div", {}, element("h3", { textContent: view.model.name }), element("div", { className: "files" }, ...links));
}

// ---------------------------------------------------------------- start

function offered(file) {
  if (file && state.limits) upload(file);
}

async function start() {
  try {
    const told = await askJson("api/models");
    Object.assign(state, { models: told.models, kinds: told.kinds, limits: told });
    const options = () => told.models.map(({ name }, n) => element("option", { value: n, textContent: name }));
    $("model").replaceChildren(...options());
    $("other").replaceChildren(element("option", { value: "", textContent: "nothing" }), ...options());
    offerDiameter();
  } catch (error) {
    return say(error.message, "bad");
  }
  $("file").addEventListener("change", () => { offered($("file").files[0]); $("file").value = ""; });
  for (const id of ["model", "other"]) $(id).addEventListener("change", () => { offerDiameter(); look(); });
  $("diameter").addEventListener("change", () => look());
  $("strength").addEventListener("input", () => state.views.forEach(draw));
  $("own").addEventListener("change", () => state.views.forEach(draw));
  for (const input of document.querySelectorAll("input[name=show]")) input.addEventListener("change", () => show(input.value));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !state.views.length) return;
    state.pixel = null;
    $("inside").hidden = true;
    show("segments");
    state.views.forEach((view) => drawTop(view, 0, null));
  });
  document.addEventListener("paste", (event) => offered(event.clipboardData.files[0]));
  document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
  document.addEventListener("dragleave", () => document.body.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    offered(event.dataTransfer.files[0]);
  });
}

start();
