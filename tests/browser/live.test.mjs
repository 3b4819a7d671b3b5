// The page while things happen: it follows, it never moves what a person holds, and it says when nobody answers.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { faults, launch, open } from "./browser.mjs";
import { Served, jewels, machine } from "./served.mjs";

let served, browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());
beforeEach(async () => {
  served = await Served.start({ names: jewels(1, 10, (n) => `dc-${n}.corp.example`) });
});
afterEach(() => served?.stop());

const jewel = (n) => ({ alert_id: `a-${n}`, title: "Ransom note dropped", severity: "high", devices: [{ name: `dc-${n}.corp.example`, mde_id: machine(n) }] });

test("a page shows what came in without being asked", async () => {
  const page = await open(browser);
  await page.goto(`${served.base}/alerts`);
  await served.post([jewel(1)]);
  await page.locator("main").getByText("dc-1.corp.example").first().waitFor({ timeout: 15_000 });
  assert.deepEqual(await faults(page), []);
  await page.context().close();
});

test("a picked row stays picked and unmoved until r is pressed", async () => {
  await served.post([jewel(1)]);
  const page = await open(browser);
  await page.goto(`${served.base}/held`);
  await page.getByRole("link", { name: "Open" }).first().click();
  const box = page.locator("[data-row] input[name=pick]").first();
  await box.check();
  const before = await box.boundingBox();
  await served.post([jewel(2)]);
  await page.getByText("Changed since").first().waitFor({ timeout: 15_000 });
  assert.equal(await box.isChecked(), true);
  assert.deepEqual(await box.boundingBox(), before);
  assert.equal(await page.getByText("dc-2.corp.example").count(), 0);
  await page.keyboard.press("r");
  await page.getByText("dc-2.corp.example").first().waitFor();
  assert.equal(await page.locator('[data-row]', { hasText: "dc-1.corp.example" }).locator("input[name=pick]").isChecked(), true, "it is picked still");
  assert.ok(await page.getByLabel("Pick all").isVisible(), "and all can be picked");
  await page.context().close();
});

test("under steady change a page is fetched at most once a second", async () => {
  const page = await open(browser);
  await page.goto(`${served.base}/alerts`);
  const at = [];
  page.on("request", (request) => new URL(request.url()).pathname === "/alerts" && at.push(Date.now()));
  for (let n = 1; n <= 100; n += 1) {
    await served.post([{ alert_id: `s-${n}`, title: "steady", severity: "low", devices: [{ name: `lt-${n}`, mde_id: machine(n) }] }]);
    await new Promise((next) => setTimeout(next, 100));
  }
  assert.ok(at.length >= 2, `it followed: ${at.length}`);
  for (let i = 1; i < at.length; i += 1) assert.ok(at[i] - at[i - 1] >= 900, `${at[i] - at[i - 1]} ms`);
  await page.context().close();
});

test("eight tabs all load and all live", async () => {
  const page = await open(browser);
  const tabs = [page];
  while (tabs.length < 8) tabs.push(await page.context().newPage());
  for (const tab of tabs) await tab.goto(`${served.base}/alerts`);
  await served.post([jewel(1)]);
  for (const tab of tabs) {
    await tab.bringToFront();
    await tab.getByText("dc-1.corp.example").first().waitFor({ timeout: 20_000 });
  }
  await page.context().close();
});

test("a server that goes away is said, and comes back without a reload of the page", async () => {
  await served.post([jewel(1)]);
  const page = await open(browser);
  await page.goto(`${served.base}/held`);
  await served.kill();
  await page.getByText("No answer for").first().waitFor({ timeout: 60_000 });
  await served.run();
  await page.getByText("No answer for").first().waitFor({ state: "hidden", timeout: 60_000 });
  await page.context().close();
});

test("a page that follows for a minute grows neither in elements nor in memory", async () => {
  const page = await open(browser);
  await page.goto(`${served.base}/alerts`);
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable");
  const size = async () => {
    await client.send("HeapProfiler.collectGarbage");
    const { metrics } = await client.send("Performance.getMetrics");
    const of = (name) => metrics.find((one) => one.name === name).value;
    return { heap: of("JSHeapUsedSize"), nodes: of("Nodes"), listeners: of("JSEventListeners") };
  };
  let n = 0;
  const busy = async (seconds) => {
    for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
      n += 1;
      await served.post([{ alert_id: `m-${n}`, title: "steady", severity: "low", devices: [{ name: `lt-${n}`, mde_id: machine(n) }] }]);
      await new Promise((next) => setTimeout(next, 100));
    }
    await page.locator("main").getByText(`lt-${n}`, { exact: true }).first().waitFor({ timeout: 15_000 });
  };
  // A list that is full first: 100 rows, and no more afterwards.
  await busy(15);
  const before = await size();
  await busy(60);
  const after = await size();
  assert.ok(after.nodes <= before.nodes * 1.2, `${before.nodes} elements became ${after.nodes}`);
  assert.ok(after.heap <= before.heap + 1_000_000, `${before.heap} bytes became ${after.heap}`);
  assert.ok(after.listeners <= before.listeners * 1.2, `${before.listeners} listeners became ${after.listeners}`);
  await page.context().close();
});
