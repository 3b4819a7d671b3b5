// Every page, for every role, in every form a person may have it: readable, reachable, and deaf to what alerts say.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { DESK, PHONE, barriers, faults, inView, launch, open, picture } from "./browser.mjs";
import { Served, machine, token, until } from "./served.mjs";

const LIST = ["/", "/held", "/alerts", "/scans", "/rules", "/system"];
const HOSTILE = `<script>globalThis.ran=1</script>"><img src=x onerror=globalThis.ran=1>{{7*7}}\u202e`;

let served, browser, details;

before(async () => {
  served = await Served.start({ names: { 1: "dc-01.corp.example", 2: "lt-042.corp.example" } });
  browser = await launch();
  await served.post([
    { alert_id: "a-1", title: "Ransom note dropped", severity: "high", devices: [{ name: "dc-01.corp.example", mde_id: machine(1) }], url: "https://siem.example/a-1" },
    { alert_id: "a-2", title: "Mail with a macro", severity: "medium", devices: [{ name: "lt-042.corp.example", mde_id: machine(2) }] },
    { alert_id: "a-3", title: "Nobody's business", severity: "low", devices: [{ name: "lt-043", mde_id: machine(3) }] },
    { alert_id: HOSTILE, title: HOSTILE + "x".repeat(1000), severity: "high", devices: [{ name: HOSTILE, mde_id: machine(4) }], url: "javascript:globalThis.ran=1", user: HOSTILE },
  ]);
  const scans = await until("a scan ends", async () => {
    const { body } = await served.api("/api/v1/scans?state=finished");
    return body.items.length > 0 && body.items;
  });
  const held = await until("something is held", async () => {
    const { body } = await served.api("/api/v1/decisions?state=held");
    return body.items.length > 0 && body.items;
  });
  const [alert] = (await served.api("/api/v1/alerts?alert=a-2")).body.items;
  details = [
    `/held/${held[0].id}`,
    `/alerts/${alert.delivery}/${alert.n ?? 0}`,
    `/scans/${scans[0].id}`,
    `/machines/default/${machine(2)}`,
    "/rules/high",
  ];
});

after(async () => {
  await browser?.close();
  await served?.stop();
});

/** Goes through all pages in one window. */
async function each(page, visit) {
  for (const path of [...LIST, ...details]) {
    const answer = await page.goto(served.base + path);
    assert.equal(answer.status(), 200, path);
    await visit(path);
  }
}

for (const [scheme, size, name] of [["light", DESK, "desk"], ["dark", DESK, "desk"], ["light", PHONE, "phone"], ["dark", PHONE, "phone"]]) {
  test(`nothing hinders people on any page, ${scheme} on a ${name}`, async () => {
    const page = await open(browser, { colorScheme: scheme, viewport: size });
    const found = {};
    await each(page, async (path) => {
      await picture(page, `${scheme}-${name}${path.replace(/[^a-z]+/g, "-").slice(0, 20)}`);
      const seen = await barriers(page);
      if (seen.length) found[path] = seen;
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) (found[path] ??= []).push(`${wide} px wider than the window`);
    });
    assert.deepEqual(found, {});
    await page.context().close();
  });
}

test("no page breaks its own policy, is in error or runs what an alert says", async () => {
  const page = await open(browser);
  const found = {};
  await each(page, async (path) => {
    assert.equal(await page.evaluate(() => globalThis.ran), undefined, path);
    const bad = await page.locator('a[href^="javascript:"]').count();
    assert.equal(bad, 0, path);
    const seen = await faults(page);
    if (seen.length) found[path] = seen;
  });
  assert.deepEqual(found, {});
  await page.context().close();
});

