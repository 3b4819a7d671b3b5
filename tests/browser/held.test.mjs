// A person answers what is held: by mouse, by keyboard alone, without JavaScript; and is asked again where something changed.

import assert from "node:assert/strict";
import { afterEach, after, before, beforeEach, test } from "node:test";
import { faults, launch, open, picture } from "./browser.mjs";
import { Served, jewels, machine, until } from "./served.mjs";

let served, browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

beforeEach(async () => {
  served = await Served.start({ names: jewels(1, 10) });
});
afterEach(() => served?.stop());

/** Alerts that are held: crown jewels. */
function alerts(from, to, title = "Ransom note dropped") {
  const list = [];
  for (let n = from; n < to; n += 1) {
    list.push({ alert_id: `a-${n}`, title, severity: "high", devices: [{ name: `dc-${String(n).padStart(2, "0")}.corp.example`, mde_id: machine(n) }] });
  }
  return list;
}

async function scansOf(n) {
  return until(`${n} scans at the far side`, async () => {
    const scans = await served.scans();
    return scans.length >= n && scans;
  });
}

for (const javaScriptEnabled of [true, false]) {
  test(`one group is approved with three clicks, JavaScript ${javaScriptEnabled}`, async () => {
    await served.post(alerts(1, 4));
    const page = await open(browser, { javaScriptEnabled });
    await page.goto(`${served.base}/held`);
    await page.getByRole("link", { name: "Open" }).first().click();
    await page.getByRole("button", { name: "Approve…" }).click();
    await page.getByRole("heading", { name: "Begin a full scan of 3 machines?" }).waitFor();
    for (const name of ["dc-01", "dc-02", "dc-03"]) {
      assert.ok(await page.getByText(name).first().isVisible(), name);
    }
    if (javaScriptEnabled) await picture(page, "confirm");
    await page.getByRole("button", { name: "Begin 3 scans" }).click();
    const scans = await scansOf(3);
    assert.equal(scans.length, 3);
    if (javaScriptEnabled) assert.deepEqual(await faults(page), []);
    await page.context().close();
  });
}

test("the keyboard alone finds a group, approves it and sees its scan", async () => {
  await served.post(alerts(1, 2));
  const page = await open(browser);
  await page.goto(`${served.base}/`);
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  await page.waitForURL("**/held");
  await page.keyboard.press("j");
  await page.keyboard.press("o");
  await page.waitForURL(/\/held[/?]/);
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.keyboard.press("a");
  await page.getByRole("heading", { name: "Begin a full scan of 1 machine?" }).waitFor();
  assert.deepEqual(await served.scans(), [], "a key never confirms");
  const button = page.getByRole("button", { name: "Begin 1 scan" });
  for (let presses = 0; presses < 40; presses += 1) {
    if (await button.evaluate((one) => one === document.activeElement)) break;
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  // The answer is a page of its own: a key pressed on the way there belongs to neither page.
  await page.waitForURL("**/held/approve");
  await scansOf(1);
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.waitForURL("**/scans");
  assert.ok(await page.getByText("dc-01").first().isVisible());
  await page.context().close();
});

test("what changed between the question and the answer is asked again", async () => {
  await served.post(alerts(1, 3));
  const page = await open(browser);
  await page.goto(`${served.base}/held`);
  await page.getByRole("link", { name: "Open" }).first().click();
  await page.getByRole("button", { name: "Approve…" }).click();
  await page.getByRole("heading", { name: "Begin a full scan of 2 machines?" }).waitFor();
  await served.post(alerts(3, 4));
  await until("the third is held", async () => (await served.api("/api/v1/decisions?state=held")).body.items.length === 3);
  await page.getByRole("button", { name: "Begin 2 scans" }).click();
  await page.getByText("changed", { exact: false }).first().waitFor();
  assert.deepEqual(await served.scans(), [], "nothing was begun");
  await page.context().close();
});

test("no form of another origin orders anything", async () => {
  await served.post(alerts(1, 2));
  const [one] = (await served.api("/api/v1/decisions?state=held")).body.items;
  const form = new URLSearchParams({ id: one.id, ids: one.id, verb: "approve", reason: "x" });
  for (const origin of ["http://evil.example", "null", undefined]) {
    for (const path of ["/held/confirm", "/held/approve", "/held/deny"]) {
      const headers = { "content-type": "application/x-www-form-urlencoded", ...(origin && { origin }) };
      const answer = await fetch(served.base + path, { method: "POST", body: form, headers });
      assert.ok(answer.status >= 400, `${path} from ${origin}: ${answer.status}`);
    }
  }
  assert.equal((await served.api("/api/v1/decisions?state=held")).body.items.length, 1);
  assert.deepEqual(await served.scans(), []);
});

test("a denial is recorded with its reason", async () => {
  await served.post(alerts(1, 2));
  const page = await open(browser);
  await page.goto(`${served.base}/held`);
  await page.getByRole("link", { name: "Open" }).first().click();
  await page.getByLabel("Reason").first().fill("a drill");
  await page.getByRole("button", { name: "Deny…" }).click();
  await page.getByRole("button", { name: /^Deny/ }).click();
  const [one] = await until("it is denied", async () => {
    const { body } = await served.api("/api/v1/decisions?reason=denied");
    return body.items.length && body.items;
  });
  assert.ok(one.why.includes("a drill"), one.why);
  await page.context().close();
});
