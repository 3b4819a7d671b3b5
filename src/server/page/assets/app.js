// What pages do beyond links and forms: live parts, keys, local times. Nothing works only by this file.

const ASK = 3_000, SOON = 1_000, ASK_IDLE = 15_000, IDLE = 600_000, STALE = 20_000, SAY = 30_000, AGED = 60_000;
const root = document.documentElement;
const policy = window.trustedTypes?.createPolicy("scanhook", { createHTML: (text) => text });
const $ = (selector) => document.querySelector(selector);
const $$ = (selector) => [...document.querySelectorAll(selector)];

const kept = {
  get(name) {
    try { return localStorage.getItem(`scanhook-${name}`); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(`scanhook-${name}`, value); } catch { /* private windows keep nothing */ }
  },
};

function say(text) {
  const said = $("#said");
  if (said && said.textContent !== text) said.textContent = text;
}

// Times: the cell has UTC, or the time of this computer; the tooltip has the other.

let isLocal = kept.get("zone") === "local";

function two(number) {
  return String(number).padStart(2, "0");
}

function local(at, like) {
  const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  const now = new Date();
  if (at.toDateString() !== now.toDateString()) {
    return at.getFullYear() === now.getFullYear() ? `${day} ${time}` : `${at.getFullYear()}-${day} ${time}`;
  }
  return /^\d\d:\d\d:\d\d$/.test(like) ? `${time}:${two(at.getSeconds())}` : time;
}

function ago(at) {
  const seconds = Math.round((Date.now() - at) / 1_000);
  const span = Math.abs(seconds);
  let text = `${Math.floor(span / 86_400)} days`;
  if (span < 60) text = `${span} s`;
  else if (span < 3_600) text = `${Math.floor(span / 60)} min`;
  else if (span < 172_800) text = `${Math.floor(span / 3_600)} h`;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

function showTimes(within = document) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.dataset.utc ??= time.textContent;
    const here = local(at, time.dataset.utc);
    time.textContent = isLocal ? here : time.dataset.utc;
    time.title = isLocal ? `${time.dateTime} (UTC)` : `${at.toLocaleString()} (this computer)`;
    const beside = time.nextElementSibling;
    if (beside?.classList.contains("ago")) beside.textContent = ago(at.getTime());
  }
}

function showZone() {
  const name = isLocal ? "local time" : "UTC";
  const button = $("#zone");
  if (button) {
    button.disabled = false;
    button.textContent = isLocal ? "Local" : "UTC";
    button.setAttribute("aria-pressed", String(isLocal));
  }
  if ($("#zone-name")) $("#zone-name").textContent = name;
  showTimes();
}

$("#zone")?.addEventListener("click", () => {
  isLocal = !isLocal;
  kept.set("zone", isLocal ? "local" : "utc");
  showZone();
});

// What is picked.

const boxes = () => $$("main input[type=checkbox][name=pick]");

function countPicked() {
  const places = $$("[data-picked]");
  const picked = boxes().filter((box) => box.checked);
  const decisions = picked.reduce((sum, box) => sum + Number(box.dataset.decisions ?? 1), 0);
  const many = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;
  const beside = picked.some((box) => box.dataset.decisions) ? `, ${many(decisions, "decision")}` : "";
  for (const place of places) {
    place.textContent = picked.length ? `picked: ${many(picked.length, place.dataset.picked)}${beside}` : "";
  }
}

document.addEventListener("change", (event) => {
  if (event.target.id === "pick-all") {
    for (const box of boxes()) box.checked = event.target.checked;
  }
  countPicked();
});

// Live: the number of changes is asked for; the page itself only when it has grown, at most once a second.

let seq = Number(root.dataset.seq), tag = root.dataset.tag;
let lastInput = Date.now(), lastAnswer = Date.now(), lastShown = Date.now(), lastSaid = 0;
let asking = false, showing = false, waits = false, disabled = [];
const isLive = "refresh" in root.dataset;

for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) {
  addEventListener(kind, () => { lastInput = Date.now(); }, { passive: true });
}

function isFrozen() {
  const at = document.activeElement;
  return Boolean(
    document.querySelector("dialog[open], main input[name=pick]:checked") ||
    at?.closest?.("[data-list]") || at?.matches?.("main input, main select, main textarea"),
  );
}

function heard() {
  lastAnswer = Date.now();
  const stale = $("#stale");
  if (!stale || stale.hidden) return;
  stale.hidden = true;
  root.classList.remove("is-stale");
  for (const button of disabled) button.disabled = false;
  disabled = [];
}

function unheard() {
  const silent = Date.now() - lastAnswer;
  if (silent < STALE || document.hidden) return;
  const stale = $("#stale");
  const at = new Date(lastAnswer).toISOString().slice(11, 19);
  stale.textContent = `No answer for ${Math.round(silent / 1_000)} s: this is what was known at ${at} UTC.`;
  if (!stale.hidden) return;
  stale.hidden = false;
  root.classList.add("is-stale");
  disabled = $$("main button:not(:disabled)");
  for (const button of disabled) button.disabled = true;
}