test("what an alert says is text, its bidi marks are shown and its address is no link", async () => {
  const page = await open(browser);
  await page.goto(`${served.base}/alerts`);
  const text = await page.locator("main").innerText();
  assert.ok(text.includes("<script>globalThis.ran=1</script>"), text);
  assert.ok(text.includes("\\u202e") && !text.includes("\u202e"), text);
  assert.ok(text.includes("{{7*7}}"), text);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px`);
  await page.context().close();
});

test("now shows its counters, picture and quota without scrolling", async () => {
  const page = await open(browser);
  await page.goto(`${served.base}/`);
  for (const what of ["Held for a person", "Failed, 24 h", "Parked", "Waiting to be sent", "Running", "Quota"]) {
    assert.ok(await inView(page.getByText(what, { exact: false }).first()), what);
  }
  assert.ok(await inView(page.locator("svg").first()), "the picture");
  await page.context().close();
});

test("every page is whole without JavaScript", async () => {
  const page = await open(browser, { javaScriptEnabled: false });
  for (const path of [...LIST, ...details]) {
    await page.goto(served.base + path);
    assert.ok(await page.locator("main h1").first().isVisible(), path);
  }
  await page.context().close();
});

test("an alert's page is its story on paper too", async () => {
  const page = await open(browser);
  await page.goto(served.base + details[1]);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("nav").first().isVisible(), false);
  assert.ok((await page.locator("main").innerText()).includes("Mail with a macro"));
  assert.ok((await page.pdf()).length > 5_000);
  await page.context().close();
});

test("times are UTC, and local where the browser was told so", async () => {
  const page = await open(browser, { timezoneId: "Europe/Berlin" });
  await page.goto(`${served.base}/alerts`);
  const cell = page.locator("main time").first();
  const stated = new Date(await cell.getAttribute("datetime"));
  const utc = stated.toISOString().slice(11, 16);
  assert.ok((await cell.innerText()).includes(utc));
  await page.getByRole("button", { name: "UTC" }).click();
  const local = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Berlin" }).format(stated);
  assert.ok((await cell.innerText()).includes(local), `${await cell.innerText()} for ${local}`);
  await page.reload();
  assert.ok((await page.locator("main time").first().innerText()).includes(local), "it is kept");
  await page.context().close();
});

test("the hour that comes twice when summer time ends is told apart by UTC", async () => {
  const page = await open(browser, { timezoneId: "Europe/Berlin" });
  await page.goto(`${served.base}/alerts`);
  // 02:30 in summer time, 02:30 in winter time, and the next minute that comes once.
  const instants = ["2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", "2025-10-26T02:00:00Z"];
  await page.evaluate((instants) => {
    const cells = document.querySelectorAll("main time");
    instants.forEach((instant, i) => { cells[i].dateTime = instant; });
  }, instants);
  await page.getByRole("button", { name: "UTC" }).click();
  const cells = page.locator("main time");
  const shown = await Promise.all(instants.map(async (_, i) => [await cells.nth(i).innerText(), await cells.nth(i).getAttribute("title")]));
  assert.deepEqual(shown, [
    ["2025-10-26 02:30", "2025-10-26T00:30:00Z (UTC)"],
    ["2025-10-26 02:30", "2025-10-26T01:30:00Z (UTC)"],
    ["2025-10-26 03:00", "2025-10-26T02:00:00Z (UTC)"],
  ]);
  await page.context().close();
});

test("Python's csv reads every row of a list, and no cell begins as a formula does", async () => {
  const formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "a \"quoted\", cell", "two\r\nlines"];
  await served.post(formulas.map((title, i) => ({ alert_id: `f-${i}`, title, severity: "low", devices: [{ name: "lt-044", mde_id: machine(44) }] })));
  const text = await (await fetch(`${served.base}/api/v1/alerts?format=csv&device=lt-044`)).text();
  const read = spawnSync("python3", ["-c", "import csv, json, sys; print(json.dumps(list(csv.reader(sys.stdin))))"], { input: text, encoding: "utf8" });
  assert.equal(read.status, 0, read.stderr);
  const [head, ...rows] = JSON.parse(read.stdout);
  assert.equal(rows.length, formulas.length);
  assert.ok(rows.every((row) => row.length === head.length), "each row has a cell for each name");
  const cells = rows.flat().filter((cell) => /^[=+\-@\t\r]/.test(cell));
  assert.deepEqual(cells, []);
  const titles = rows.map((row) => row[head.indexOf("title")]);
  assert.ok(titles.includes("'=1+1") && titles.includes('a "quoted", cell'), titles.join(" | "));
});