function signedOut() {
  say("You are signed out. Load the page again to sign in; this page is kept as it is.");
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch("/api/v1/live", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
    if (answer.status === 401) { heard(); signedOut(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    const now = (await answer.json()).seq;
    heard();
    if (!isLive) return;
    if (now !== seq) waits = true;
    if (waits || Date.now() - lastShown > AGED) await showOrSay();
  } catch {
    unheard();
  } finally {
    asking = false;
  }
}

async function showOrSay() {
  if (!isFrozen()) return show();
  if (waits && Date.now() - lastSaid > SAY) {
    lastSaid = Date.now();
    say("Changed since. Press r to show.");
  }
}

async function show() {
  if (showing || !isLive || Date.now() - lastShown < SOON) return;
  showing = true;
  lastShown = Date.now();
  try {
    const headers = { Accept: "text/html" };
    if (tag) headers["If-None-Match"] = tag;
    const answer = await fetch(location.href, { headers, cache: "no-store", signal: AbortSignal.timeout(10_000) });
    if (answer.status === 401) { signedOut(); return; }
    if (answer.status === 304) { waits = false; return; }
    if (!answer.ok) return;
    const text = await answer.text();
    const page = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
    replace(page);
    seq = Number(page.documentElement.dataset.seq);
    tag = page.documentElement.dataset.tag;
    waits = false;
    if ($("#said")?.textContent.startsWith("Changed since")) say("");
    heard();
  } catch {
    unheard();
  } finally {
    showing = false;
  }
}

// The parts as the server sent them: times and what only works by a script are changed here.
const served = new Map();

function reveal() {
  for (const hidden of $$("[data-script]")) hidden.hidden = false;
}

function replace(page) {
  const focused = document.activeElement?.id;
  for (const part of $$("[data-live][id]")) {
    const next = page.getElementById(part.id);
    if (!next || served.get(part.id) === next.outerHTML) continue;
    served.set(part.id, next.outerHTML);
    for (const open of part.querySelectorAll("details[open][id]")) {
      next.querySelector(`details[id="${CSS.escape(open.id)}"]`)?.setAttribute("open", "");
    }
    const shown = document.importNode(next, true);
    keepEntered(part, shown);
    part.replaceWith(shown);
  }
  document.title = page.title;
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
  reveal();
  showTimes();
  countPicked();
}

// What is picked stays picked, and what was written stays written.
function keepEntered(from, to) {
  for (const field of from.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const boxed = field.type === "checkbox" || field.type === "radio";
    const same = [...to.querySelectorAll(field.localName)].find((other) => other.name === field.name &&
      (boxed ? other.type === field.type && other.value === field.value : other.id === field.id));
    if (!same) continue;
    if (boxed) same.checked = field.checked;
    else same.value = field.value;
  }
}

async function beat() {
  await ask();
  const idle = Date.now() - lastInput > IDLE;
  const soon = waits || Date.now() - lastShown < ASK;
  setTimeout(beat, idle ? ASK_IDLE : soon ? SOON : ASK);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) { lastAnswer = Math.max(lastAnswer, Date.now() - STALE / 2); ask(); }
});

// Keys.

const PAGES = { n: "/", h: "/held", a: "/alerts", s: "/scans", r: "/rules", y: "/system" };
let led = false;

function rows() {
  return $$("[data-list] [data-row]");
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement?.closest?.("[data-row]"));
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))];
  for (const row of all) row.classList.toggle("here", row === next);
  next.tabIndex = -1;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function here() {
  return document.activeElement?.closest?.("[data-row]");
}

function press(name) {
  const button = $(`main button[data-key="${name}"]:not(:disabled)`);
  button?.click();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  x: () => here()?.querySelector("input[type=checkbox]")?.click(),
  o: () => here()?.querySelector("a[data-open], a[href]")?.click(),
  a: () => press("a"),
  d: () => press("d"),
  r: () => { lastShown = 0; say(""); show(); },
  "/": () => $("form.filter input, form.filter select")?.focus(),
  "?": () => $("#help")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && here()) document.activeElement.blur();
  if (kept.get("keys") === "off" && event.key !== "?") return;
  const at = event.target;
  const writes = at.matches?.("input:not([type=checkbox], [type=radio]), select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || writes || $("dialog[open]")) return;
  if (led) {
    led = false;
    if (event.key in PAGES) { location.assign(PAGES[event.key]); event.preventDefault(); }
    return;
  }
  if (event.key === "g") {
    led = true;
    setTimeout(() => { led = false; }, 1_500);
    return;
  }
  const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : undefined;
  if (act) { event.preventDefault(); act(); }
});

$("#keys-help")?.addEventListener("click", () => $("#help").showModal());
$("#keys-on")?.addEventListener("change", (event) => kept.set("keys", event.target.checked ? "on" : "off"));
if ($("#keys-on")) $("#keys-on").checked = kept.get("keys") !== "off";
if ($("#keys-tools")) $("#keys-tools").hidden = false;

// A link for others names times, not how long ago they were, and no place in a list.

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

$("#copy-link")?.addEventListener("click", async () => {
  const url = new URL(location.href);
  url.searchParams.delete("after");
  for (const key of ["since", "until", "window"]) {
    const span = /^(\d+)([smhdw])$/.exec(url.searchParams.get(key) ?? "");
    if (!span) continue;
    const at = new Date(Date.now() - Number(span[1]) * UNITS[span[2]] * 1_000);
    url.searchParams.set(key, `${at.toISOString().slice(0, 19)}Z`);
  }
  try {
    await navigator.clipboard.writeText(url.href);
    say("The link is copied.");
  } catch {
    say(url.href);
  }
});

for (const part of $$("[data-live][id]")) served.set(part.id, part.outerHTML);
reveal();
showZone();
countPicked();
setTimeout(beat, ASK);
